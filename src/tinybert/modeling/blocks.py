"""The layers of a model and what they are made of, whatever its family calls them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tinybert.base.errors import InputError

if TYPE_CHECKING:  # recipes are checked with it, and need no PyTorch for that
    from torch import Tensor
    from transformers import PreTrainedModel

BERT_LIKE = ("bert", "roberta", "xlm-roberta", "camembert")
"""The model types whose modules are named as BERT's."""

MASKED = -1e4
"""Added to the scores of padding: exp of it is 0 in fp32, and it does not overflow fp16."""


def encoder_layers(model: "PreTrainedModel") -> Sequence[Any]:
    """The transformer layers of a BERT-like model, in order.

    Raises:
        InputError: The model is of another family.
    """
    if model.config.model_type not in BERT_LIKE:
        raise InputError(
            f"a {model.config.model_type} model is not supported here; "
            f"supported model types: {', '.join(BERT_LIKE)}"
        )
    base: Any = model.base_model
    return base.encoder.layer


def split_heads(values: "Tensor", size: int) -> "Tensor":
    """Queries, keys or values by head.

    Args:
        values: (batch, length, heads · size).
        size: Dimensions of a head.

    Returns:
        (batch, heads, length, size).

    Example:
        >>> import torch
        >>> split_heads(torch.ones(2, 5, 12), size=4).shape
        torch.Size([2, 3, 5, 4])
    """
    return values.unflatten(-1, (-1, size)).transpose(1, 2)
