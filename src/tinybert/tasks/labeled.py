"""What tasks with named outputs share: label names, their order, numbers that stand for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from tinybert.base.errors import InputError, short
from tinybert.tasks.labels import (
    UnnamedOutputs,
    has_numbers,
    match_labels,
    say_nothing,
    some_names,
    whole_number,
    whole_numbers,
)
from tinybert.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class LabeledTask(Task):
    """A task each of whose outputs has the name of a label.

    Attributes:
        labels: The names of the labels, in the order of the model's outputs; empty until
            `fit` has found them in the training rows.
        numbered: The names that 0, 1, ... in the data stand for; `labels` itself when empty.
        ordered: Whether the order of `labels` was given, by a user, a known data set or a model;
            that of names which `fit` found in rows says nothing.

    Raises:
        InputError: There is one label only, or one is there twice.
    """

    options: ClassVar[tuple[str, ...]] = (*Task.options, "labels")
    saved: ClassVar[tuple[str, ...]] = (*Task.saved, "numbered")

    labels: tuple[str, ...] = ()
    numbered: tuple[str, ...] = ()
    ordered: bool = field(default=True, compare=False)  # where they are from, not what they are

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.labels)) != len(self.labels) or len(self.labels) == 1:
            raise InputError(
                f"labels: expected two different names or more, got {some_names(self.labels)}"
            )

    def for_model(self, model: Task) -> "LabeledTask":
        """This task with its labels in the order of a model's outputs."""
        super().for_model(model)
        assert isinstance(model, LabeledTask)
        if not self.labels:
            numbered = model.numbered or model.labels
            return replace(self, labels=model.labels, numbered=numbered, ordered=False)
        labels = match_labels(self.labels, model.labels, self.ordered)
        if labels == self.labels and self.ordered:
            return self
        # What was in an order keeps its numbers; what had none has those of the model's outputs.
        kept = self.labels if self.ordered and set(labels) == set(self.labels) else labels
        return replace(self, labels=labels, numbered=self.numbered or kept)

    def output_numbers(self) -> dict[str | int, int]:
        """Which output each label has, by its name and by the number that stands for it.

        Names that are numbers are never taken for places.

        Raises:
            ValueError: The labels are not known yet.
        """
        self.require_labels()
        outputs: dict[str | int, int] = {name: output for output, name in enumerate(self.labels)}
        numbers = whole_numbers(self.labels)
        if numbers is not None:
            return outputs | {number: outputs[name] for name, number in numbers.items()}
        if has_numbers(self.labels):
            return outputs
        names = self.numbered or (self.labels if self.ordered else ())
        return outputs | {number: outputs[name] for number, name in enumerate(names)}

    def output_of(self, name: str, known: Mapping[str | int, int], column: str, where: str) -> int:
        """The output of a label as the data has it.

        Args:
            name: A name or a number, as text.
            known: What `output_numbers` gave.
            column: Where the label is from, for messages.
            where: The row, for messages.

        Raises:
            InputError: There is no such label; `UnnamedOutputs` where the model's have no names.
        """
        number = whole_number(name)
        if name in known:
            return known[name]
        if number is not None and number in known:
            return known[number]
        kind = UnnamedOutputs if say_nothing(self.labels) else InputError
        raise kind(
            f"{where}: unknown label {short(name)} in {short(column)}; "
            f"known: {some_names(self.labels)}"
        )

    def require_labels(self) -> None:
        """Fails where `fit` was forgotten.

        Raises:
            ValueError: The labels are not known yet.
        """
        if not self.labels:
            raise ValueError("this task has no labels yet: call fit with the training rows first")

    def model_config(self) -> dict[str, Any]:
        """Label names by output and back."""
        self.require_labels()
        return {
            "id2label": dict(enumerate(self.labels)),
            "label2id": {name: output for output, name in enumerate(self.labels)},
            **super().model_config(),
        }
