"""A model with part of its vocabulary."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from tinybert.base.errors import InputError
from tinybert.modeling.parts import word_table


@torch.no_grad()
def keep_pieces(model: PreTrainedModel, kept: Sequence[int]) -> PreTrainedModel:
    """Drops the rows of the embedding table that are not in `kept`; changes the model in place.

    Args:
        model: An encoder, with a head that knows nothing of the vocabulary or with none.
        kept: The ids that stay, by their new ids; those that config.json names, as of padding,
            are renumbered with them.

    Raises:
        InputError: An id is not in the table.

    Example:
        >>> from transformers import BertConfig, BertModel
        >>> model = BertModel(BertConfig(vocab_size=9, num_hidden_layers=1, hidden_size=8,
        ...     num_attention_heads=2, intermediate_size=16))
        >>> keep_pieces(model, [0, 3, 8]).config.vocab_size
        3
    """
    table = word_table(model)
    if not all(0 <= piece < table.num_embeddings for piece in kept):
        raise InputError(
            f"a piece to keep is not among the {table.num_embeddings} of the embedding table"
        )
    table.weight = torch.nn.Parameter(table.weight[list(kept)].clone())
    table.num_embeddings = len(kept)
    new = {old: piece for piece, old in enumerate(kept)}
    table.padding_idx = None if table.padding_idx is None else new.get(table.padding_idx)
    model.config.vocab_size = len(kept)
    for name, old in model.config.to_dict().items():
        if name.endswith("_token_id") and isinstance(old, int):
            setattr(model.config, name, new.get(old))
    return model
