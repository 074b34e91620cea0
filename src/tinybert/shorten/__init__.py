"""Fewer positions in later layers."""
