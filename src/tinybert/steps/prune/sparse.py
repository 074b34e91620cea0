"""Unstructured pruning: single weights are set to 0, the smallest ones.

The matrices stay as large as they are, and dense kernels multiply zeros as slowly as all else. A
file of them is smaller when it is packed; see `sparse_bytes`.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinybert.base.errors import InputError
from tinybert.modeling.blocks import blocks
from tinybert.modeling.parts import word_table
from tinybert.runtime.packed import packed_bytes
from tinybert.steps.prune.choice import MASK


class Zeros:
    """The smallest weights of a model at 0; as long as the `with` block lasts they stay there.

    Args:
        model: Its layers' matrices are pruned, of low rank or not; neither biases nor the head.
        share: Of the weights, to be 0; with a pattern it follows from it.
        pattern: (n, m): the largest n of every m neighbours in a row stay.
        uniform: The same share of each matrix; else ranked over all of them.
        embeddings: Whether word embeddings are pruned likewise.

    Raises:
        InputError: The rows of a matrix can't be cut into groups of m.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        share: float = 0.0,
        pattern: tuple[int, int] | None = None,
        uniform: bool = True,
        embeddings: bool = False,
    ) -> None:
        self.modules = prunable(model, embeddings)
        self.pattern = pattern
        self.share = 1 - pattern[0] / pattern[1] if pattern else share
        self.uniform = uniform
        for name, module in self.modules.items():
            if pattern and module.weight.shape[1] % pattern[1]:
                raise InputError(
                    f"prune.pattern: {name} is {module.weight.shape[1]} wide, which is no "
                    f"multiple of {pattern[1]}"
                )

    def __enter__(self) -> "Zeros":
        for module in self.modules.values():
            module.register_buffer(MASK, torch.ones_like(module.weight, dtype=torch.bool))
        return self

    def __exit__(self, *_: object) -> None:
        for module in self.modules.values():
            delattr(module, MASK)

    @torch.no_grad()
    def prune_to(self, progress: float) -> None:
        """Sets the smallest weights to 0.

        Args:
            progress: From 0, none, to 1, the whole share.
        """
        weights = [module.weight for module in self.modules.values()]
        kept = keep_largest(
            weights, self.share * progress, pattern=self.pattern, uniform=self.uniform
        )
        for module, mask in zip(self.modules.values(), kept, strict=True):
            getattr(module, MASK).copy_(mask)
        self.after_step()

    @torch.no_grad()
    def after_step(self) -> None:
        """Sets to 0 again what an optimizer step has filled."""
        for module in self.modules.values():
            module.weight.mul_(getattr(module, MASK))


def prunable(model: PreTrainedModel, embeddings: bool = False) -> dict[str, Any]:
    """The linear layers of the encoder, by name; with the word embeddings if they are wanted."""
    found: dict[str, Any] = {
        f"layer {number} {name}": module
        for number, block in enumerate(blocks(model), start=1)
        for name, module in block.module.named_modules()
        if isinstance(module, nn.Linear) and block.turn == 0
    }
    if embeddings:
        found["word embeddings"] = word_table(model)
    return found


def keep_largest(
    weights: Sequence[Tensor],
    share: float,
    *,
    pattern: tuple[int, int] | None = None,
    uniform: bool = True,
) -> list[Tensor]:
    """Which weights stay when a share of them is set to 0.

    Args:
        weights: Matrices.
        share: Of the weights, to be 0.
        pattern: (n, m): the largest n of every m neighbours in a row stay whatever the share.
        uniform: The same share of each matrix; else ranked over all of them.

    Returns:
        A mask for each, True for what stays.

    Example:
        >>> keep_largest([torch.tensor([[1.0, -4.0, 3.0, 2.0]])], 0.5)
        [tensor([[False,  True,  True, False]])]
    """
    sizes = [_protected(weight.detach().abs().float(), pattern) for weight in weights]
    if uniform:
        limits = [_smallest(size.flatten(), share) for size in sizes]
    else:
        limits = [_smallest(torch.cat([size.flatten() for size in sizes]), share)] * len(sizes)
    return [size > limit for size, limit in zip(sizes, limits, strict=True)]


def sparse_bytes(model: PreTrainedModel) -> int:
    """Bytes of the model's weights when matrices with many zeros are packed.

    Example:
        >>> from transformers import BertConfig, BertModel
        >>> model = BertModel(BertConfig(vocab_size=9, num_hidden_layers=1, hidden_size=8,
        ...     num_attention_heads=2, intermediate_size=16, max_position_embeddings=4))
        >>> with Zeros(model, share=0.9) as zeros:
        ...     zeros.prune_to(1.0)
        >>> sparse_bytes(model) < 0.5 * 4 * model.num_parameters()
        True
    """
    total = 0
    for weight in model.parameters():
        zeros = int((weight == 0).sum()) if weight.dim() > 1 else 0
        total += packed_bytes(weight.numel(), zeros, weight.element_size())
    return total


def _protected(sizes: Tensor, pattern: tuple[int, int] | None) -> Tensor:
    """Infinite where the pattern keeps a weight."""
    if pattern is None:
        return sizes
    kept, group = pattern
    groups = sizes.reshape(-1, group).clone()
    return groups.scatter_(1, groups.topk(kept).indices, torch.inf).view_as(sizes)


def _smallest(sizes: Tensor, share: float) -> float:
    """The largest of the smallest `share` of sizes, below all others if that is none."""
    count = round(share * len(sizes))
    return float(sizes.kthvalue(count).values) if count else -1.0
