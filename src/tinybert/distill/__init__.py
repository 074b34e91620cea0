"""Distillation: settings, losses and the trainer."""
