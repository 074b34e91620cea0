"""What attention's own products need to be integers: how large queries, keys and values get."""

import contextlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinybert.layers import encoder_layers
from tinybert.observe import Batch


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

    def watch(name: str) -> Callable[..., None]:
        def hook(_layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            sizes[name] = max(sizes.get(name, 0.0), output.abs().max().item())

        return hook

    names = {module: name for name, module in model.named_modules()}
    model.eval()
    with contextlib.ExitStack() as hooks, torch.inference_mode():
        for layer in encoder_layers(model):
            own = layer.attention.self
            for projection in (own.query, own.key, own.value):
                # A low-rank one ends in a linear layer too.
                *_, last = (part for part in projection.modules() if isinstance(part, nn.Linear))
                hooks.callback(last.register_forward_hook(watch(names[last])).remove)
        for batch in batches:
            model(**batch)
    return sizes
