"""Distillation on a corpus of plain text."""
