"""A student that starts as its teacher, compressed: our edge over a random start.

The student's hidden space is a rotated part of the teacher's (`basis`), its heads are reduced
from the teacher's (`heads`), its neurons are the teacher's most important ones. Then, layer by
layer, every linear layer is fitted by least squares: from what the student really sees there to
what the teacher computes at the layer it is mapped to. So each layer makes good, as far as a
linear map can, what was lost before it, skipped layers included. No gradients, seconds of work.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.modeling.blocks import encoder_layers
from tinybert.modeling.observe import Batch, observe
from tinybert.modeling.shape import head_counts
from tinybert.steps.student.basis import principal_basis
from tinybert.steps.student.head_fit import fit_head
from tinybert.steps.student.layer_fit import LayerFit, Observed, fit_gain, watched_modules


@torch.no_grad()
def initialize_from_teacher(
    student: PreTrainedModel,
    teacher: PreTrainedModel,
    mapping: Sequence[int],
    batches: Sequence[Batch],
) -> None:
    """Writes weights into `student` that make it compute nearly what `teacher` does.

    Args:
        student: Of the teacher's class and vocabulary; not wider, not deeper, no more heads.
        teacher: A BERT-like model with a classification head.
        mapping: The teacher layer, from 1, of each student layer.
        batches: Tokenized rows of real data, see `make_batches`.

    Raises:
        InputError: The teacher is of another family.

    Example:
        >>> initialize_from_teacher(student, teacher, [3, 6, 9, 12], batches)  # doctest: +SKIP
    """
    masks = [batch["attention_mask"].bool() for batch in batches]
    basis = _hidden_basis(teacher, batches, student.config.hidden_size)
    states = _embed(student, teacher, basis, batches)
    teacher_layers, teacher_heads = encoder_layers(teacher), head_counts(teacher)
    for layer, number in zip(encoder_layers(student), mapping, strict=True):
        target = teacher_layers[number - 1]
        heads = student.config.num_attention_heads, teacher_heads[number - 1]
        observed = _observe_tokens(teacher, batches, watched_modules(target))
        states = LayerFit(layer, target, heads, basis, observed, masks).run(states)
    fit_head(student, teacher, basis, batches)


def _observe_tokens(
    model: PreTrainedModel, batches: Sequence[Batch], modules: dict[str, Any]
) -> list[Observed]:
    """What the modules did on real tokens, padding left out."""
    seen = []
    for batch, values in zip(batches, observe(model, batches, modules), strict=True):
        mask = batch["attention_mask"].bool()
        seen.append({name: (given[mask], got[mask]) for name, (given, got) in values.items()})
    return seen


def _hidden_basis(teacher: PreTrainedModel, batches: Sequence[Batch], width: int) -> Tensor:
    """(teacher width, student width), from the outputs of all LayerNorms, which are what a
    residual stream holds."""
    embeddings: Any = teacher.base_model.embeddings
    norms = [embeddings.LayerNorm]
    for layer in encoder_layers(teacher):
        modules = watched_modules(layer)
        norms += [modules["attention_norm"], modules["norm"]]
    named = {str(index): norm for index, norm in enumerate(norms)}
    moment = torch.zeros(teacher.config.hidden_size, teacher.config.hidden_size).double()
    for batch, seen in zip(batches, observe(teacher, batches, named), strict=True):
        mask = batch["attention_mask"].bool()
        for _, output in seen.values():
            rows = output[mask]
            moment += (rows.T @ rows).double()
    return principal_basis(moment, torch.stack([norm.weight for norm in norms]), width).float()


def _embed(
    student: PreTrainedModel, teacher: PreTrainedModel, basis: Tensor, batches: Sequence[Batch]
) -> list[Tensor]:
    """Rotates the embedding tables; returns the student's embeddings of each batch's tokens."""
    own: Any = student.base_model.embeddings
    theirs: Any = teacher.base_model.embeddings
    for name in ("word_embeddings", "position_embeddings", "token_type_embeddings"):
        getattr(own, name).weight.copy_(getattr(theirs, name).weight @ basis)
    seen = [
        values["norm"] for values in _observe_tokens(teacher, batches, {"norm": theirs.LayerNorm})
    ]
    sums = [before @ basis for before, _ in seen]
    fit_gain(own.LayerNorm, sums, (after @ basis for _, after in seen))
    return [own.LayerNorm(total) for total in sums]
