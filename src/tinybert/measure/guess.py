"""What is reached without looking at a text: what a model must beat to have learned anything."""

import numpy as np

from tinybert.tasks.base import Examples, Task


def constant_guess(task: Task, examples: Examples) -> float:
    """The best value of the task's first metric that one and the same answer for all rows gives.

    Args:
        task: With its labels.
        examples: Rows with labels.

    Example:
        >>> from tinybert.data import Table
        >>> from tinybert.tasks import get_task
        >>> rows = Table({"sentence": ["a", "b", "c"], "label": ["x", "x", "y"]}, "rows")
        >>> task = get_task("text-classification").fit(rows)
        >>> round(constant_guess(task, task.examples(rows)), 3)
        0.667
    """
    assert examples.labels is not None, "there is nothing to guess"
    outputs = len(task.model_config()["id2label"])
    # The logits of always choosing one class; of a regression, of always saying 1.
    guesses = (np.tile(row, (len(examples), 1)) for row in np.eye(outputs, dtype=np.float32))
    return max(task.score(guess, examples.labels)[task.metric] for guess in guesses)
