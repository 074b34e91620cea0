"""A model's score on examples, with how far to trust it."""

from functools import partial
from typing import Any

from numpy.typing import NDArray

from tinybert.base.errors import InputError
from tinybert.measure.intervals import bootstrap_interval
from tinybert.runtime.model import Model
from tinybert.tasks.outputs import Outputs
from tinybert.tasks.task import Examples, Task


def evaluate(
    model: Model, examples: Examples, task: Task | None = None, batch_size: int = 32
) -> dict[str, Any]:
    """Scores a model on all of some examples, through the model's own runtime.

    Args:
        model: Any model with a task.
        examples: Rows with labels, read with the same label names as the model's.
        task: Whose metrics count, with its labels in the order of the model's; default: what the
            model's own config.json says.
        batch_size: Rows that run at once.

    Returns:
        "rows", of a search its queries; "metric", the value of the task's first metric, and
        "metric_low", "metric_high", its 95% bootstrap interval; "metrics", all of them by name.

    Raises:
        InputError: There are no rows or no labels, or the model can't predict.
    """
    labels = examples.labels
    if labels is None:
        raise InputError(f"{examples.source}: has no labels to evaluate against")
    if len(examples) == 0:
        raise InputError(f"{examples.source}: has no rows to evaluate on")
    return score(model.outputs(examples.rows, batch_size), labels, task or model.task)


def score(outputs: Outputs, labels: NDArray[Any], task: Task) -> dict[str, Any]:
    """What `evaluate` returns, of outputs that are there already.

    Args:
        outputs: Of one row at least.
        labels: Of the rows.
        task: Whose metrics count.
    """
    tally = task.tally(outputs, labels)
    metrics = {metric: task.measure(metric, tally) for metric in task.metrics}
    low, high = bootstrap_interval(partial(task.measure, task.metric), tally)
    return {
        "rows": len(tally),
        "metric": metrics[task.metric],
        "metric_low": low,
        "metric_high": high,
        "metrics": metrics,
    }
