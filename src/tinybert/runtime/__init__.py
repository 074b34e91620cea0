"""A compressed model that predicts, without PyTorch: its texts, its files, its answers."""
