"""How important a unit is: three measures.

Each watches what units give in forward passes, and the gradient of the loss by it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor

from tinybert.steps.prune.units import Units

Add = Callable[[Tensor], None]
"""Takes what one batch adds to the sums, (units,)."""


class Importance(ABC):
    """A measure of units."""

    from_rows = True
    """Whether it has to see the model run."""

    @abstractmethod
    def watch(self, given: Tensor, gated: Tensor, mask: Tensor, add: Add) -> None:
        """Watches one forward pass.

        Args:
            given: What the units give, (batch, length, units, width).
            gated: What the model goes on with: the same, times each unit's gate.
            mask: (batch, length), the attention mask.
            add: To be called with what the batch adds to the sums.
        """

    @abstractmethod
    def score(self, units: Units, sums: Tensor) -> Tensor:
        """(units,), from the sums of all batches."""


class Taylor(Importance):
    """First-order Taylor: |∂ loss / ∂ gate|, row by row.

    For heads it is that of Michel et al. (arXiv:1905.10650, section 4), for neurons that of
    Molchanov et al. (arXiv:1611.06440, section 2.2). A gate of 0 has a gradient too, so a unit
    that was closed can come back.
    """

    def watch(self, given: Tensor, gated: Tensor, mask: Tensor, add: Add) -> None:
        """See `Importance.watch`."""
        given = given.detach()

        def backward(gradient: Tensor) -> None:
            add((given * gradient).float().sum((1, 3)).abs().sum(0))

        gated.register_hook(backward)

    def score(self, units: Units, sums: Tensor) -> Tensor:
        """The sums themselves."""
        return sums


class Activation(Importance):
    """Mean absolute output on real tokens, times the norm of the weights that read it."""

    def watch(self, given: Tensor, gated: Tensor, mask: Tensor, add: Add) -> None:
        """See `Importance.watch`."""
        sizes = given.detach().float().abs().mean(-1)
        add((sizes * mask[..., None]).sum((0, 1)))

    def score(self, units: Units, sums: Tensor) -> Tensor:
        """Only the order counts, so the sum is as good as the mean."""
        return sums * units.outgoing().to(sums)


class Magnitude(Importance):
    """The weights alone: norm of those that make a unit times norm of those that read it."""

    from_rows = False

    def watch(self, given: Tensor, gated: Tensor, mask: Tensor, add: Add) -> None:
        """Nothing to see."""

    def score(self, units: Units, sums: Tensor) -> Tensor:
        """See `Units.magnitude`."""
        return units.magnitude().to(sums)


IMPORTANCES: dict[str, type[Importance]] = {
    "taylor": Taylor,
    "activation": Activation,
    "magnitude": Magnitude,
}
