"""What to do: a recipe that is read, checked and planned before anything runs."""
