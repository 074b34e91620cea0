"""The classification head of a student, fitted to its teacher's."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinybert.modeling.least_squares import fit_linear
from tinybert.modeling.observe import Batch, observe, real_rows
from tinybert.modeling.parts import head_layers, is_word_table
from tinybert.steps.student.layer_fit import fit_gain

RIDGE = 0.1
"""A row gives one example only, not one a token: the prior has to weigh more."""


def fit_head(
    student: PreTrainedModel, teacher: PreTrainedModel, basis: Tensor, batches: Sequence[Batch]
) -> None:
    """Keeps the most important outputs of a head's first layer, and fits all of its layers.

    Args:
        student: Its encoder is done; its head is written in place, unless it is the table of words.
        teacher: With a head of the same class.
        basis: (teacher width, student width).
        batches: Tokenized rows.
    """
    own, theirs = head_layers(student), head_layers(teacher)
    if is_word_table(own.out.weight, student):  # which is fitted already, as what texts are read by
        return
    parts: dict[str, nn.Module | None] = {"dense": theirs.dense, "out": theirs.out}
    wanted = _observed(teacher, batches, parts | {"norm": theirs.norm})
    given, logits = wanted["out"]
    kept, narrow = slice(None), basis
    if own.dense is not None and theirs.dense is not None:
        importance = given.square().sum(0) * theirs.out.weight.square().sum(0)
        kept = importance.topk(len(own.dense.weight)).indices.sort().values  # type: ignore[assignment]
        own.dense.weight.copy_(theirs.dense.weight[kept] @ basis)
        if own.dense.bias is not None and theirs.dense.bias is not None:
            own.dense.bias.copy_(theirs.dense.bias[kept])
        states = _observed(student, batches, {"dense": own.dense})["dense"][0]
        fit_linear(own.dense, [states], [wanted["dense"][1][:, kept]], RIDGE)
        if own.norm is not None:
            before = _observed(student, batches, {"norm": own.norm})["norm"][0]
            fit_gain(own.norm, [before], [wanted["norm"][1][:, kept]])
        narrow = torch.eye(len(theirs.dense.weight)).to(basis)[:, kept]
    out = own.out
    out.weight.copy_(theirs.out.weight @ narrow)
    if out.bias is not None:
        out.bias.copy_(theirs.out.bias)
    pooled = _observed(student, batches, {"out": out})["out"][0]
    fit_linear(out, [pooled], [logits], RIDGE)


def _observed(
    model: PreTrainedModel, batches: Sequence[Batch], modules: Mapping[str, nn.Module | None]
) -> dict[str, tuple[Tensor, Tensor]]:
    """What layers of a head took in and gave out: (rows, width), of a head that reads all
    positions (tokens, width)."""
    present = {name: module for name, module in modules.items() if module is not None}
    seen: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in present}
    for batch, values in zip(batches, observe(model, batches, present), strict=True):
        mask = batch["attention_mask"].bool()
        for name, both in values.items():
            given, got = (real_rows(each, mask) for each in both)
            seen[name].append((given, got))
    return {
        name: (torch.cat([given for given, _ in all_]), torch.cat([got for _, got in all_]))
        for name, all_ in seen.items()
    }
