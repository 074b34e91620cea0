"""Building a student: its shape, and its first weights."""
