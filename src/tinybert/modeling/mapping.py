"""Which teacher layer each student layer starts from and learns from."""

from itertools import pairwise
from typing import Literal

from tinybert.base.errors import InputError

LayerMapping = Literal["uniform", "top", "bottom"] | list[int]
"""A rule, or the teacher layer (from 1) of each student layer, in order."""

DistillationMapping = Literal["uniform", "top", "bottom", "last", "nearest"] | list[int]
"""A `LayerMapping`, in which a 0 leaves its student layer free; or `last`, which compares the last
layers alone; or `nearest`, which finds the most similar ones."""


def map_layers(
    teacher_layers: int, student_layers: int, mapping: LayerMapping = "uniform"
) -> list[int]:
    """The teacher layer, counted from 1, for each student layer; 0 would be the embeddings.

    The rules are those of TinyBERT (section 4.4), for N teacher and M student layers: `uniform`
    g(m) = m · N / M, rounded, halves to the even layer; `top` g(m) = m + N - M; `bottom` g(m) = m.

    Raises:
        InputError: The mapping is not increasing, or names a layer that the teacher has not.

    Example:
        >>> map_layers(12, 4), map_layers(6, 4), map_layers(12, 4, "top")
        ([3, 6, 9, 12], [2, 3, 4, 6], [9, 10, 11, 12])
    """
    if isinstance(mapping, str):
        _check_depth(teacher_layers, student_layers)
        step = teacher_layers / student_layers if mapping == "uniform" else 1
        skipped = teacher_layers - student_layers if mapping == "top" else 0
        return [round(layer * step) + skipped for layer in range(1, student_layers + 1)]
    if len(mapping) != student_layers:
        raise _impossible(mapping, teacher_layers, student_layers)
    _check_increasing(mapping, mapping, teacher_layers, student_layers)
    return mapping


def pair_layers(
    teacher_layers: int, student_layers: int, mapping: DistillationMapping = "uniform"
) -> list[tuple[int, int]]:
    """The (student layer, teacher layer) pairs to compare, counted from 1.

    `nearest` depends on what the models compute, see `tinybert.distillation.nearest`; here it is
    checked, and gives what `uniform` does.

    Raises:
        InputError: As for `map_layers`.

    Example:
        >>> pair_layers(6, 3, "last"), pair_layers(6, 3, [0, 2, 5])
        ([(3, 6)], [(2, 2), (3, 5)])
    """
    if mapping == "last":
        return [(student_layers, teacher_layers)]
    if mapping == "nearest":
        mapping = "uniform"
    if isinstance(mapping, str) or 0 not in mapping:
        return list(enumerate(map_layers(teacher_layers, student_layers, mapping), start=1))
    pairs = [(layer, target) for layer, target in enumerate(mapping, start=1) if target]
    if len(mapping) != student_layers or not pairs:
        raise _impossible(mapping, teacher_layers, student_layers)
    _check_increasing([target for _, target in pairs], mapping, teacher_layers, student_layers)
    return pairs


def _check_depth(teacher_layers: int, student_layers: int) -> None:
    if student_layers > teacher_layers:
        raise InputError(
            f"{student_layers} layers can't learn from a teacher of "
            f"{teacher_layers}; use at most {teacher_layers}"
        )


def _check_increasing(
    targets: list[int], mapping: list[int], teacher_layers: int, student_layers: int
) -> None:
    increasing = all(low < high for low, high in pairwise(targets))
    if not increasing or not all(1 <= layer <= teacher_layers for layer in targets):
        raise _impossible(mapping, teacher_layers, student_layers)


def _impossible(mapping: list[int], teacher_layers: int, student_layers: int) -> InputError:
    return InputError(
        f"{mapping} must name {student_layers} layers of the teacher's "
        f"{teacher_layers}, in increasing order, counted from 1"
    )


def group_heads(teacher_heads: int, student_heads: int) -> list[list[int]]:
    """The neighbouring teacher heads that each student head stands for.

    Raises:
        InputError: The student has more heads than the teacher.

    Example:
        >>> group_heads(12, 4)
        [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    """
    if student_heads > teacher_heads:
        raise InputError(
            f"{student_heads} heads can't learn from a teacher's "
            f"{teacher_heads}; use at most {teacher_heads}"
        )
    bounds = [head * teacher_heads // student_heads for head in range(student_heads + 1)]
    return [list(range(low, high)) for low, high in pairwise(bounds)]
