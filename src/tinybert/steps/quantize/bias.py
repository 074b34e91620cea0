"""Bias correction (arXiv:1906.04721, section 4.2, with data): what rounding adds to the mean of a
layer's output is taken off its bias.

After GELU most values lie near 0, and rounding all of them to the same grid moves their mean; the
logits of every row then move together.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinybert.modeling.observe import Batch, count_runs, hooked, observe, real_rows
from tinybert.steps.quantize.fake import fake_quantize, linear_layers, remove_fake_quantization
from tinybert.steps.quantize.note import QuantizationNote


@torch.no_grad()
def correct_biases(
    model: PreTrainedModel, note: QuantizationNote, batches: Sequence[Batch]
) -> None:
    """Gives the linear layers biases with which the quantized model's means are the float one's.

    Each batch runs twice, in float and quantized; there, every layer is corrected before the next
    one sees its output, so that no layer makes up for what another one has mended.

    Args:
        model: Changed in place, and run in eval mode.
        note: What is quantized, and how. Kept layers, those without a bias and those that run
            several times in a pass, as ALBERT's, stay as they are.
        batches: Tokenized rows; each counts as its tokens.

    Example:
        >>> correct_biases(model, note, batches)  # doctest: +SKIP
    """
    layers = {
        name: layer
        for name, layer in linear_layers(model).items()
        if layer.bias is not None and note.bits_of(name) is not None
    }
    # One bias can't put right what each run of it adds.
    runs = count_runs(model, batches[0], dict(layers))
    layers = {name: layer for name, layer in layers.items() if runs[name] == 1}
    masks = [batch["attention_mask"].bool() for batch in batches]
    wanted = [
        {name: mean_output(output, mask) for name, (_, output) in seen.items()}
        for seen, mask in zip(observe(model, batches, dict(layers)), masks, strict=True)
    ]
    shifts: dict[str, Tensor] = {}
    fake_quantize(model, note)
    for batch, means, mask in zip(batches, wanted, masks, strict=True):
        with _corrected(layers, means, mask) as found:
            model(**batch)
        share = mask.sum() / sum(each.sum() for each in masks)
        for name, shift in found.items():
            shifts[name] = shifts.get(name, torch.zeros_like(shift)) + share * shift
    remove_fake_quantization(model)
    for name, shift in shifts.items():
        layers[name].bias.add_(shift.to(layers[name].bias))


def mean_output(output: Tensor, mask: Tensor) -> Tensor:
    """The mean of a layer's (batch, length, out) over real tokens, (out,) in float64.

    Example:
        >>> mean_output(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[True, True, False]]))
        tensor([2.], dtype=torch.float64)
    """
    return real_rows(output, mask).double().mean(0)


@contextlib.contextmanager
def _corrected(
    layers: Mapping[str, nn.Linear], wanted: Mapping[str, Tensor], mask: Tensor
) -> Iterator[dict[str, Tensor]]:
    """While the block runs, moves each layer's output to the wanted mean; by how much, by name."""
    shifts: dict[str, Tensor] = {}

    def move(name: str) -> Callable[..., Tensor]:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            shifts[name] = wanted[name] - mean_output(output, mask)
            return output + shifts[name].to(output)

        return hook

    with hooked(layers, move):
        yield shifts
