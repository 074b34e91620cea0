"""The classification head of a student, fitted to its teacher's."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinybert.modeling.least_squares import fit_linear
from tinybert.modeling.observe import Batch, observe, real_rows

RIDGE = 0.1
"""A row gives one example only, not one a token: the prior has to weigh more."""


def fit_head(
    student: PreTrainedModel, teacher: PreTrainedModel, basis: Tensor, batches: Sequence[Batch]
) -> None:
    """Keeps the pooler's most important outputs, and fits both layers of the head.

    Args:
        student: Its encoder is done; its head is written in place.
        teacher: With a head of the same class.
        basis: (teacher width, student width).
        batches: Tokenized rows.
    """
    (pool, out), (teacher_pool, teacher_out) = _head(student), _head(teacher)
    if pool is None or teacher_pool is None:  # a head for tokens
        logits = _observed(teacher, batches, {"out": teacher_out})["out"][1]
        out.weight.copy_(teacher_out.weight @ basis)
        out.bias.copy_(teacher_out.bias)
        states = _observed(student, batches, {"out": out})["out"][0]
        fit_linear(out, [states], [logits], RIDGE)
        return
    wanted = _observed(teacher, batches, {"pool": teacher_pool, "out": teacher_out})
    pooled, logits = wanted["pool"][1], wanted["out"][1]
    power = pooled.tanh().square().sum(0)
    importance = power * teacher_out.weight.square().sum(0)
    kept = importance.topk(len(pool.weight)).indices.sort().values
    pool.weight.copy_(teacher_pool.weight[kept] @ basis)
    pool.bias.copy_(teacher_pool.bias[kept])
    states = _observed(student, batches, {"pool": pool})["pool"][0]
    fit_linear(pool, [states], [pooled[:, kept]], RIDGE)
    out.weight.copy_(teacher_out.weight[:, kept])
    out.bias.copy_(teacher_out.bias)
    fit_linear(out, [pool(states).tanh()], [logits], RIDGE)


def _head(model: PreTrainedModel) -> tuple[nn.Linear | None, nn.Linear]:
    """The dense layer before the tanh, if there is one, and the last: BERT's or RoBERTa's."""
    any_model: Any = model
    if type(model).__name__.endswith("ForTokenClassification"):
        return None, any_model.classifier
    if hasattr(any_model.classifier, "out_proj"):
        return any_model.classifier.dense, any_model.classifier.out_proj
    return any_model.base_model.pooler.dense, any_model.classifier


def _observed(
    model: PreTrainedModel, batches: Sequence[Batch], modules: dict[str, nn.Module]
) -> dict[str, tuple[Tensor, Tensor]]:
    masks = [batch["attention_mask"].bool() for batch in batches]
    seen = [
        {name: tuple(real_rows(each, mask) for each in both) for name, both in values.items()}
        for values, mask in zip(observe(model, batches, modules), masks, strict=True)
    ]
    return {
        name: (torch.cat([s[name][0] for s in seen]), torch.cat([s[name][1] for s in seen]))
        for name in modules
    }
