"""Classes that are told by what describes them: a sentence encoder as a classifier, untrained."""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError, said, short
from tinybert.data.jsonl import unique_keys
from tinybert.runtime.model import Facts, Model
from tinybert.runtime.text import Features, TextEncoder
from tinybert.tasks.config import saved_task
from tinybert.tasks.outputs import Arrays
from tinybert.tasks.sentence_embedding import SentenceEmbedding, unit
from tinybert.tasks.task import Task
from tinybert.tasks.text_classification import TextClassification

TEMPERATURE = 0.05
"""What cosines are divided by, as contrastive encoders are trained with; SimCSE's
(arXiv:2104.08821, section 3). Which label wins does not depend on it."""


class ZeroShotClassifier(Model):
    """A sentence encoder that answers with the label whose description is nearest.

    The cosine of a text's vector with that of each label is its logit. A label with several
    descriptions has the mean of their vectors.

    Args:
        model: A sentence encoder, as `tinybert.load` and `open_model` give them.
        labels: What describes each label: a text, or several.
        temperature: What cosines are divided by.

    Raises:
        InputError: The model is none, there is one label only, or a description is empty.

    Example:
        >>> model = ZeroShotClassifier(tinybert.open_model("encoder"),
        ...     {"sport": "a match, a team", "business": "markets, a company"})  # doctest: +SKIP
        >>> model("The striker scored twice.")  # doctest: +SKIP
        [{"label": "sport", "score": 0.97, "scores": {...}}]
    """

    format: ClassVar[str] = "zero-shot"

    def __init__(
        self,
        model: Model,
        labels: Mapping[str, str | Sequence[str]],
        temperature: float = TEMPERATURE,
    ) -> None:
        if not isinstance(model, Model):
            raise InputError(
                f"expected a model, as tinybert.open_model gives it, got {short(model)}"
            )
        if not isinstance(labels, Mapping):
            raise InputError(f"expected texts by label, got {short(labels)}")
        for name, texts in labels.items():
            if not isinstance(texts, str | list | tuple):
                raise InputError(f"label {short(name)}: expected texts, got {short(texts)}")
        # One text at a time, as every model that says so: of a pair no vector is one label's.
        reads = {**saved_task(model.config), "text": TextClassification.text}
        super().__init__(model.path, {**model.config, "tinybert": {"task": reads}})
        if model.task.kind != SentenceEmbedding.kind:
            raise InputError(
                f"{model.path}: does {model.task.kind}; labels are described to sentence encoders"
            )
        if not temperature > 0:
            raise InputError(f"temperature must be above 0, not {temperature}")
        self._model = model
        self._temperature = temperature
        self._labels = {
            name: [texts] if isinstance(texts, str) else list(texts)
            for name, texts in labels.items()
        }
        for name, described in self._labels.items():
            if not name.strip():
                raise InputError("a label that is described has no name")
            if not described or not all(
                isinstance(text, str) and text.strip() for text in described
            ):
                raise InputError(f"label {short(name)} has a description that is empty or no text")
        if len(self._labels) < 2:
            raise InputError(f"expected two labels or more that are described, got {len(labels)}")

    def forward(self, features: Features) -> Arrays:
        """The cosines with each label, divided by the temperature, as logits, (batch, labels)."""
        vectors = self._model.task.logits(self._model.forward(features))
        return {"logits": unit(vectors) @ self._vectors.T / np.float32(self._temperature)}

    def facts(self) -> Facts:
        """The facts of the encoder."""
        return self._model.facts()

    def _load_encoder(self) -> TextEncoder:
        return self._model.encoder

    def _load_task(self) -> Task:
        return TextClassification(labels=tuple(self._labels))

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        """The vector of each label, of length 1, (labels, width)."""
        described = [
            unit(self._model.outputs(texts).logits).mean(0) for texts in self._labels.values()
        ]
        return unit(np.stack(described))


def read_descriptions(given: Sequence[str]) -> dict[str, list[str]]:
    """What describes each label, as the program's `--describe` has it.

    Args:
        given: "LABEL=TEXT" each, a label as often as it has descriptions; or the name of one .json
            file, a mapping of labels to a text or several.

    Raises:
        InputError: It is neither, or the file can't be read.

    Example:
        >>> read_descriptions(["sport=a match", "business=a company", "sport=a team"])
        {'sport': ['a match', 'a team'], 'business': ['a company']}
    """
    if len(given) == 1 and given[0].endswith(".json"):
        return _read(Path(given[0]))
    found: dict[str, list[str]] = {}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals or not name.strip() or not text.strip():
            raise InputError(
                f"--describe {short(each)}: expected LABEL=TEXT, or one .json file of labels and "
                "what describes them"
            )
        found.setdefault(name.strip(), []).append(text.strip())
    return found


def _read(path: Path) -> dict[str, list[str]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=unique_keys)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no JSON that can be read ({said(error)})") from None
    if not isinstance(content, dict):
        raise InputError(f'{path}: expected a mapping such as {{"sport": "a match, a team"}}')
    found = {name: [text] if isinstance(text, str) else text for name, text in content.items()}
    for name, texts in found.items():
        if not isinstance(texts, list):
            raise InputError(f"{path}: {short(name)}: expected a text or a list of texts")
    return found
