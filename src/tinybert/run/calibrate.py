"""What a task chooses by a model's outputs for training rows, such as thresholds."""

import json
import random
from pathlib import Path

from tinybert.base.files import write_json
from tinybert.modeling.torch_model import load_torch
from tinybert.run.state import Run
from tinybert.runtime.config import read_config
from tinybert.runtime.model import Model
from tinybert.tasks import task_from_config
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
    return task.calibrate(model.outputs(rows.take(drawn).rows), rows.labels[drawn])


def task_of(run: Run, path: Path) -> Task:
    """The recipe's task with what was chosen for a model: each model has thresholds of its own.

    Args:
        run: The run.
        path: The model: one that a step left, whose config.json says what was chosen, or the
            teacher as it came, for which it is chosen now.
    """
    task = run.inputs.task
    if not task.calibrates:
        return task
    if path == run.inputs.teacher:
        if path not in run.chosen:
            model = load_torch(path, max_length=run.recipe.data.max_length)
            run.chosen[path] = calibrated(task, model, run.inputs.train, run.recipe.seed)
        return run.chosen[path]
    return task.calibrated_as(task_from_config(read_config(path)))


def note_task(folder: Path, task: Task) -> None:
    """Writes a task into the config.json of a saved model."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, config | json.loads(json.dumps(task.model_config())))
