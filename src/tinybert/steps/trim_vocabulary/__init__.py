"""A vocabulary cut down to what a corpus needs."""
