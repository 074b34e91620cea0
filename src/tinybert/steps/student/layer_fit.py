"""One student layer, fitted to one teacher layer by least squares."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tinybert.modeling.blocks import Block, Slice
from tinybert.modeling.least_squares import GainFit, fit_linear
from tinybert.modeling.mapping import group_heads
from tinybert.modeling.observe import captured
from tinybert.steps.student.heads import HeadReduction, reduce_heads, reduce_rotary_heads

Observed = dict[str, tuple[Tensor, Tensor]]
"""What modules of the teacher took in and gave out on one batch, (tokens, width) each."""

Attend = Callable[[Tensor], Any]
"""Runs a layer's attention on hidden states (batch, length, width), its mask and all else given."""


def watched_parts(block: Block) -> dict[str, nn.Module | Slice]:
    """The parts of a teacher layer that a fit has to observe."""
    parts = {
        "query": block.linear("query"),
        "key": block.linear("key"),
        "value": block.linear("value"),
        "attention_norm": block.attention_norm,
        "up": block.linear("up"),
        "down": block.linear("down"),
        "norm": block.norm,
    }
    if block.has("gate"):
        parts["gate"] = block.linear("gate")
    if block.family.norms_first:
        parts["layer"] = block.module
    return parts


class LayerFit:
    """Fits a student layer.

    Args:
        block: Written in place.
        target: The teacher layer it is mapped to.
        basis: (teacher width, student width), the directions that the student keeps.
        observed: What `watched_parts(target)` did, batch by batch.
        masks: (batch, length) each, True for real tokens.
        attends: Of the student's layer, for each batch.
    """

    def __init__(
        self,
        block: Block,
        target: Block,
        basis: Tensor,
        observed: Sequence[Observed],
        masks: Sequence[Tensor],
        attends: Sequence[Attend],
    ) -> None:
        self.block = block
        self.target = target
        self.basis = basis
        self.observed = observed
        self.masks = masks
        self.attends = attends

    def run(self, states: list[Tensor]) -> list[Tensor]:
        """Sets all weights of the layer.

        Args:
            states: The layer's input for each batch, (tokens, width).

        Returns:
            Its output for each batch, (tokens, width).
        """
        norms_first = self.block.family.norms_first
        given = self._normed("attention_norm", states) if norms_first else states
        self._project_heads(given)
        contexts = self._contexts(given)
        after = "norm" if norms_first else "attention_norm"
        states = self._add("attention_output", contexts, states, self._seen(after, 0))
        if not norms_first:
            states = self._normed("attention_norm", states)
        given = self._normed("norm", states) if norms_first else states
        self._choose_neurons(given)
        neurons = [self.block.activate(rows) for rows in given]
        wanted = self._seen("layer", 1) if norms_first else self._seen("norm", 0)
        states = self._add("down", neurons, states, wanted)
        return states if norms_first else self._normed("norm", states)

    def _seen(self, name: str, side: int) -> Iterable[Tensor]:
        """The hidden states that a part of the teacher took in (0) or gave out (1)."""
        return (seen[name][side] @ self.basis for seen in self.observed)

    def _normed(self, name: str, states: list[Tensor]) -> list[Tensor]:
        """Sets a norm so that it gives nearly what the teacher's does, and runs it."""
        norm = getattr(self.block, name)
        if isinstance(norm, nn.Identity):
            return states
        fit_gain(norm, states, self._seen(name, 1))
        return [norm(rows) for rows in states]

    def _project_heads(self, states: list[Tensor]) -> None:
        """Queries, keys and values: the teacher's, in each head's best smaller basis."""
        own, theirs = self.block, self.target
        names = ("query", "key", "value")
        rows = {name: torch.cat([seen[name][1] for seen in self.observed]) for name in names}
        size, width = own.head_size, theirs.head_size
        out, source_out = own.linear("attention_output"), theirs.linear("attention_output")
        output = source_out.weight.T @ self.basis
        maps = {name: output.new_zeros(len(output), own.heads * size) for name in names}
        reduce = reduce_rotary_heads if own.family.rotary else reduce_heads
        for head, group in enumerate(group_heads(theirs.heads, own.heads)):
            dims = slice(group[0] * width, (group[-1] + 1) * width)
            columns = slice(head * size, (head + 1) * size)
            query, key, value = (rows[name][:, dims] for name in names)
            reduced: HeadReduction = reduce(
                query, key, value, output[dims], size, merged=len(group)
            )
            for name, matrix in maps.items():
                matrix[dims, columns] = getattr(reduced, name)
            out.weight[:, columns] = reduced.output.T
        if out.bias is not None:
            out.bias.copy_(source_out.bias @ self.basis)
        for linear, source, (name, matrix) in zip(
            own.projections, theirs.projections, maps.items(), strict=True
        ):
            linear.weight.copy_(matrix.T @ source.weight @ self.basis)
            if linear.bias is not None:
                linear.bias.copy_(source.bias @ matrix)
            fit_linear(linear, states, (seen[name][1] @ matrix for seen in self.observed))

    def _contexts(self, states: list[Tensor]) -> list[Tensor]:
        """What the heads give, which is what their output layer is given."""
        contexts = []
        for rows, mask, attend in zip(states, self.masks, self.attends, strict=True):
            padded = rows.new_zeros(*mask.shape, rows.shape[-1])
            padded[mask] = rows
            with captured({"output": self.block.linear("attention_output")}) as seen:
                attend(padded)
            contexts.append(seen["output"][0][mask])
        return contexts

    def _choose_neurons(self, states: list[Tensor]) -> None:
        """Keeps the neurons that write most into the hidden states."""
        second, sink = self.block.linear("down"), self.target.linear("down")
        power = sum(seen["down"][0].square().sum(0) for seen in self.observed)
        importance = power * sink.weight.square().sum(0)
        kept = importance.topk(self.block.neurons).indices.sort().values
        pairs = zip(self.block.sources, self.target.sources, strict=True)
        for name, (first, source) in zip(("up", "gate"), pairs, strict=False):
            first.weight.copy_(source.weight[kept] @ self.basis)
            if first.bias is not None:
                first.bias.copy_(source.bias[kept])
            fit_linear(first, states, (seen[name][1][:, kept] for seen in self.observed))
        second.weight.copy_(self.basis.T @ sink.weight[:, kept])
        if second.bias is not None:
            second.bias.copy_(sink.bias @ self.basis)

    def _add(
        self, role: str, inputs: list[Tensor], residuals: list[Tensor], sums: Iterable[Tensor]
    ) -> list[Tensor]:
        """Fits a linear layer so that what it adds to `residuals` gives nearly `sums`."""
        linear = self.block.linear(role)  # type: ignore[arg-type]
        wanted = (total - residual for total, residual in zip(sums, residuals, strict=True))
        fit_linear(linear, inputs, wanted)
        return [linear(rows) + residual for rows, residual in zip(inputs, residuals, strict=True)]


def fit_gain(norm: nn.LayerNorm, inputs: Iterable[Tensor], outputs: Iterable[Tensor]) -> None:
    """Sets a LayerNorm's gain, and its bias if it has one, so that it turns `inputs` into nearly
    `outputs`."""
    fit = GainFit(len(norm.weight))
    for given, wanted in zip(inputs, outputs, strict=True):
        fit.add(nn.functional.layer_norm(given, given.shape[-1:], eps=norm.eps), wanted)
    fit.solve(norm)
