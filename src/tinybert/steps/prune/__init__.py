"""Pruning: fewer heads, neurons and layers, or weights that are zero."""
