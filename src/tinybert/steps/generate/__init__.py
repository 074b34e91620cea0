"""Training texts made from the teacher alone, for a user who may not ship data."""
