"""What is reached without looking at a text: what a model must beat to have learned anything."""

from collections.abc import Mapping
from typing import Any

from tinybert.tasks.task import Examples, Task


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
    best = max if task.higher_is_better else min
    return best(
        task.measure(task.metric, task.tally(guess, examples.labels))
        for guess in task.guesses(examples)
    )


def no_better_than_constant(score: Mapping[str, Any], task: Task, examples: Examples) -> str | None:
    """What a model reached, in words, where one and the same answer does as well; else None.

    Correlations of constant answers are 0, and those of random ones fall on both sides of it: they
    count as better where their 95% interval excludes 0.

    Args:
        score: What `evaluate` gave for the model on these rows.
        task: Its first metric is compared.
        examples: Rows with labels.

    Example:
        >>> import numpy as np
        >>> from tinybert.tasks import get_task
        >>> score = {"metric": 0.04, "metric_low": -0.05, "metric_high": 0.14}
        >>> rows = Examples.of_texts(["a", "b"], np.array([1.0, 2.0]), "dev.tsv")
        >>> no_better_than_constant(score, get_task("glue/sts-b"), rows)
        'spearman is 0.0400 (95% interval -0.0500 to 0.1400) on dev.tsv, not clearly better than \
always giving one answer (0.0000)'
    """
    guess = constant_guess(task, examples)
    reached, low, high = (score[key] for key in ("metric", "metric_low", "metric_high"))
    above = reached > guess if task.higher_is_better else reached < guess
    if above and not (guess == 0 and low <= 0):
        return None
    better = "not clearly" if above else "no"
    return (
        f"{task.metric} is {reached:.4f} (95% interval {low:.4f} to {high:.4f}) on "
        f"{examples.source}, {better} better than always giving one answer ({guess:.4f})"
    )
