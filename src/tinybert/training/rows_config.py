"""Settings of training on rows: which of them count for how much, and when it is enough."""

from typing import Annotated, Literal

from pydantic import Field

from tinybert.training.section import Config

Weight = Annotated[float, Field(ge=1e-6, le=1e6)]
"""How much a label counts: a number that float32 has room for beside others."""


class EarlyStoppingConfig(Config):
    """Stops where the loss on held-out training rows falls no more, and keeps the best weights."""

    patience: int = Field(2, gt=0, description="looks in a row without a better loss")
    hold_out: float = Field(
        0.1, gt=0, le=0.5, description="share of the training rows that are not learned from"
    )
    every: int | None = Field(
        None, gt=0, description="optimizer steps between two looks; default: half an epoch"
    )


class RowsConfig(Config):
    """What steps that train on the rows of a task have beside the options of every training."""

    class_weights: Literal["balanced"] | dict[str, Weight] | None = Field(
        None,
        description="how much each label counts in the loss of labels: by its name (others: 1), or "
        "balanced, as much as it is rare",
    )
    sampling: Literal["balanced"] | None = Field(
        None,
        description="balanced: an epoch has as many rows of each label, rare ones several times "
        "and not all of the frequent ones",
    )
    early_stopping: EarlyStoppingConfig | None = Field(
        None,
        description="stop where the loss on held-out training rows falls no more, and keep the "
        "best weights",
    )

    @property
    def balances(self) -> bool:
        """Whether it looks at the labels of rows."""
        return self.class_weights is not None or self.sampling is not None
