"""Linear layers, and the table of words, as products of two smaller ones."""
