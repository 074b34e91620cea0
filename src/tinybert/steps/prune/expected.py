"""The shape that pruning leaves, as far as it can be known before anything runs."""

from dataclasses import replace
from typing import TYPE_CHECKING

from tinybert.base.errors import InputError
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.steps.prune.rounding import rounded

if TYPE_CHECKING:
    from tinybert.steps.prune.config import PruneConfig


def pruned(shape: ExpectedShape, settings: "PruneConfig") -> ExpectedShape:
    """What `prune` leaves of a shape.

    Raises:
        InputError: Too many layers are to be dropped.
    """
    layers = layers_left(settings.layers, shape.layers)
    heads = _left(shape.head_counts, settings.layers, layers)
    neurons = _left(shape.neuron_counts, settings.layers, layers)
    uneven = bool(settings.heads or settings.neurons) and not settings.uniform
    unknown = isinstance(settings.layers, int) and settings.layers and not shape.even
    chosen = range(1, layers + 1) if settings.of_layers is None else settings.of_layers

    def cut(counts: tuple[int, ...], share: float, multiple: int) -> tuple[int, ...]:
        def kept(count: int) -> int:
            return min(multiple, count) if uneven else rounded(count * (1 - share), multiple, count)

        if not share:
            return counts
        return tuple(
            kept(count) if number in chosen else count
            for number, count in enumerate(counts, start=1)
        )

    return replace(
        shape,
        layers=layers,
        head_counts=cut(heads, settings.heads, 1),
        neuron_counts=cut(neurons, settings.neurons, settings.rounding),
        exact=shape.exact and not uneven and not unknown,
    )


def _left(counts: tuple[int, ...], dropped: int | list[int], layers: int) -> tuple[int, ...]:
    """The counts of the layers that stay; at least, where only their number is known."""
    if isinstance(dropped, list):
        return tuple(count for at, count in enumerate(counts, start=1) if at not in dropped)
    return counts if not dropped else (min(counts),) * layers


def layers_left(dropped: int | list[int], layers: int) -> int:
    """How many layers a model of so many has afterwards.

    Raises:
        InputError: It has too few, or none would be left.

    Example:
        >>> layers_left(2, 6), layers_left([1, 6], 6)
        (4, 4)
    """
    if isinstance(dropped, list):
        require_layers(dropped, layers)
    left = layers - (len(dropped) if isinstance(dropped, list) else dropped)
    if left < 1:
        raise InputError(f"at least one of the model's {layers} layers must stay")
    return left


def require_layers(numbers: list[int], layers: int) -> None:
    """Refuses numbers of layers, counted from 1, that a model of so many has not.

    Raises:
        InputError: There is one.
    """
    for number in numbers:
        if number > layers:
            raise InputError(f"there is no layer {number}; the model has {layers}")
