"""What the modules of a model compute on real rows."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.modeling.blocks import Block, Slice, home_of, outputs_of
from tinybert.modeling.load import tokenize
from tinybert.modeling.selection import going_on
from tinybert.tasks.task import Text

Batch = dict[str, Tensor]


def make_batches(
    texts: Sequence[Text],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    device: torch.device,
    batch_size: int = 64,
) -> list[Batch]:
    """Padded batches of texts of like length."""
    by_length = sorted(texts, key=lambda text: sum(map(len, text)))
    batches = []
    for start in range(0, len(by_length), batch_size):
        rows = by_length[start : start + batch_size]
        encoded = tokenize(rows, tokenizer, max_length, padding=True, return_tensors="pt")
        batches.append(dict(encoded.to(device)))
    return batches


@contextlib.contextmanager
def hooked(
    modules: Mapping[str, nn.Module | Slice], make_hook: Callable[[str], Callable[..., Any]]
) -> Iterator[None]:
    """While the block runs, each module has the forward hook that is made for its name.

    Of a slice it is the hook of its home, which sees all that this gives.
    """
    handles = [
        home_of(module).register_forward_hook(make_hook(name)) for name, module in modules.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextlib.contextmanager
def frozen(model: PreTrainedModel) -> Iterator[None]:
    """While the block runs, weights get no gradients, and nothing is kept to compute any."""
    asked = [weight for weight in model.parameters() if weight.requires_grad]
    for weight in asked:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in asked:
            weight.requires_grad_(True)


@contextlib.contextmanager
def captured(
    modules: Mapping[str, nn.Module | Slice],
) -> Iterator[dict[str, tuple[Tensor, Tensor]]]:
    """While the block runs, keeps the last (input, output) of each module or slice, by name."""
    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            seen[name] = (inputs[0], outputs_of(modules[name], output))

        return hook

    with hooked(modules, keep):
        yield seen


@torch.inference_mode()
def observe(
    model: PreTrainedModel, batches: Sequence[Batch], modules: Mapping[str, nn.Module | Slice]
) -> Iterator[dict[str, tuple[Tensor, Tensor]]]:
    """Runs the model on each batch and yields what the modules took in and gave out."""
    model.eval()
    with captured(modules) as seen:
        for batch in batches:
            # A training in between may have moved the model to an accelerator.
            model(**{name: values.to(model.device) for name, values in batch.items()})
            yield dict(seen)


def observe_tokens(
    model: PreTrainedModel, batches: Sequence[Batch], parts: Mapping[str, nn.Module | Slice]
) -> list[dict[str, tuple[Tensor, Tensor]]]:
    """What parts of a model took in and gave out for real tokens, (tokens, width) each."""
    found = []
    for batch, values in zip(batches, observe(model, batches, parts), strict=True):
        mask = batch["attention_mask"].bool()
        found.append({name: (given[mask], got[mask]) for name, (given, got) in values.items()})
    return found


@torch.no_grad()
def attention_calls(
    model: PreTrainedModel, batches: Sequence[Batch], layers: Sequence[Block]
) -> list[list[Callable[[Tensor], Any]]]:
    """Each layer's attention as a function of hidden states alone, for each batch.

    What else it is given, such as its mask and what it knows of positions, is what the model gives
    it for that batch.

    Args:
        model: Run in eval mode.
        batches: Tokenized rows.
        layers: Of the model.

    Returns:
        For each layer and batch, a function of (batch, length, width).
    """
    calls: list[list[Callable[[Tensor], Any]]] = [[] for _ in layers]

    def keeper(kept: list[Callable[[Tensor], Any]]) -> Callable[..., None]:
        def keep(attention: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            # Not the cache of a model that writes texts either, which each call would add to.
            left = "hidden_states", "past_key_values"
            others = {name: value for name, value in named.items() if name not in left}
            kept.append(lambda states: attention(states, *given[1:], **others))

        return keep

    handles = [
        block.attention.register_forward_pre_hook(keeper(kept), with_kwargs=True)
        for block, kept in zip(layers, calls, strict=True)
    ]
    model.eval()
    try:
        for batch in batches:
            model(**batch)
    finally:
        for handle in handles:
            handle.remove()
    return calls


@torch.inference_mode()
def count_runs(model: PreTrainedModel, batch: Batch, modules: dict[str, nn.Module]) -> Counter[str]:
    """How often each module runs in one forward pass: more than once where layers are shared."""
    runs: Counter[str] = Counter()
    with hooked(modules, lambda name: lambda *_: runs.update([name])):
        model(**{name: values.to(model.device) for name, values in batch.items()})
    return runs


def real_rows(states: Tensor, mask: Tensor) -> Tensor:
    """States of real tokens, of all or of those that a layer goes on with.

    Args:
        states: (batch, length, width); or (batch, width), of modules that are given one token a
            row, as poolers are: all of these are real.
        mask: (batch, length), true at real tokens.

    Returns:
        (tokens, width).
    """
    if states.dim() != 3:
        return states
    if states.shape[1] != mask.shape[1]:
        mask = going_on(mask, states.shape[1])
    return states[mask]


def input_statistics(
    model: PreTrainedModel, batches: Sequence[Batch], layers: dict[str, nn.Linear]
) -> Iterator[tuple[str, Tensor, Tensor]]:
    """The mean and the covariance of what each layer is given on real tokens.

    Args:
        model: Run in eval mode.
        batches: Tokenized rows.
        layers: Of the model, by name.

    Yields:
        Name, (inputs,) and (inputs, inputs), the last two in float64 on the CPU.
    """
    sums = {
        name: torch.zeros(layer.in_features + 1, layer.in_features + 1, dtype=torch.float64)
        for name, layer in layers.items()
    }
    for batch, seen in zip(batches, observe(model, batches, dict(layers)), strict=True):
        mask = batch["attention_mask"].bool()
        for name, (given, _) in seen.items():
            # float32 would not survive the subtraction below.
            rows = real_rows(given, mask).double()
            rows = torch.cat([rows.new_ones(len(rows), 1), rows], dim=1)
            sums[name] += (rows.T @ rows).cpu()
    for name, total in sums.items():
        moments = total / total[0, 0]
        mean = moments[0, 1:]
        yield name, mean, moments[1:, 1:] - mean.outer(mean)
