"""Low-rank factorisation of the table of words, for the pieces that texts really use."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinybert.modeling.low_rank import LowRankEmbedding
from tinybert.modeling.observe import make_batches
from tinybert.modeling.parts import family_in, part_of, replace_module
from tinybert.steps.factorize.svd import factors, spectrum
from tinybert.training.context import Context

_ROWS = 4096
"""Texts that are tokenized at once."""


def count_pieces(context: Context, table: nn.Embedding) -> Tensor:
    """How often each row of a table is looked up for the training rows, special pieces too.

    Args:
        context: Its rows are cut as the model is given them.
        table: Of words.

    Returns:
        (rows of the table,), whole numbers as float64.
    """
    counts = torch.zeros(table.num_embeddings, dtype=torch.float64)
    texts = context.train.texts
    for start in range(0, len(texts), _ROWS):
        part = texts[start : start + _ROWS]
        for batch in make_batches(part, context.tokenizer, context.max_length, counts.device):
            ids = batch["input_ids"][batch["attention_mask"].bool()]
            counts += ids.bincount(minlength=len(counts))
    return counts


def factorize_embeddings(
    model: PreTrainedModel, counts: Tensor, choose: Callable[[Tensor], int]
) -> dict[str, int]:
    """Replaces the table of words, where that saves parameters.

    Args:
        model: Changed in place.
        counts: (rows,), how often texts use each piece. It counts one more of each, so that a
            piece that none has used is still like itself.
        choose: Gives the rank for the table's `spectrum`.

    Returns:
        The rank by the table's name in the model's encoder; nothing if it stays as it is, or is
        of low rank already.

    Example:
        >>> from transformers import BertConfig, BertModel
        >>> model = BertModel(BertConfig(vocab_size=90, num_hidden_layers=1, hidden_size=8,
        ...     num_attention_heads=2, intermediate_size=16))
        >>> factorize_embeddings(model, torch.ones(90), lambda _: 4)
        {'embeddings.word_embeddings': 4}
    """
    base: Any = model.base_model
    name = family_in(model).words
    table: Any = part_of(model, name)
    if not isinstance(table, nn.Embedding):
        return {}
    moment = _second_moment(table.weight, counts + 1)
    rank = choose(spectrum(torch.eye(table.embedding_dim), moment))
    if rank * sum(table.weight.shape) >= table.weight.numel():
        return {}
    replace_module(base, name, low_rank_table(table, moment, rank))
    return {name: rank}


@torch.no_grad()
def low_rank_table(table: nn.Embedding, moment: Tensor, rank: int) -> LowRankEmbedding:
    """The product of this rank whose rows differ least from the table's, in mean square.

    Args:
        table: (rows, width).
        moment: (width, width), the mean of outer products of rows, by how often each is used.
        rank: Of the product.
    """
    rows, width = table.weight.shape
    product = LowRankEmbedding(rows, rank, width, table.padding_idx)
    # The best product for the identity: what is lost of a row is the row less its projection.
    up, down = factors(torch.eye(width), moment, rank)
    product.up.weight.copy_(up)
    product.table.weight.copy_(table.weight.cpu() @ down.T)
    return product.to(table.weight).train(table.training)


def _second_moment(rows: Tensor, counts: Tensor) -> Tensor:
    rows = rows.detach().cpu().double()
    return (rows.T * (counts / counts.sum())) @ rows
