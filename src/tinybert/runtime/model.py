"""What every loaded model can do, whatever runs it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError
from tinybert.runtime.config import max_positions
from tinybert.runtime.config_check import check_config
from tinybert.runtime.text import Features, TextEncoder
from tinybert.runtime.writing import Past, Writing
from tinybert.tasks import task_from_config
from tinybert.tasks.outputs import Arrays, Inputs, Outputs
from tinybert.tasks.pairs import check_pairs, texts_per_input
from tinybert.tasks.rows import Row
from tinybert.tasks.task import Prediction, Task, Text

MOST_OUTPUTS = 1 << 25
"""The most numbers that a batch gives where tokens are answered: 128 MB."""


@dataclass(frozen=True)
class Facts:
    """What a model is on disk.

    Attributes:
        format: What runs it: "pytorch", "onnx", "openvino".
        precision: Of its weights: "fp32", "fp16", "bf16", "int8", "int4", "int2".
        bytes: Of its weight files.
        parameters: Weights, embeddings included; scales and zero points of quantized ones are not.
    """

    format: str
    precision: str
    bytes: int
    parameters: int


class Model(ABC):
    """A model with its texts' encoding and its task; a subclass adds `forward` and `facts`.

    Task and tokenizer are read at first use, because measuring speed needs neither. `writing` says
    how a model that writes texts goes on with those that it is called with.

    Args:
        path: The file or folder that the model was loaded from, for messages.
        config: Its config.json.
    """

    format: ClassVar[str]

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        self.path = path
        self.config = config
        self.writing = Writing()
        try:
            check_config(config)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    @abstractmethod
    def forward(self, features: Features) -> Arrays:
        """Runs one batch, each feature (batch, length), to what the model gives, by name.

        Arrays are (batch, ...) each, in the model's own order.
        """

    @abstractmethod
    def facts(self) -> Facts:
        """Size and precision of the model on disk."""

    @abstractmethod
    def _load_encoder(self) -> TextEncoder: ...

    def _load_task(self) -> Task:
        try:
            return task_from_config(self.config)
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from None

    @cached_property
    def encoder(self) -> TextEncoder:
        """The model's text encoding.

        Raises:
            InputError: The tokenizer's files are missing or broken.
        """
        return self._load_encoder()

    @cached_property
    def task(self) -> Task:
        """The task that config.json describes.

        Raises:
            InputError: It describes none, as that of a bare encoder, or weights of it are missing.
        """
        return self._load_task()

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its outputs, in their order; of tokens these are tags. Numbers have none.

        Raises:
            InputError: As for `task`.
        """
        return tuple(self.task.model_config().get("id2label", {}).values())

    @cached_property
    def _checked(self) -> bool:
        """Whether task and encoder are there and go with each other; checked once."""
        pair = self.task.joins_pairs
        self.encoder.check_tables(pair=pair)
        if (length := self.encoder.max_length) is not None:
            overlap = self.task.overlap(length)
            if overlap is not None:
                self.encoder.keep_windows(overlap, of_second=pair)
        return True

    def require_predictions(self) -> None:
        """Fails now rather than at the first text.

        Raises:
            InputError: The model lacks what predictions need: a task, a tokenizer.
        """
        _ = self._checked

    def outputs(self, rows: Sequence[Text | Row], batch_size: int = 32) -> Outputs:
        """What the model gives for rows, in order, without padding.

        Inputs of like length share a batch, so that little of the work goes into padding.

        A file of dynamic int8 finds the scale of its activations in the whole batch, so that a
        text's outputs depend a little on those beside it (0.07 was seen). Those of fp32 files, and
        of int8 files that `quantize: {method: static}` or `qat` made, do not; nor do those of
        `batch_size=1`.

        Args:
            rows: Sentences, pairs as tuples for a model of pairs, or mappings such as
                {"words": [...]}. Empty strings are allowed, but for models whose tokenizers add no
                token of their own, as GPT-2's.
            batch_size: Inputs that run at once.

        Raises:
            InputError: The model can't predict, texts are not what it reads (a pair where it
                reads one text, or one text where it reads pairs), or its outputs are no finite
                numbers.
        """
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1, not {batch_size}")
        self.require_predictions()
        reads = texts_per_input(self.config)
        given = self._as_rows(rows)
        texts = [text for row in given for text in self.task.texts(row)]
        check_pairs(texts, reads, self.encoder.joins_pairs, str(self.path))
        encodings = self.encoder.encode(texts)
        if 0 in map(len, encodings):  # of GPT-2, which adds none of its own
            raise InputError(
                f"{self.path}: text {[*map(len, encodings)].index(0) + 1} has no tokens, so that "
                "there is nothing to read: leave it out"
            )
        inputs = self.task.inputs(given, encodings)
        outputs = inputs.gather(self._run(inputs, batch_size))
        for values in outputs.arrays.values():
            finite = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
            if not finite.all():
                row = int(np.searchsorted(outputs.bounds[:, 1], np.argmin(finite), side="right"))
                raise InputError(
                    f"{self.path}: its outputs for text {row + 1} are no finite "
                    "numbers (NaN or infinity): its weights are broken, or too large for its "
                    "precision"
                )
        return outputs

    def _as_rows(self, given: Sequence[Text | Row]) -> list[Row]:
        rows = []
        for number, each in enumerate(given, 1):
            try:
                rows.append(self.task.as_row(each))
            except InputError as error:
                raise InputError(f"text {number}: {error}") from None
        return rows

    def logits(self, texts: Sequence[Text | Row], batch_size: int = 32) -> NDArray[np.float32]:
        """The logits alone of what `outputs` gives, in order.

        Returns:
            (rows, outputs) of a model that answers each row once, or (positions, outputs), those
            of all rows end to end; (0, 0) for no texts.

        Raises:
            InputError: As for `outputs`.
        """
        return self.outputs(texts, batch_size).logits

    def _run(self, inputs: Inputs, batch_size: int) -> Iterator[tuple[list[int], Arrays]]:
        """The numbers of inputs of like length, and what the model gives for them."""
        encodings = inputs.encodings
        labels = self.task.width
        order = sorted(range(len(encodings)), key=lambda number: len(encodings[number]))
        at = 0
        while at < len(order):
            # Those of a whole vocabulary at every token are a thousand times as many as a class's.
            longest = len(encodings[order[min(at + batch_size, len(order)) - 1]])
            few = MOST_OUTPUTS // (longest * labels) if self.task.reads == "all" else batch_size
            numbers = order[at : at + min(batch_size, max(few, 1))]
            at += len(numbers)
            features = self.encoder.batch([encodings[number] for number in numbers])
            arrays = self._needed(self.forward(features), features, labels)
            yield numbers, self.task.reduced(arrays, features["input_ids"])

    def _needed(self, arrays: Arrays, features: Features, labels: int) -> Arrays:
        """The outputs that the task needs, of its shape: a file may hold another graph.

        A model with one output may call it anything.
        """
        if self.task.gives == ("logits",):
            arrays = {"logits": self.task.logits(arrays)}
        if lacking := [name for name in self.task.gives if name not in arrays]:
            raise InputError(f"{self.path}: gives no {', '.join(lacking)}")
        outputs, (rows, length) = arrays["logits"], features["input_ids"].shape
        of_tokens = self.task.reads == "all"
        expected = (rows, length, labels) if of_tokens else (rows, labels)
        if outputs.shape != expected:
            raise InputError(
                f"{self.path}: gives outputs of shape {list(outputs.shape)} where its config.json "
                f"says {list(expected)}: texts, {'tokens, ' if of_tokens else ''}labels"
            )
        return {name: arrays[name] for name in self.task.gives}

    def __call__(
        self, texts: Text | Row | Sequence[Text | Row], batch_size: int = 32
    ) -> list[Prediction]:
        """Predictions, one a text, in order.

        As in Transformers' pipelines, one text alone gives a list of one. A pair is a tuple, a
        text that is split into words {"words": [...]}, or for a model of tokens the list of its
        words alone, a question {"question": ..., "context": ...}; several texts are a list.

        Example:
            >>> model = tinybert.load("out")  # doctest: +SKIP
            >>> model(["a great film", "dull"])  # doctest: +SKIP
            [{"label": "positive", "score": 0.98, ...}, {"label": "negative", "score": 0.95, ...}]
        """
        rows = [texts] if isinstance(texts, str | tuple | Mapping) else texts
        if not len(rows):
            return []
        self.require_predictions()
        return self.task.predict(self, self._as_rows(rows), batch_size)

    def generate(self, text: str, **settings: Any) -> str:
        """How a text goes on, of a causal language model.

        Args:
            text: The beginning.
            settings: Those of `Writing`: max_new_tokens (64), temperature (0: the likeliest token,
                always), top_k, top_p, seed.

        Returns:
            What comes after the text, without it.

        Raises:
            InputError: The model writes no texts, a setting is impossible, or the text has no
                tokens, or more than the model takes.

        Example:
            >>> model = tinybert.load("writer")  # doctest: +SKIP
            >>> model.generate("Once upon a time", max_new_tokens=20)  # doctest: +SKIP
            ' there was a king who had three sons'
        """
        try:
            writing = Writing(**settings)
        except TypeError:
            names = ", ".join(field.name for field in fields(Writing))
            raise InputError(f"generate: it has the settings {names}") from None
        return self.write([text], writing)[0]

    def write(self, texts: Sequence[str], writing: Writing | None = None) -> list[str]:
        """How texts go on, each by itself.

        Args:
            texts: Their beginnings.
            writing: How; default: `self.writing`.

        Raises:
            InputError: As for `generate`.
        """
        self.require_predictions()
        if not self.task.writes:
            raise InputError(f"{self.path}: does {self.task.kind}, and writes no texts")
        most = self.encoder.max_length or max_positions(self.config)
        found = []
        for number, encoding in enumerate(self.encoder.encode(texts), 1):
            if not len(encoding):
                raise InputError(f"{self.path}: text {number} has no tokens to go on from")
            if most is not None and (encoding.overflowing or len(encoding) >= most):
                raise InputError(
                    f"{self.path}: text {number} is too long: the model takes {most} tokens, what "
                    "it writes among them; shorten it"
                )
            ids = np.array(encoding.ids, np.int64)
            how = writing or self.writing
            tokens = how.tokens(self, ids, most or len(ids) + how.max_new_tokens, self._ends)
            found.append(self.encoder.decode(list(tokens)))
        return found

    def read(self, ids: NDArray[np.int64], past: Past) -> tuple[NDArray[np.float32], Past]:
        """The logits of the token that comes next, (vocabulary,); see `Reader`.

        Here all that is there is read again; a runtime that keeps what it has read does better.
        """
        row = ids[None]
        features = {"input_ids": row, "attention_mask": np.ones_like(row)}
        return self.forward(features)["logits"][0, -1], None

    @cached_property
    def _ends(self) -> frozenset[int]:
        """The tokens that config.json says texts end with."""
        ends = self.config.get("eos_token_id")
        return frozenset(ends if isinstance(ends, list) else [] if ends is None else [ends])
