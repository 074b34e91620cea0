"""Changed rows by several methods, checked: what must stay is there, and nothing is there twice."""

import logging
from collections.abc import Iterator, Sequence

from tinybert.base.errors import InputError, placed
from tinybert.steps.augment.methods.method import Method, World
from tinybert.steps.augment.passages import Made, Passage, passage_of
from tinybert.tasks.task import Examples, Task

logger = logging.getLogger(__name__)


def read_passages(task: Task, examples: Examples, world: World) -> list[Passage]:
    """Rows as methods see them.

    Args:
        task: It knows what of a text its labels point at.
        examples: The rows; where labels are of words, with them or without.
        world: With what must not change.
    """
    labels = examples.labels
    passages = []
    for number, row in enumerate(examples.rows):
        answered = [] if labels is None else task.answered(row, labels[number])
        known = [world.knowledge.fixed(part) for part in passage_of(row).parts]
        known[0] += answered
        passages.append(passage_of(row, known, in_place=not task.learns_from_texts))
    return passages


def check_methods(methods: Sequence[type[Method]], task: Task) -> None:
    """Refuses methods for rows whose labels they would lose.

    Raises:
        InputError: Labels are of words, or point at them, and a method writes texts anew.
    """
    if task.learns_from_texts:
        return
    if not task.words_may_change:
        raise InputError(
            f"makes texts, and the labels of {task.kind} point at places in texts, which would be "
            "lost; leave this step out"
        )
    for place, method in enumerate(methods):
        if not method.replaces:
            able = "its labels are of words, whose places it would lose"
            with placed("with", place):
                raise InputError(f"{method.name} writes texts anew, and {task.kind} can't: {able}")


def make(
    passages: Sequence[Passage], methods: Sequence[tuple[Method, int]], world: World
) -> Iterator[Made]:
    """Changed rows, each of which is a new one.

    Args:
        passages: The rows.
        methods: What to do, in order, and how many copies of each row.
        world: Beside the rows.

    Yields:
        Rows by the first method, then by the next, in the order in which they are made.
    """

    def words_of(parts: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """What tells texts apart: changed ones may have lost the spacing."""
        return tuple(tuple(world.split(part)) for part in parts)

    known = {words_of(passage.parts) for passage in passages}
    seen: set[tuple[str, ...]] = set()
    for method, copies in methods:
        untrue = 0
        for made in method.make(passages, copies, world):
            if made.parts in seen or words_of(made.parts) in known:
                continue
            seen.add(made.parts)
            if world.knowledge.keeps(passages[made.source].parts, made.parts):
                yield made
            else:
                untrue += 1
        if untrue:
            logger.warning(
                "augment: %d texts by %s are left out: they lost what must not change",
                untrue,
                method.name,
            )
