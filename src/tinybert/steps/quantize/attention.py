"""What attention's own products need to be integers: how large queries, keys and values get."""

from collections.abc import Sequence

from torch import nn
from transformers import PreTrainedModel

from tinybert.families import find_family
from tinybert.modeling.blocks import blocks
from tinybert.modeling.observe import Batch, observe


def measure_attention(model: PreTrainedModel, batches: Sequence[Batch]) -> dict[str, float]:
    """The largest size of queries, keys and values, by the name of the linear layer they come from.

    Args:
        model: Run in eval mode.
        batches: Tokenized rows.

    Example:
        >>> measure_attention(model, batches)  # doctest: +SKIP
        {"bert.encoder.layer.0.attention.self.query": 8.1, ...}
    """
    sizes: dict[str, float] = {}
    for seen in observe(model, batches, dict(attention_layers(model))):
        for name, (_, output) in seen.items():
            sizes[name] = max(sizes.get(name, 0.0), output.abs().max().item())
    return sizes


def knows_attention(model: PreTrainedModel) -> bool:
    """Whether the model's queries, keys and values can be found; other families' stay float."""
    family = find_family(model.config.model_type)
    return family is not None and family.integer_attention


def attention_layers(model: PreTrainedModel) -> dict[str, nn.Linear]:
    """The linear layers that queries, keys and values come from, by name."""
    names = {module: name for name, module in model.named_modules()}
    found = {}
    for block in blocks(model):
        for projection in block.projections:
            # A low-rank one ends in a linear layer too.
            *_, last = (part for part in projection.modules() if isinstance(part, nn.Linear))
            found[names[last]] = last
    return found
