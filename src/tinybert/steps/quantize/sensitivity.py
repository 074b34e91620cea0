"""Which layers quantization hurts most."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.modeling.observe import Batch
from tinybert.steps.quantize.fake import fake_quantize, linear_layers, remove_fake_quantization
from tinybert.steps.quantize.note import QuantizationNote


def most_sensitive(
    model: PreTrainedModel, note: QuantizationNote, batches: Sequence[Batch], count: int
) -> tuple[str, ...]:
    """The layers that change the logits most when they alone are quantized.

    Args:
        model: Not quantized; is so again afterwards.
        note: How the layers would be quantized.
        batches: Rows to compare on.
        count: How many layers to name; all, if there are fewer.

    Returns:
        Names of linear layers, the most sensitive first.
    """
    errors = layer_errors(model, note, batches)
    return tuple(sorted(errors, key=lambda name: -errors[name])[:count])


def layer_errors(
    model: PreTrainedModel, note: QuantizationNote, batches: Sequence[Batch]
) -> dict[str, float]:
    """The mean squared change of a logit when one linear layer alone is quantized, by layer.

    Example:
        >>> layer_errors(model, note, batches)  # doctest: +SKIP
        {"bert.encoder.layer.0.attention.self.query": 0.0003, ...}
    """
    names = list(linear_layers(model))
    expected = _logits(model, batches)
    errors = {}
    for name in names:
        only = {name: note.ranges[name]} if name in note.ranges else {}
        alone = replace(note, embeddings=False, ranges=only)
        fake_quantize(model, alone, layers=[name])
        errors[name] = (_logits(model, batches) - expected).square().mean().item()
        remove_fake_quantization(model)
    return errors


@torch.inference_mode()
def _logits(model: PreTrainedModel, batches: Sequence[Batch]) -> Tensor:
    model.eval()
    found = []
    for batch in batches:
        logits = model(**batch).logits.float().cpu()
        if logits.dim() == 3:  # of tokens: batches have other lengths, and padding says nothing
            logits = logits[batch["attention_mask"].bool().cpu()]
        found.append(logits)
    return torch.cat(found)
