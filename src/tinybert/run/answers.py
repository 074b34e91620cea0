"""Rows without labels are compared with what the teacher answers."""

import logging
from dataclasses import replace
from pathlib import Path

from tinybert.modeling.torch_model import load_torch
from tinybert.recipe.inputs import Inputs
from tinybert.run.calibrate import task_of
from tinybert.run.state import Run
from tinybert.tasks.task import Task

logger = logging.getLogger(__name__)


def answered(inputs: Inputs, max_length: int) -> Inputs:
    """Inputs whose evaluation rows have labels: the teacher's answers where they had none.

    Args:
        inputs: As they were read.
        max_length: Tokens that texts are cut to.
    """
    if inputs.eval.labels is not None:
        return inputs
    logger.warning(
        "%s: has no labels: what is measured is the %s with the teacher",
        inputs.eval.source,
        inputs.task.as_teacher().metric,
    )
    outputs = load_torch(inputs.teacher, max_length=max_length).outputs(inputs.eval.rows)
    labels = inputs.task.answers(outputs.logits)
    return replace(inputs, eval=replace(inputs.eval, labels=labels), answered=True)


def scored_task(run: Run, path: Path) -> Task:
    """The task of a model with the metrics that the run's evaluation rows can have."""
    return run.inputs.scored(task_of(run, path))
