"""One student layer, fitted to one teacher layer by least squares."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tinybert.modeling.least_squares import GainFit, fit_linear
from tinybert.modeling.mapping import group_heads
from tinybert.steps.student.heads import reduce_heads

Observed = dict[str, tuple[Tensor, Tensor]]
"""What modules of the teacher took in and gave out on one batch, (tokens, width) each."""


def watched_modules(layer: Any) -> dict[str, Any]:
    """The modules of a teacher layer that a fit has to observe."""
    return {
        "query": layer.attention.self.query,
        "key": layer.attention.self.key,
        "value": layer.attention.self.value,
        "attention_norm": layer.attention.output.LayerNorm,
        "neurons": layer.intermediate.dense,
        "output": layer.output.dense,
        "norm": layer.output.LayerNorm,
    }


class LayerFit:
    """Fits a student layer.

    Args:
        layer: Written in place.
        target: The teacher layer it is mapped to.
        heads: Attention heads of the student and of the teacher.
        basis: (teacher width, student width), the directions that the student keeps.
        observed: What `watched_modules(target)` did, batch by batch.
        masks: (batch, length) each, True for real tokens.
    """

    def __init__(
        self,
        layer: Any,
        target: Any,
        heads: tuple[int, int],
        basis: Tensor,
        observed: Sequence[Observed],
        masks: Sequence[Tensor],
    ) -> None:
        self.layer = layer
        self.target = target
        self.heads, self.teacher_heads = heads
        self.basis = basis
        self.observed = observed
        self.masks = masks

    def run(self, states: list[Tensor]) -> list[Tensor]:
        """Sets all weights of the layer.

        Args:
            states: The layer's input for each batch, (tokens, width).

        Returns:
            Its output for each batch, (tokens, width).
        """
        self._project_heads(states)
        states = self._attention_block(states)
        return self._feed_forward_block(states)

    def _project_heads(self, states: list[Tensor]) -> None:
        """Queries, keys and values: the teacher's, in each head's best smaller basis."""
        own, theirs = self.layer.attention, self.target.attention
        names = ("query", "key", "value")
        rows = {name: torch.cat([seen[name][1] for seen in self.observed]) for name in names}
        head_width = len(own.self.query.weight) // self.heads
        teacher_width = len(theirs.self.query.weight) // self.teacher_heads
        output = theirs.output.dense.weight.T @ self.basis
        maps = {name: output.new_zeros(len(output), own.self.query.out_features) for name in names}
        for head, group in enumerate(group_heads(self.teacher_heads, self.heads)):
            dims = slice(group[0] * teacher_width, (group[-1] + 1) * teacher_width)
            columns = slice(head * head_width, (head + 1) * head_width)
            query, key, value = (rows[name][:, dims] for name in names)
            reduced = reduce_heads(query, key, value, output[dims], head_width, merged=len(group))
            for name, matrix in maps.items():
                matrix[dims, columns] = getattr(reduced, name)
            own.output.dense.weight[:, columns] = reduced.output.T
        own.output.dense.bias.copy_(theirs.output.dense.bias @ self.basis)
        for name, matrix in maps.items():
            linear, source = getattr(own.self, name), getattr(theirs.self, name)
            linear.weight.copy_(matrix.T @ source.weight @ self.basis)
            linear.bias.copy_(source.bias @ matrix)
            fit_linear(linear, states, (seen[name][1] @ matrix for seen in self.observed))

    def _attention_block(self, states: list[Tensor]) -> list[Tensor]:
        attention = self.layer.attention
        contexts = [
            self._attend(state, mask) for state, mask in zip(states, self.masks, strict=True)
        ]
        return self._residual_block(
            attention.output.dense, attention.output.LayerNorm, "attention_norm", contexts, states
        )

    def _attend(self, states: Tensor, mask: Tensor) -> Tensor:
        padded = states.new_zeros(*mask.shape, states.shape[-1])
        padded[mask] = states
        ignore = (~mask[:, None, None, :]).to(states) * torch.finfo(states.dtype).min
        return self.layer.attention.self(padded, ignore)[0][mask]

    def _feed_forward_block(self, states: list[Tensor]) -> list[Tensor]:
        """Keeps the neurons that write most into the hidden states."""
        first, second = self.layer.intermediate.dense, self.layer.output.dense
        source, sink = self.target.intermediate.dense, self.target.output.dense
        power = sum(seen["output"][0].square().sum(0) for seen in self.observed)
        importance = power * sink.weight.square().sum(0)
        kept = importance.topk(len(first.weight)).indices.sort().values
        first.weight.copy_(source.weight[kept] @ self.basis)
        first.bias.copy_(source.bias[kept])
        fit_linear(first, states, (seen["neurons"][1][:, kept] for seen in self.observed))
        second.weight.copy_(self.basis.T @ sink.weight[:, kept])
        second.bias.copy_(sink.bias @ self.basis)
        neurons = [self.layer.intermediate(state) for state in states]
        return self._residual_block(second, self.layer.output.LayerNorm, "norm", neurons, states)

    def _residual_block(
        self,
        dense: nn.Linear,
        norm: nn.LayerNorm,
        name: str,
        inputs: list[Tensor],
        residuals: list[Tensor],
    ) -> list[Tensor]:
        """LayerNorm(dense(inputs) + residuals), wanted to be as at the teacher's `name`."""
        sums = (seen[name][0] @ self.basis for seen in self.observed)
        wanted = (total - residual for total, residual in zip(sums, residuals, strict=True))
        fit_linear(dense, inputs, wanted)
        own_sums = [
            dense(rows) + residual for rows, residual in zip(inputs, residuals, strict=True)
        ]
        fit_gain(norm, own_sums, (seen[name][1] @ self.basis for seen in self.observed))
        return [norm(total) for total in own_sums]


def fit_gain(norm: nn.LayerNorm, inputs: Iterable[Tensor], outputs: Iterable[Tensor]) -> None:
    """Sets a LayerNorm's gain and bias so that it turns `inputs` into nearly `outputs`."""
    fit = GainFit(len(norm.weight))
    for given, wanted in zip(inputs, outputs, strict=True):
        fit.add(nn.functional.layer_norm(given, given.shape[-1:], eps=norm.eps), wanted)
    fit.solve(norm)
