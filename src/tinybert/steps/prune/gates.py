"""Gates on heads and neurons: 1 lets what a unit gives through, 0 is as if it were not there."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from tinybert.modeling.distributed import sum_over_all
from tinybert.steps.prune.choice import MASK, choose
from tinybert.steps.prune.importance import Importance
from tinybert.steps.prune.units import Units

SCORES = "prune_scores"
"""The buffer of what units are worth, beside their mask."""

MEMORY = 0.95
"""The decay of the running mean of scores: it spans about 20 steps, some 600 rows by 32."""

AnyUnits = TypeVar("AnyUnits", bound=Units)


@dataclass(frozen=True)
class Group(Generic[AnyUnits]):
    """Units of all layers that compete with one another.

    Attributes:
        units: Of each layer.
        share: To remove.
        multiple: What the units that stay in a layer are rounded to, see `choose`.
    """

    units: Sequence[AnyUnits]
    share: float
    multiple: int = 1


class Gates(Generic[AnyUnits]):
    """Gates on all units of some groups; as long as the `with` block lasts.

    Args:
        model: Has the units. Its forward pass is as before while all gates are open.
        groups: Which.
        importance: The measure by which units are closed.
        uniform: As for `choose`.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        groups: Sequence[Group[AnyUnits]],
        importance: Importance,
        *,
        uniform: bool = True,
    ) -> None:
        self.model = model
        self.groups = groups
        self.importance = importance
        self.uniform = uniform
        self._sums: dict[nn.Module, Tensor] = {}
        self._mask: Any = None
        self._handles: list[RemovableHandle] = []

    @property
    def units(self) -> list[AnyUnits]:
        """The units of all groups."""
        return [units for group in self.groups for units in group.units]

    def __enter__(self) -> "Gates[AnyUnits]":
        base: Any = self.model.base_model
        handle = base.register_forward_pre_hook(self._see_mask, with_kwargs=True)
        self._handles.append(handle)
        for units in self.units:
            for name, fill in ((MASK, 1.0), (SCORES, 0.0)):
                buffer = torch.full((units.count,), fill, device=self.model.device)
                units.home.register_buffer(name, buffer)
            self._sums[units.home] = torch.zeros(units.count)
            self._handles.append(units.attach(partial(self._gate, units)))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()
        for units in self.units:
            delattr(units.home, MASK)
            delattr(units.home, SCORES)

    def learn(self, weight: float) -> None:
        """Moves the running mean of scores towards those of the batches since the last call.

        Scores of a group are divided by their norm: all moments count alike, however small the
        loss has become.

        Args:
            weight: Of the new scores; 1 forgets the old ones.
        """
        for group in self.groups:
            new = [self.importance.score(units, self._take(units)) for units in group.units]
            norm = torch.cat(new).norm()
            if not norm > 0:  # a student that is its teacher has no gradients
                continue
            for units, scores in zip(group.units, new, strict=True):
                kept: Tensor = getattr(units.home, SCORES)
                kept.lerp_((scores / norm).to(kept), weight)

    def scores(self, group: Group[AnyUnits]) -> list[Tensor]:
        """What has been learned of each layer's units, (units,)."""
        return [getattr(units.home, SCORES) for units in group.units]

    @torch.no_grad()
    def prune_to(self, progress: float) -> None:
        """Closes the least important units, opens the others.

        Args:
            progress: From 0, all open, to 1, each group's share closed.
        """
        for group in self.groups:
            kept = choose(
                self.scores(group),
                group.share * progress,
                uniform=self.uniform,
                multiple=group.multiple,
            )
            for units, mask in zip(group.units, kept, strict=True):
                getattr(units.home, MASK).copy_(mask)

    def after_step(self) -> None:
        """Lets the batches of an optimizer step count."""
        self.learn(1 - MEMORY)

    def open(self) -> list[Tensor]:
        """The units that stay, as `LinearUnits.shrink` takes them; in the order of `units`."""
        return [getattr(units.home, MASK).bool() for units in self.units]

    def _gate(self, units: AnyUnits, given: Tensor) -> Tensor:
        gate: Tensor = getattr(units.home, MASK)
        gated = given * gate.to(given)[:, None]
        sums = self._sums

        def add(values: Tensor) -> None:
            sums[units.home] = sums[units.home].to(values.device) + values

        if torch.is_grad_enabled():  # other passes are not those that learn, or recompute them
            self.importance.watch(given, gated, self._mask, add)
        return gated

    def _take(self, units: AnyUnits) -> Tensor:
        """The sums so far of all processes; they begin anew."""
        sums = self._sums[units.home]
        self._sums[units.home] = torch.zeros_like(sums)
        return sum_over_all(sums)

    def _see_mask(self, _: nn.Module, __: tuple[Any, ...], options: dict[str, Any]) -> None:
        self._mask = options.get("attention_mask")
