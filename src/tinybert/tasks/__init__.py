"""Task adapters, and how to get one by name."""

from tinybert.tasks.registry import get_task, task_from_config

__all__ = ["get_task", "task_from_config"]
