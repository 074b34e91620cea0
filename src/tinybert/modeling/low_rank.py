"""Linear layers and embedding tables as products of two smaller matrices."""

from torch import Tensor, nn


class LowRankLinear(nn.Module):
    """A linear layer whose weight is a product of two: x → up(down(x)).

    Args:
        in_features: Width of the input.
        rank: Width between the two.
        out_features: Width of the output.
        bias: Whether it has one.

    Example:
        >>> import torch
        >>> LowRankLinear(768, 256, 3072)(torch.ones(2, 768)).shape
        torch.Size([2, 3072])
    """

    def __init__(
        self, in_features: int, rank: int, out_features: int, *, bias: bool = True
    ) -> None:
        super().__init__()
        self.in_features, self.rank, self.out_features = in_features, rank, out_features
        self.down = nn.Linear(in_features, rank, bias=False)
        self.up = nn.Linear(rank, out_features, bias=bias)

    @property
    def weight(self) -> Tensor:
        """(out_features, in_features), the product."""
        return self.up.weight @ self.down.weight

    @property
    def bias(self) -> Tensor | None:
        """(out_features,); None where there is none."""
        return self.up.bias

    def forward(self, states: Tensor) -> Tensor:
        """(..., in_features) to (..., out_features)."""
        return self.up(self.down(states))


class LowRankEmbedding(nn.Module):
    """An embedding table that is a product of two: narrow rows, widened when they are looked up.

    Args:
        num_embeddings: Rows.
        rank: Width of the rows that are stored.
        embedding_dim: Width of the rows that are given.
        padding_idx: The row of padding, if there is one.

    Example:
        >>> import torch
        >>> LowRankEmbedding(1000, 64, 312)(torch.tensor([[1, 2, 3]])).shape
        torch.Size([1, 3, 312])
    """

    def __init__(
        self, num_embeddings: int, rank: int, embedding_dim: int, padding_idx: int | None = None
    ) -> None:
        super().__init__()
        self.rank, self.embedding_dim = rank, embedding_dim
        self.table = nn.Embedding(num_embeddings, rank, padding_idx)
        self.up = nn.Linear(rank, embedding_dim, bias=False)

    @property
    def num_embeddings(self) -> int:
        """Rows."""
        return self.table.num_embeddings

    @property
    def padding_idx(self) -> int | None:
        """The row of padding, if there is one."""
        return self.table.padding_idx

    @property
    def weight(self) -> Tensor:
        """(num_embeddings, embedding_dim), the product."""
        return self.table.weight @ self.up.weight.T

    def forward(self, ids: Tensor) -> Tensor:
        """(...) to (..., embedding_dim)."""
        return self.up(self.table(ids))
