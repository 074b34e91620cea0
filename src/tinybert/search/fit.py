"""Which candidates fit a budget, before any of them is trained."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from tinybert.base.errors import InputError
from tinybert.search.costs import TIMED, CostModel, Costs
from tinybert.search.space import Candidate, Space
from tinybert.steps.expected import Plan

MARGIN = 0.005
"""The share of a size that is left free, as sizes are computed to within that."""

LOOKED_AT = 3000
"""Random candidates that a pool is chosen from; they take a few seconds."""


@dataclass
class Fit:
    """What candidates cost, and which of them fit.

    Attributes:
        space: Of the candidates.
        plan: Of the recipe.
        costs: What a shape costs as a file.
        asked: The bounds, as `BudgetConfig.asked` has them.
        grows: Whether the choices that can take the rest of the budget do; not where it is the
            smallest model that is looked for.
    """

    space: Space
    plan: Plan
    costs: CostModel
    asked: Mapping[str, float]
    grows: bool
    _known: dict[Candidate, Costs | None] = field(default_factory=dict, repr=False)

    def of(self, candidate: Candidate) -> Costs | None:
        """What a candidate costs; None where its settings don't go together."""
        if candidate not in self._known:
            self._known[candidate] = self._costs(candidate)
        return self._known[candidate]

    def _costs(self, candidate: Candidate) -> Costs | None:
        try:
            recipe = self.space.recipe_of(candidate)
            expected = recipe.follow(self.plan)
        except InputError:
            return None
        if expected.shape is None:
            return None
        return self.costs.predict(expected.shape, recipe.quantize)

    def fits(self, candidate: Candidate) -> bool:
        """Whether all bounds but the drop are kept, as far as is known."""
        costs = self.of(candidate)
        return costs is not None and self._keeps(costs)

    def fits_measured(self, candidate: Candidate) -> bool:
        """Whether it fits by its own file with random weights, where time or memory count."""
        if self.of(candidate) is None:
            return False
        recipe = self.space.recipe_of(candidate)
        shape = recipe.follow(self.plan).shape
        assert shape is not None, "a candidate whose costs are known has one"
        if not {*TIMED} & {*self.asked}:
            return self.fits(candidate)
        self._known[candidate] = self.costs.measure(shape, recipe.quantize)
        return self.fits(candidate)

    def _keeps(self, costs: Costs) -> bool:
        found = {
            "size_mb": costs.bytes / 1e6 * (1 + MARGIN),
            "latency_ms": costs.latency_ms,
            "memory_mb": costs.memory_mb,
        }
        pairs = [(found[name], most) for name, most in self.asked.items() if name in found]
        return all(value is None or value <= most for value, most in pairs)

    def grown(self, candidate: Candidate) -> Candidate | None:
        """The candidate with as much as fits of what grows; None where it fits at no size."""
        if not self.grows:
            return candidate if self.fits(candidate) else None
        for at in self.space.growing:
            largest = len([*self.space.choices.values()][at].settings) - 1
            low, high = -1, largest  # of a size that fits, and of the largest that may
            while low < high:
                middle = (low + high + 1) // 2
                if self.fits((*candidate[:at], middle, *candidate[at + 1 :])):
                    low = middle
                else:
                    high = middle - 1
            if low < 0:
                return None
            candidate = (*candidate[:at], low, *candidate[at + 1 :])
        return candidate if self.fits(candidate) else None

    def pool(self, seed: int) -> list[Candidate]:
        """Candidates that fit, those first that are expected to lose least.

        Raises:
            InputError: None does, with the least that is known to be needed.
        """
        drawn = islice(self.space.at_random(seed), LOOKED_AT)
        grown = {found for each in self._starts(drawn) if (found := self.grown(each)) is not None}
        if not grown:
            raise InputError(self._why_none())
        return sorted(grown, key=lambda each: (self.space.expected_loss(each), each))

    def _starts(self, drawn: Iterator[Candidate]) -> Iterator[Candidate]:
        """Also the two ends, which no draw may find."""
        yield self.space.largest
        yield tuple(0 for _ in self.space.largest)
        yield from drawn

    def _why_none(self) -> str:
        units = {
            "size_mb": ("bytes", 1e-6, "MB"),
            "latency_ms": ("latency_ms", 1, "ms"),
            "memory_mb": ("memory_mb", 1, "MB"),
        }
        known = [costs for costs in self._known.values() if costs is not None]
        parts = []
        for name, most in self.asked.items():
            if name in units:
                attribute, scale, unit = units[name]
                values = [getattr(costs, attribute) for costs in known]
                least = min((value for value in values if value is not None), default=None)
                if least is not None:
                    parts.append(
                        f"{most:g} {unit} are asked, and the least that any of them needs "
                        f"is {least * scale:.3g} {unit}"
                    )
        return (
            "budget: nothing that the steps can become fits: "
            + "; ".join(parts)
            + "; ask for more, or leave more of the steps open"
        )
