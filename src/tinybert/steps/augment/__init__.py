"""More training texts from those that are there: one file a method."""
