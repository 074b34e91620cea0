"""The embeddings of a student, which are its teacher's in the directions that it keeps."""

from collections.abc import Sequence

from torch import Tensor
from transformers import PreTrainedModel

from tinybert.modeling.least_squares import fit_linear
from tinybert.modeling.mapping import group_heads
from tinybert.modeling.observe import Batch, observe_tokens
from tinybert.modeling.parts import embedding_output, family_in, part_of, tables_of_embeddings
from tinybert.steps.student.layer_fit import fit_gain


def fit_embeddings(
    student: PreTrainedModel, teacher: PreTrainedModel, basis: Tensor, batches: Sequence[Batch]
) -> list[Tensor]:
    """Writes a student's tables and their norm.

    A student with a projection behind its embeddings has its teacher's embeddings as they are, and
    the projection is fitted. One without has tables in the directions of its hidden states.

    Args:
        student: Written in place.
        teacher: Of the same family.
        basis: (teacher width, student width), the directions of hidden states that stay.
        batches: Tokenized rows.

    Returns:
        What the student's first layer is given for the real tokens of each batch,
        (tokens, width).
    """
    family = family_in(student)
    own, theirs = (part_of(each, family.embedding_projection) for each in (student, teacher))
    norm, source = (part_of(each, family.embedding_norm) for each in (student, teacher))
    narrow = basis if theirs is None else theirs.weight.T @ basis  # from the teacher's tables
    tables = tables_of_embeddings(teacher)
    for name, table in tables_of_embeddings(student).items():
        rows = tables[name].weight[: len(table.weight)]  # of positions, the first ones
        table.weight.copy_(rows if own is not None else rows @ narrow)
    if norm is None:
        seen_end = observe_tokens(teacher, batches, {"end": embedding_output(teacher)})
        return [seen["end"][1] @ narrow for seen in seen_end]
    parts = {"norm": source, "end": embedding_output(teacher)}
    observed = observe_tokens(teacher, batches, parts)
    wanted = (seen["end"][1] @ basis for seen in observed)
    if own is None:
        sums = [seen["norm"][0] @ narrow for seen in observed]
        fit_gain(norm, sums, wanted)
        return [norm(rows) for rows in sums]
    norm.load_state_dict(source.state_dict())
    own.weight.copy_(narrow.T)
    own.bias.copy_(own.bias * 0 if theirs is None else theirs.bias @ basis)
    given = [seen["norm"][1] for seen in observed]
    fit_linear(own, given, wanted)
    return [own(rows) for rows in given]


def merge_position_bias(student: PreTrainedModel, teacher: PreTrainedModel) -> None:
    """Gives each head the mean bias of the teacher's heads that it stands for.

    That is what its scores are made of, too: see `tinybert.steps.student.heads`.
    """
    name = family_in(student).position_bias_table
    own, theirs = (part_of(model, name) for model in (student, teacher))
    if own is None:
        return
    groups = group_heads(theirs.weight.shape[1], own.weight.shape[1])
    for head, group in enumerate(groups):
        own.weight[:, head] = theirs.weight[:, group].mean(1)
