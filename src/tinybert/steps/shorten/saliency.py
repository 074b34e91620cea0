"""Which tokens decide what a model says, by what the model makes of them.

A token's saliency is the size of gradient · hidden state, the gradient that of the squared logits:
to first order, what they would lose without it (gradient times input, Shrikumar et al.,
arXiv:1605.01713). It takes a pass back through the model, which is what an exported one can't do.
So its logarithm is foretold by a linear function of the hidden state, which costs one
multiplication: a ridge regression over the tokens of real rows, each within its row, as only the
order within a row decides which tokens go on.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinybert.modeling.blocks import blocks
from tinybert.modeling.observe import Batch, frozen, hooked
from tinybert.modeling.parts import embedding_output

_RIDGE = 1e-3  # of the mean variance of a hidden state's dimension
_SMALLEST = 1e-9  # of a saliency, whose logarithm is taken


def saliency(
    model: PreTrainedModel, batches: Sequence[Batch], layer: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """What a layer makes of each token, and how much the answer depends on it.

    Args:
        model: A classifier or a regression; run in eval mode.
        batches: Tokenized rows.
        layer: From 1; 0 are the embeddings.

    Yields:
        Hidden states (batch, length, width), saliency (batch, length), and (batch, length), which
        is false at padding, of each batch.
    """
    module = blocks(model)[layer - 1].module if layer else embedding_output(model)
    seen: list[Tensor] = []

    def watch(_: nn.Module, __: object, output: Tensor) -> Tensor:
        seen.append(output.detach().requires_grad_())
        return seen[-1]

    model.eval()
    with frozen(model), hooked({"states": module}, lambda _: watch):
        for batch in batches:
            seen.clear()
            total = model(**batch).logits.square().sum()
            (gradient,) = torch.autograd.grad(total, seen)
            states = seen[0].detach()
            yield states, (gradient * states).sum(-1).abs(), batch["attention_mask"].bool()


def fit_scores(model: PreTrainedModel, batches: Sequence[Batch], layer: int) -> Tensor:
    """The linear function of a layer's hidden states that foretells the tokens' saliency best.

    Args:
        model: As for `saliency`.
        batches: Tokenized rows.
        layer: From 1; 0 are the embeddings.

    Returns:
        (width,), to multiply hidden states with; float32, on the CPU.

    Example:
        >>> from transformers import BertConfig, BertForSequenceClassification
        >>> model = BertForSequenceClassification(BertConfig(vocab_size=9, num_hidden_layers=2,
        ...     hidden_size=8, num_attention_heads=2, intermediate_size=16))
        >>> ids = torch.randint(9, (4, 6))
        >>> rows = [{"input_ids": ids, "attention_mask": torch.ones_like(ids)}]
        >>> fit_scores(model, rows, layer=0).shape
        torch.Size([8])
    """
    width = model.config.hidden_size
    squares = torch.zeros(width, width, dtype=torch.float64)
    products = torch.zeros(width, dtype=torch.float64)
    for states, influence, real in saliency(model, batches, layer):
        given = _centred(states.double(), real)[real].cpu()  # so the target need not be
        squares += given.T @ given
        products += given.T @ influence[real].double().clamp(min=_SMALLEST).log().cpu()
    ridge = (_RIDGE * squares.diagonal().mean()).clamp(min=_SMALLEST)
    return torch.linalg.solve(squares + ridge * torch.eye(width).double(), products).float()


def _centred(values: Tensor, real: Tensor) -> Tensor:
    """(batch, length, any), less the mean of a row's real tokens."""
    weights = real[..., None].to(values.dtype)
    mean = (values * weights).sum(1, keepdim=True) / weights.sum(1, keepdim=True)
    return values - mean
