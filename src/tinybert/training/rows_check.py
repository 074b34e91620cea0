"""What settings of training on rows ask of the rows, before anything runs."""

from typing import TYPE_CHECKING

from tinybert.base.errors import InputError, cut, placed, short
from tinybert.training.rows_config import RowsConfig

if TYPE_CHECKING:
    from tinybert.tasks.task import Examples, Task
    from tinybert.training.materials import Materials

FEWEST_HELD_OUT = 10
"""The fewest rows whose loss says anything."""


def check_rows(config: RowsConfig, materials: "Materials", *, soft: bool = False) -> None:
    """Refuses what the rows of the task can't be trained with.

    Args:
        config: The settings.
        materials: What the step can look at.
        soft: Whether it learns soft labels where rows have them, and not their labels.

    Raises:
        InputError: A `PlacedError` at the key.
    """
    task, rows = materials.task, materials.train
    with placed("class_weights"):
        if config.class_weights is not None:
            _check_weights(config, task, rows, soft=soft)
    with placed("sampling"):
        if config.sampling is not None:
            if not task.one_label:
                raise InputError(
                    f"is for rows that have one label each, and those of {task.kind} have not; "
                    "leave it out" + ("; class_weights may do" if task.weighs_labels else "")
                )
            _require_labels(rows)
    with placed("early_stopping"):
        if config.early_stopping is not None and rows is not None:
            check_held_out(config.early_stopping.hold_out, len(rows))


def check_held_out(share: float, rows: int) -> None:
    """Refuses to hold out so few rows that their loss says nothing.

    Raises:
        InputError: They are too few.
    """
    if share * rows < FEWEST_HELD_OUT:
        raise InputError(
            f"holds out {share * rows:.0f} of {rows} training rows, whose loss says nothing; raise "
            f"hold_out so that it is {FEWEST_HELD_OUT} rows or more, or leave it out"
        )


def check_taken(taken: int, rows: int) -> None:
    """Refuses to go by so few rows: those of one text are held out together or not at all.

    Raises:
        InputError: They are too few.
    """
    if taken < FEWEST_HELD_OUT:
        raise InputError(
            f"could hold out {taken} of {rows} training rows only, as the others have the same "
            "texts; leave it out"
        )


def _check_weights(
    config: RowsConfig, task: "Task", rows: "Examples | None", *, soft: bool
) -> None:
    if not task.weighs_labels:
        raise InputError(
            f"weighs labels that are classes, and {task.kind} has no such; leave it out"
        )
    _require_labels(rows)
    if soft and rows is not None and rows.soft_labels is not None:
        raise InputError("weighs labels, and the rows have soft ones, which are learned instead")
    known: tuple[str, ...] = getattr(task, "labels", ())
    given = config.class_weights if isinstance(config.class_weights, dict) else {}
    if unknown := [name for name in given if name not in known]:
        raise InputError(f"there is no label {short(unknown[0])}; known: {cut(', '.join(known))}")


def _require_labels(rows: "Examples | None") -> None:
    if rows is not None and rows.labels is None:
        raise InputError(f"{rows.source}: has no labels")
