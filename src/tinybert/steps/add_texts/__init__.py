"""More training texts from a corpus."""
