"""Distillation as a library: losses, signals, teachers, caches, and the trainer of them."""
