"""PyTorch models as every step wants them: loaded whole, saved whole, taken apart by name."""
