"""Looks for what keeps a budget: candidates, what they cost, and short trainings of them."""
