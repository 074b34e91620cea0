"""One of several tasks that a model does at once, as a model's config.json keeps it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinybert.base.errors import InputError, short
from tinybert.tasks.config import config_labels, saved_task
from tinybert.tasks.task import Task

_PREFIX = "logits_"


@dataclass(frozen=True)
class Part:
    """One of several tasks.

    Attributes:
        name: Of its predictions, metrics and outputs.
        task: What it is.
        weight: Of its loss beside those of the others.
    """

    name: str
    task: Task
    weight: float = 1.0

    def as_config(self) -> dict[str, Any]:
        """What config.json says of it: all that it would say of a model of this task alone."""
        config = self.task.model_config()
        config.pop("label2id", None)
        return {"name": self.name, "weight": self.weight, **config}

    @classmethod
    def from_config(cls, config: Any, kinds: Iterable[type[Task]]) -> "Part":
        """A task from what `as_config` gave.

        Args:
            config: As it was saved.
            kinds: Those that it may be of.

        Raises:
            InputError: It is damaged.
        """
        if isinstance(config, Mapping) and isinstance(config.get("name"), str):
            weight = config.get("weight", 1.0)
            for kind in kinds if isinstance(weight, int | float) else ():
                if (task := kind.from_model_config(config)) is not None:
                    return cls(config["name"], task, float(weight))
        raise InputError(f'config.json: "tinybert": "task": "tasks" is damaged: {short(config)}')


def output_names(names: Iterable[str]) -> list[str]:
    """What a file calls the outputs of tasks.

    Example:
        >>> output_names(["sentiment", "topic"])
        ['logits_sentiment', 'logits_topic']
    """
    return [f"{_PREFIX}{name}" for name in names]


def saved_parts(config: Mapping[str, Any]) -> Sequence[tuple[Mapping[str, Any], slice]]:
    """The parts that a config.json lists, each with its outputs; empty for a model of one task.

    Example:
        >>> saved_parts({})
        []
    """
    found, start = [], 0
    for part in saved_task(config).get("tasks") or ():
        end = start + len(config_labels(part))
        found.append((part, slice(start, end)))
        start = end
    return found
