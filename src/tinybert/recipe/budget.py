"""What a result has to keep, and what a search for it may take."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from tinybert.base.amounts import BYTES, MILLISECONDS, MINUTES, amount, share
from tinybert.training.section import Config


def _checked_by(parse: Any, *arguments: Any) -> Any:
    def check(value: Any) -> Any:
        if value is not None:
            parse(value, *arguments)
        return value

    return BeforeValidator(check)


Size = Annotated[str | None, _checked_by(amount, BYTES, "5MB")]
Time = Annotated[str | None, _checked_by(amount, MINUTES, "45min")]
Latency = Annotated[str | None, _checked_by(amount, MILLISECONDS, "1ms")]
Share = Annotated[str | None, _checked_by(share)]


SEARCH_ALONE = ("tune", "time", "trials", "storage")
"""What says how a search is made, and nothing of what comes out."""


class BudgetConfig(Config):
    """What the result has to keep; what is not bounded is minimised.

    With a drop and no size, the smallest file that keeps all the rest is looked for; otherwise,
    of what fits, the one that loses least.
    """

    size: Size = Field(
        None,
        description="most bytes of all files that inference reads, tokenizer included, such as 5MB "
        "(10^6 bytes each)",
    )
    latency: Latency = Field(None, description="most time of a median batch, such as 1ms")
    memory: Size = Field(None, description="most memory of the process that runs it, such as 100MB")
    drop: Share = Field(
        None, description="most of the teacher's metric that may be lost, such as 1% of it"
    )
    length: int = Field(128, gt=0, description="tokens of a row whose latency counts")
    batch: int = Field(1, gt=0, description="rows of a batch whose latency counts")
    threads: int | None = Field(
        None, gt=0, description="threads that it may take; default: every core"
    )
    device: str | None = Field(
        None,
        description="file that `tinybert profile` wrote on the device whose latency counts; "
        "default: this machine",
    )
    strict: bool = Field(
        False,
        description="whether the worse end must keep the bound: of the drop's 95% interval, and of "
        "what is expected of a device",
    )
    search: bool = Field(
        True,
        description="look for what keeps it, by varying what the steps leave open; else the recipe "
        "is run as it is, and the budget is only compared with what came out",
    )
    tune: bool = Field(
        False,
        description="search settings of the training too: learning rates, epochs, temperature and "
        "weights of losses; it takes more trials",
    )
    time: Time = Field(None, description="for search and final training together, such as 45min")
    trials: int | None = Field(
        None, gt=0, description="candidates to train; default: as many as there is time for"
    )
    storage: str | None = Field(
        None,
        description="URL of a database that keeps the search, which several machines may share; "
        "default: a file in the output folder",
    )

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not any((self.size, self.latency, self.memory, self.drop)):
            raise ValueError("asks nothing: give a size, latency, memory or drop")
        self.refuse_unused()
        return self

    def effects(self) -> dict[str, tuple[bool, str]]:
        """Options may be about what is not bounded, or about a search that is not made."""
        timed = self.is_timed
        told = "is about the batch whose latency or memory is bounded, and neither is"
        searches = self.search, "is about the search, and `search` is false"
        return {
            "length": (timed, told),
            "batch": (timed, told),
            "threads": (timed, told),
            "device": (
                self.latency is not None,
                "is about the latency, which is not bounded",
            ),
            "strict": (
                self.drop is not None or self.device is not None,
                "is about the drop and about a device, and neither is given",
            ),
            **dict.fromkeys(SEARCH_ALONE, searches),
        }

    @property
    def is_timed(self) -> bool:
        """Whether it bounds what a batch takes."""
        return self.latency is not None or self.memory is not None

    def asked(self) -> dict[str, float]:
        """What is bounded, in the units of report.json: MB, milliseconds and shares.

        Example:
            >>> BudgetConfig(size="5MB", drop="1%").asked()
            {'size_mb': 5.0, 'drop': 0.01}
        """
        found = {}
        if self.size is not None:
            found["size_mb"] = amount(self.size, BYTES, "5MB")
        if self.latency is not None:
            found["latency_ms"] = amount(self.latency, MILLISECONDS, "1ms")
        if self.memory is not None:
            found["memory_mb"] = amount(self.memory, BYTES, "100MB")
        if self.drop is not None:
            found["drop"] = share(self.drop)
        return found

    def without_search(self) -> "BudgetConfig":
        """The same bounds for a recipe that is run as it is."""
        given = self.model_dump(exclude={"search", *SEARCH_ALONE})
        return BudgetConfig(**given, search=False)

    @property
    def minutes(self) -> float | None:
        """Minutes for search and final training; None where they are not bounded."""
        return None if self.time is None else amount(self.time, MINUTES, "")
