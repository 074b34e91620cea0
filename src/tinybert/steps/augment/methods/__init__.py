"""The ways to change texts: one file each, and one line in the registry."""
