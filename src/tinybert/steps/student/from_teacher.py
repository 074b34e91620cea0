"""A student that starts as its teacher, compressed: our edge over a random start.

The student's hidden space is a rotated part of the teacher's (`basis`), its heads are reduced
from the teacher's (`heads`), its neurons are the teacher's most important ones. Then, layer by
layer, every linear layer is fitted by least squares: from what the student really sees there to
what the teacher computes at the layer it is mapped to. So each layer makes good, as far as a
linear map can, what was lost before it, skipped layers included. No gradients, seconds of work.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.families import require
from tinybert.modeling.blocks import blocks
from tinybert.modeling.observe import Batch, attention_calls, observe, observe_tokens
from tinybert.modeling.parts import embedding_output, family_in, part_of
from tinybert.steps.student.basis import principal_basis
from tinybert.steps.student.embedding_fit import fit_embeddings, merge_position_bias
from tinybert.steps.student.head_fit import fit_head
from tinybert.steps.student.layer_fit import LayerFit, fit_gain, watched_parts


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
        teacher: With a head that its family names.
        mapping: The teacher layer, from 1, of each student layer.
        batches: Tokenized rows of real data, see `make_batches`.

    Raises:
        InputError: The teacher is of no known family, or of one that can't do it.

    Example:
        >>> initialize_from_teacher(student, teacher, [3, 6, 9, 12], batches)  # doctest: +SKIP
    """
    require(family_in(teacher), "student")
    masks = [batch["attention_mask"].bool() for batch in batches]
    basis = _hidden_basis(teacher, batches, student.config.hidden_size)
    states = fit_embeddings(student, teacher, basis, batches)
    merge_position_bias(student, teacher)
    layers, targets = blocks(student), blocks(teacher)
    calls = attention_calls(student, batches, layers)
    for block, number, attends in zip(layers, mapping, calls, strict=True):
        target = targets[number - 1]
        observed = observe_tokens(teacher, batches, watched_parts(target))
        states = LayerFit(block, target, basis, observed, masks, attends).run(states)
    _fit_final_norm(student, teacher, basis, batches, states)
    fit_head(student, teacher, basis, batches)


def _hidden_basis(teacher: PreTrainedModel, batches: Sequence[Batch], width: int) -> Tensor:
    """(teacher width, student width), from what a residual stream holds.

    A student as wide as its teacher keeps its directions as they are: a norm commutes with no
    rotation of them.
    """
    full = teacher.config.hidden_size
    if width == full:
        return torch.eye(full, device=teacher.device)
    layers, family = blocks(teacher), family_in(teacher)
    norms = [norm for block in layers for norm in (block.attention_norm, block.norm)]
    # Where norms come first they don't give what the stream holds, but are given it; how large
    # that is differs from layer to layer, and all are to count alike.
    first = family.norms_first
    watched = [block.norm for block in layers] if first else norms
    watched = [embedding_output(teacher), *watched]
    if first:
        watched += [block.module for block in layers]
    named = {str(index): part for index, part in enumerate(watched)}
    moments = {name: torch.zeros(full, full).double() for name in (named if first else "0")}
    given = {str(index) for index in range(1, len(layers) + 1)} if first else set()
    for batch, seen in zip(batches, observe(teacher, batches, named), strict=True):
        mask = batch["attention_mask"].bool()
        for name, (taken, output) in seen.items():
            rows = (taken if name in given else output)[mask]
            moments[name if first else "0"] += (rows.T @ rows).double().cpu()
    scales = [each.trace() if first else 1.0 for each in moments.values()]
    moment = torch.stack([m / s for m, s in zip(moments.values(), scales, strict=True)]).sum(0)
    if part_of(teacher, family.embedding_projection) is None:
        norms = [part_of(teacher, family.embedding_norm), *norms]
    gains = [norm.weight for norm in norms if hasattr(norm, "weight")]
    return principal_basis(moment, torch.stack(gains), width).float()


def _fit_final_norm(
    student: PreTrainedModel,
    teacher: PreTrainedModel,
    basis: Tensor,
    batches: Sequence[Batch],
    states: Sequence[Tensor],
) -> None:
    """Sets the norm behind the last layer, where the family has one."""
    name = family_in(student).final_norm
    own, theirs = (part_of(model, name) for model in (student, teacher))
    if own is not None:
        seen = observe_tokens(teacher, batches, {"norm": theirs})
        fit_gain(own, states, (each["norm"][1] @ basis for each in seen))
