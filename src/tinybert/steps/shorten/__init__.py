"""Layers that compute fewer positions."""
