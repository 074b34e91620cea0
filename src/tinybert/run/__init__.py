"""Runs recipes: each step in a folder of its own, then artifacts, measurements, report."""
