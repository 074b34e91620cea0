"""What the modules of a model compute on real rows."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

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
    modules: Mapping[str, nn.Module], make_hook: Callable[[str], Callable[..., Any]]
) -> Iterator[None]:
    """While the block runs, each module has the forward hook that is made for its name."""
    handles = [module.register_forward_hook(make_hook(name)) for name, module in modules.items()]
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
def captured(modules: dict[str, nn.Module]) -> Iterator[dict[str, tuple[Tensor, Tensor]]]:
    """While the block runs, keeps the last (input, output) of each module, by name."""
    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            seen[name] = (inputs[0], output)

        return hook

    with hooked(modules, keep):
        yield seen


@torch.inference_mode()
def observe(
    model: PreTrainedModel, batches: Sequence[Batch], modules: dict[str, nn.Module]
) -> Iterator[dict[str, tuple[Tensor, Tensor]]]:
    """Runs the model on each batch and yields what the modules took in and gave out."""
    model.eval()
    with captured(modules) as seen:
        for batch in batches:
            # A training in between may have moved the model to an accelerator.
            model(**{name: values.to(model.device) for name, values in batch.items()})
            yield dict(seen)


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
