"""Fake quantization of a PyTorch model, whose scales the exported files get."""
