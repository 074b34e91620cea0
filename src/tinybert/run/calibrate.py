"""What a task chooses by a model's outputs for training rows, such as thresholds."""

import json
import random
from pathlib import Path

from tinybert.base.files import write_json
from tinybert.runtime.model import Model
from tinybert.tasks.task import Examples, Task

MOST_ROWS = 4000
"""Enough for labels of one row in a hundred, and seconds to run."""


def calibrated(task: Task, model: Model, rows: Examples | None, seed: int) -> Task:
    """The task with what is best for a model on training rows, never on those of evaluation.

    Args:
        task: With its labels in the order of the model's outputs.
        model: The model.
        rows: All training rows, of which `MOST_ROWS` are drawn.
        seed: Of the draw.

    Returns:
        The task as it is where there is nothing to choose, or rows have no labels.
    """
    if not task.calibrates or rows is None or rows.labels is None:
        return task
    drawn = random.Random(seed).sample(range(len(rows)), min(MOST_ROWS, len(rows)))
    return task.calibrate(model.logits([rows.texts[row] for row in drawn]), rows.labels[drawn])


def note_task(folder: Path, task: Task) -> None:
    """Writes a task into the config.json of a saved model."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, config | json.loads(json.dumps(task.model_config())))
