"""Causal language models as a graph that goes on from what it has read.

Beside logits it gives the keys and values of what it was given, which are an input of the next run:
a token is then read once, and not again for each that follows. With a past of no tokens it reads a
whole text. Inputs and outputs are called as Optimum and transformers.js call them.
"""

from typing import Any

import onnx_ir as ir
import torch
from torch import Tensor, nn
from transformers import DynamicCache, PreTrainedModel

from tinybert.modeling.blocks import MASKED, blocks

PAST, PRESENT = "past_key_values", "present"
"""How inputs and outputs with keys and values begin, as "past_key_values.0.key"."""


class WithPast(nn.Module):
    """A model as a function of tensors.

    Args:
        model: A causal language model.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model
        self.layers = len(blocks(model))

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs: input_ids and position_ids are (batch, sequence), attention_mask is
        (batch, past + sequence), keys and values (batch, heads, past, width of a head)."""
        return ["input_ids", "attention_mask", "position_ids", *self._states(PAST)]

    @property
    def outputs(self) -> list[str]:
        """Names of the outputs: logits, (batch, sequence, vocabulary), keys and values."""
        return ["logits", *self._states(PRESENT)]

    def _states(self, name: str) -> list[str]:
        return [f"{name}.{at}.{part}" for at in range(self.layers) for part in ("key", "value")]

    def sample(self, rows: int = 2, past: int = 3, length: int = 4) -> tuple[Tensor, ...]:
        """Inputs to trace with."""
        device = self.model.device
        ids = torch.ones(rows, length, dtype=torch.int64, device=device)
        mask = torch.ones(rows, past + length, dtype=torch.int64, device=device)
        states = [
            torch.zeros(rows, block.heads, past, block.head_size, device=device)
            for block in blocks(self.model)
            for _ in range(2)
        ]
        places = torch.arange(past, past + length, device=device).expand(rows, -1).contiguous()
        return (ids, mask, places, *states)

    def dynamic_shapes(self) -> tuple[Any, ...]:
        """The axes of each input that differ from run to run."""
        free = torch.export.Dim.DYNAMIC
        texts, states = {0: free, 1: free}, {0: free, 2: free}
        return (texts, texts, texts, (states,) * (2 * self.layers))

    def name_axes(self, graph: ir.Graph) -> None:
        """Calls the axes of the graph as Optimum does."""
        batch, length, past = "batch_size", "sequence_length", "past_sequence_length"
        total = f"{past} + {length}"
        own: dict[str, list[str]] = {
            "input_ids": [batch, length],
            "position_ids": [batch, length],
            "attention_mask": [batch, total],
            "logits": [batch, length],
        }
        for value in (*graph.inputs, *graph.outputs):
            assert value.shape is not None, "the exporter knows it"
            name = str(value.name)
            sizes = [*value.shape]
            if name in own:
                value.shape = ir.Shape([*own[name], *sizes[2:]])
            else:
                value.shape = ir.Shape(
                    [batch, sizes[1], past if name.startswith(PAST) else total, sizes[3]]
                )

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, position_ids: Tensor, *states: Tensor
    ) -> tuple[Tensor, ...]:
        """Logits, then the keys and the values of each layer."""
        cache: Any = DynamicCache()
        for at in range(self.layers):
            cache.update(states[2 * at], states[2 * at + 1], at)
        length = input_ids.shape[1]
        past = states[0].shape[2]
        keys = torch.arange(past + length, device=input_ids.device)
        queries = keys[past:]
        unseen = (keys[None, :] > queries[:, None]).float() * MASKED
        padding = (1 - attention_mask[:, None, None, :].float()) * MASKED
        out: Any = self.model(
            input_ids=input_ids,
            attention_mask=torch.minimum(padding, unseen[None, None]),
            position_ids=position_ids,
            past_key_values=cache,
            use_cache=True,
        )
        made = [part for layer in cache.layers for part in (layer.keys, layer.values)]
        return (out.logits, *made)
