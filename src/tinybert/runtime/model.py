"""What every loaded model can do, whatever runs it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError
from tinybert.runtime.config_check import check_config
from tinybert.runtime.text import Features, TextEncoder
from tinybert.tasks import task_from_config
from tinybert.tasks.pairs import check_pairs, texts_per_input
from tinybert.tasks.task import Prediction, Task, Text


@dataclass(frozen=True)
class Facts:
    """What a model is on disk.

    Attributes:
        format: What runs it: "pytorch", "onnx", "openvino".
        precision: Of its weights: "fp32", "fp16", "bf16", "int8", "int4".
        bytes: Of its weight files.
        parameters: Weights, embeddings included; scales and zero points of quantized ones are not.
    """

    format: str
    precision: str
    bytes: int
    parameters: int


class Model(ABC):
    """A model with its texts' encoding and its task; a subclass adds `forward` and `facts`.

    Task and tokenizer are read at first use, because measuring speed needs neither.

    Args:
        path: The file or folder that the model was loaded from, for messages.
        config: Its config.json.
    """

    format: ClassVar[str]

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        self.path = path
        self.config = config
        try:
            check_config(config)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    @abstractmethod
    def forward(self, features: Features) -> NDArray[np.float32]:
        """Runs one batch, each feature (batch, length), to outputs (batch, ...)."""

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

    @cached_property
    def _checked(self) -> bool:
        """Whether task and encoder are there and go with each other; checked once."""
        pair = len(self.task.text) == 2
        self.encoder.check_tables(pair=pair)
        return True

    def require_predictions(self) -> None:
        """Fails now rather than at the first text.

        Raises:
            InputError: The model lacks what predictions need: a task, a tokenizer.
        """
        _ = self._checked

    def logits(self, texts: Sequence[Text], batch_size: int = 32) -> NDArray[np.float32]:
        """The model's outputs, one row a text, in order.

        Texts of like length share a batch, so that little of the work goes into padding.

        A file of dynamic int8 finds the scale of its activations in the whole batch, so that a
        text's outputs depend a little on those beside it (0.07 was seen). Those of fp32 files, and
        of int8 files that `quantize: {method: static}` or `qat` made, do not; nor do those of
        `batch_size=1`.

        Args:
            texts: Sentences, or pairs as tuples for a model of pairs. Empty strings are allowed.
            batch_size: Texts that run at once.

        Returns:
            (rows, outputs); (0, 0) for no texts.

        Raises:
            InputError: The model can't predict, texts are not what it reads (a pair where it
                reads one text, or one text where it reads pairs), or its outputs are no finite
                numbers.
        """
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1, not {batch_size}")
        self.require_predictions()
        reads = texts_per_input(self.config)
        check_pairs(texts, reads, self.encoder.joins_pairs, str(self.path))
        labels = len(self.task.model_config()["id2label"])
        encodings = self.encoder.encode(texts)
        order = sorted(range(len(encodings)), key=lambda row: len(encodings[row]))
        batches = [order[at : at + batch_size] for at in range(0, len(order), batch_size)]
        if not batches:
            return np.zeros((0, 0), dtype=np.float32)
        outputs = [
            self._outputs(self.encoder.batch([encodings[row] for row in batch]), labels)
            for batch in batches
        ]
        logits = np.concatenate(outputs)[np.argsort(order)]
        finite = np.isfinite(logits).reshape(len(logits), -1).all(axis=1)
        if not finite.all():
            raise InputError(
                f"{self.path}: its outputs for text {int(np.argmin(finite)) + 1} are no finite "
                "numbers (NaN or infinity): its weights are broken, or too large for its precision"
            )
        return logits

    def _outputs(self, features: Features, labels: int) -> NDArray[np.float32]:
        """What `forward` gives, (batch, labels): a file may hold a graph of another form."""
        outputs = self.forward(features)
        expected = (len(features["input_ids"]), labels)
        if outputs.shape != expected:
            raise InputError(
                f"{self.path}: gives outputs of shape {list(outputs.shape)} where its config.json "
                f"says {list(expected)}: texts, labels"
            )
        return outputs

    def __call__(self, texts: Text | Sequence[Text], batch_size: int = 32) -> list[Prediction]:
        """Predictions, one a text, in order.

        As in Transformers' pipelines, one text alone gives a list of one. A pair is a tuple;
        several texts are a list.

        Example:
            >>> model = tinybert.load("out")  # doctest: +SKIP
            >>> model(["a great film", "dull"])  # doctest: +SKIP
            [{"label": "positive", "score": 0.98, ...}, {"label": "negative", "score": 0.95, ...}]
        """
        rows = [texts] if isinstance(texts, str | tuple) else texts
        return self.task.decode(self.logits(rows, batch_size)) if len(rows) else []
