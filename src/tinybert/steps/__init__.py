"""What a recipe can do to a model, one folder a step, and the list of them."""
