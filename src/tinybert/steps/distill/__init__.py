"""Distillation on the task's rows, as a step."""
