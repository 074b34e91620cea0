"""What teacher and student are compared by: logits, hidden states, queries, keys and values.

Attention maps are made of queries and keys by the losses that compare them. So the models keep
their fused attention, no second pass is needed, and what a teacher gave fits in a cache of
vectors a token, whatever the length of its row.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinybert.base.errors import InputError
from tinybert.distillation.losses.precision import at_least_float32, full_precision
from tinybert.families import Role
from tinybert.modeling.blocks import blocks, home_of, outputs_of
from tinybert.modeling.last_layer import first_position_alone
from tinybert.training.batches import ANSWERED

Signal = tuple[str, int]
"""A kind and a layer counted from 1: ("query", 3), ("hidden", 0) for embeddings, LOGITS."""

Signals = dict[Signal, Tensor]
"""Logits are (batch, classes), or (batch, length, classes) of tokens; everything else is
(batch, length, width)."""

LOGITS: Signal = ("logits", 0)

ROW = "row"
"""The name under which a batch says which rows of the training set it has."""

PROJECTIONS = ("query", "key", "value")


def model_inputs(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a model takes of a batch, to predict: neither labels nor what is said of the rows."""
    return {name: value for name, value in batch.items() if name not in (ROW, ANSWERED, "labels")}


def run(
    model: PreTrainedModel, inputs: dict[str, Tensor], wanted: Iterable[Signal]
) -> tuple[Any, Signals]:
    """One forward pass.

    Args:
        model: With or without a head; of a family that is known where queries, keys or values
            are wanted.
        inputs: What it takes, (batch, length) each.
        wanted: The signals to return.

    Returns:
        The model's own outputs, and the signals.

    Raises:
        InputError: Logits are wanted, and the model gives none.

    Example:
        >>> run(model, batch, [("hidden", 0), ("query", 1)])  # doctest: +SKIP
    """
    wanted = list(wanted)
    # A pass that learns may be repeated when gradients are computed: see `run_distillation`.
    alone = not torch.is_grad_enabled() and not reads_last_layer(model, wanted)
    layers = [layer for kind, layer in wanted if kind == "hidden"]
    with (
        first_position_alone(model) if alone else contextlib.nullcontext(),
        _projections(model, [each for each in wanted if each[0] in PROJECTIONS]) as signals,
    ):
        outputs = model(**inputs, **({"output_hidden_states": True} if layers else {}))
    signals |= {("hidden", layer): outputs.hidden_states[layer] for layer in layers}
    if LOGITS in wanted:
        if getattr(outputs, "logits", None) is None:
            raise InputError(
                f"{type(model).__name__} gives no logits to compare; set `prediction: 0`"
            )
        signals[LOGITS] = outputs.logits
    return outputs, signals


def reads_last_layer(model: PreTrainedModel, wanted: Iterable[Signal]) -> bool:
    """Whether some signal holds more of the last layer than a head for whole texts reads.

    Its keys and values are those of all positions anyway.
    """
    last = model.config.num_hidden_layers
    return not {("hidden", last), ("query", last)}.isdisjoint(wanted)


@contextlib.contextmanager
def _projections(model: PreTrainedModel, wanted: list[Signal]) -> Iterator[Signals]:
    """While the block runs, keeps what the query, key and value layers give."""
    signals: Signals = {}
    handles = []
    layers = blocks(model) if wanted else []
    for signal in wanted:
        part = layers[signal[1] - 1].linear(cast(Role, signal[0]))
        keep = _keep(signals, signal, part, layers[signal[1] - 1].turn)
        handles.append(home_of(part).register_forward_hook(keep))
    try:
        yield signals
    finally:
        for handle in handles:
            handle.remove()


def _keep(signals: Signals, signal: Signal, part: Any, turn: int) -> Callable[..., None]:
    """A hook that keeps what a part gives, of shared layers in the turn of the signal's own."""
    turns = count()

    def hook(_: nn.Module, __: Any, output: Tensor) -> None:
        if next(turns) == turn:
            signals[signal] = outputs_of(part, output)

    return hook


def attention_scores(query: Tensor, key: Tensor, heads: int) -> Tensor:
    """Scores before the softmax.

    Args:
        query: (batch, length, width).
        key: (batch, length, width).
        heads: Attention heads of the model that they are from.

    Returns:
        (batch, heads, query, key).

    Example:
        >>> import torch
        >>> attention_scores(torch.ones(1, 2, 8), torch.ones(1, 2, 8), heads=2).shape
        torch.Size([1, 2, 2, 2])
    """
    query, key = (
        at_least_float32(states).unflatten(-1, (heads, -1)).transpose(1, 2)
        for states in (query, key)
    )
    with full_precision(query):
        return query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
