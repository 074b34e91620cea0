"""Distillation: losses, trainer, step."""
