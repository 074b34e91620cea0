"""A vector for a text, near those of texts that mean about the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError, short
from tinybert.data.table import Table
from tinybert.families.registry import width_of
from tinybert.tasks.columns import KEYS, number, rows
from tinybert.tasks.config import is_classifier_of, saved_fields, saved_task
from tinybert.tasks.outputs import Inputs, Outputs
from tinybert.tasks.task import Examples, Prediction, Row, Task, Text

if TYPE_CHECKING:
    from tokenizers import Encoding

CLASS_END = "ForSentenceEmbedding"
"""How the classes of such models end, as "BertForSentenceEmbedding"."""

POOLINGS = ("mean", "cls", "weightedmean")
"""What is made of the last hidden states, as Sentence Transformers calls it: their mean, the first,
or a mean in which each counts by its place, the first 1, the second 2 (SGPT, arXiv:2202.08904)."""

_COLUMNS = "columns"

COSINE = "cosine"
"""What texts without scores are compared by: the mean cosine of both models' vectors."""


def pooling_of(config: Mapping[str, Any]) -> tuple[str, bool, int]:
    """How the head of a config.json's model makes a vector: pooling, whether of length 1, width.

    Example:
        >>> pooling_of({"hidden_size": 312, "tinybert": {"task": {"kind": "sentence-embedding",
        ...     "pooling": "cls", "vector": 384}}})
        ('cls', True, 384)
    """
    saved = saved_task(config)
    width = saved.get("vector") or width_of(config) or 0
    pooling, normalizes = saved.get("pooling", "mean"), saved.get("normalize", True)
    if pooling not in POOLINGS or type(normalizes) is not bool or type(width) is not int:
        raise InputError(f"config.json: tinybert.task is broken: {short(saved)}")
    return pooling, normalizes, width


@dataclass(frozen=True, kw_only=True)
class SentenceEmbedding(Task):
    """Sentence embeddings.

    Rows are texts, or pairs of texts with a score of how alike they are: what models are compared
    by. A student learns the teacher's vectors, so that it needs no scores.

    Attributes:
        pooling: Of the last hidden states.
        normalize: Whether vectors have length 1.
        vector: Numbers of one; None where no model is known yet.
        truncate_dim: So many first numbers of a vector alone are what scores are measured by; None
            for all. The model's files hold the whole vector.

    Example:
        >>> pairs = Table({"sentence1": ["a"], "sentence2": ["b"], "score": ["3.2"]}, "dev.tsv")
        >>> SentenceEmbedding().examples(pairs).labels
        array([3.2], dtype=float32)
    """

    kind: ClassVar[str] = "sentence-embedding"
    options: ClassVar[tuple[str, ...]] = ("text", "label", "metrics", "truncate_dim")
    head: ClassVar[str] = f"AutoModel{CLASS_END}"
    saved: ClassVar[tuple[str, ...]] = ("label", "metrics", "pooling", "normalize", "vector")
    scored_by: ClassVar[tuple[str, ...]] = ("spearman", "pearson", COSINE)
    reads: ClassVar[Any] = "mean"
    pipeline_tag: ClassVar[str] = "sentence-similarity"
    learns_labels: ClassVar[bool] = False
    of_encoders: ClassVar[bool] = True

    text: tuple[str, ...] = ("sentence1", "sentence2")
    label: str = "score"
    metrics: tuple[str, ...] = ("spearman", "pearson")
    pooling: str = "mean"
    normalize: bool = True
    vector: int | None = None
    truncate_dim: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if COSINE in self.metrics and len(self.metrics) > 1:
            raise InputError(f"metrics: {COSINE} is of texts without scores, and no other is")

    def option_fields(self, name: str, value: Any) -> dict[str, Any]:
        """The metrics of scores alone can be chosen; a vector is cut to a number."""
        if name == "truncate_dim":
            if type(value) is not int or value < 1:
                raise InputError(f"task: truncate_dim: expected an integer > 0, got {short(value)}")
            return {name: value}
        found = super().option_fields(name, value)
        if COSINE in found.get("metrics", ()):
            raise InputError(
                f"task: metrics: {COSINE} is what texts without scores are measured by, and no "
                "others are"
            )
        return found

    @property
    def joins_pairs(self) -> bool:
        """No: each text has a vector of its own."""
        return False

    @property
    def width(self) -> int:
        """The numbers of a vector."""
        assert self.vector is not None, "a model says how long its vectors are"
        return self.vector

    def for_model(self, model: Task) -> "SentenceEmbedding":
        """This task with the vectors of a model."""
        if not isinstance(model, SentenceEmbedding):
            return super().for_model(model)  # which refuses it
        if self.truncate_dim and model.vector and self.truncate_dim >= model.vector:
            raise InputError(
                f"truncate_dim: {self.truncate_dim}: the model's vectors have {model.vector} "
                "numbers in all; give fewer, or leave it out"
            )
        return replace(self, pooling=model.pooling, normalize=model.normalize, vector=model.vector)

    def text_columns(self, table: Table) -> tuple[str, ...]:
        """Both columns of a pair, or the one that there is."""
        return tuple(name for name in self.text if name in table.columns) or self.text

    def is_unlabeled(self, table: Table) -> bool:
        """Whether there are no scores: of single texts, or of pairs that nobody scored."""
        return len(self.text_columns(table)) == 1 or self.label not in table.columns

    def examples(self, table: Table, labeled: bool = True) -> Examples:
        """Pairs and their scores, (rows,) float32; without scores each text is a row."""
        columns = self.text_columns(table)
        if labeled and len(columns) == 2:
            labels = [number(table, self.label, row) for row in range(len(table))]
            return Examples(rows(table, columns), np.array(labels, np.float32), table.source)
        if labeled:
            raise InputError(
                f"{table.source}: scores are of pairs of texts, and it has no columns "
                f"{' and '.join(map(short, self.text))}"
            )
        return Examples(self.as_learned(rows(table, columns)), None, table.source)

    def as_learned(self, given: Sequence[Row]) -> list[Row]:
        """The texts of rows, one a row."""
        return [{KEYS[0]: text} for row in given for text in self.texts(row)]

    def learned(self, examples: Examples) -> Examples:
        """The texts alone: a vector is of one text."""
        return Examples(self.as_learned(examples.rows), None, examples.source)

    def texts(self, row: Row) -> list[Text]:
        """Each text of a pair alone."""
        return [row[key] for key in KEYS if key in row]

    def inputs(self, rows: Sequence[Row], encodings: "Sequence[Encoding]") -> Inputs:
        """One input a text."""
        counts = [len(self.texts(row)) for row in rows]
        pairs = any(count > 1 for count in counts)
        return Inputs(encodings, ends=np.cumsum(counts, dtype=np.int64) if pairs else None)

    def model_config(self) -> dict[str, Any]:
        """Outputs are numbers, as those of a regression; they have no names.

        The columns are those of texts that are compared, and not of one that is read in two parts:
        they have a key of their own.
        """
        found = super().model_config()
        found["tinybert"]["task"][_COLUMNS] = self.text
        return {"problem_type": "regression", **found}

    def decode(self, logits: NDArray[np.float32]) -> list[Prediction]:
        """The vector of each text."""
        return [{"embedding": vector} for vector in logits.tolist()]

    def predictions(self, rows: Sequence[Row], outputs: Outputs) -> list[Prediction]:
        """The vector of a text; of a pair the cosine of both."""
        return [
            {"embedding": outputs[at]["logits"][0].tolist()}
            if len(self.texts(row)) == 1
            else {"similarity": float(cosines(*outputs[at]["logits"][:, None])[0])}
            for at, row in enumerate(rows)
        ]

    def cells(self, prediction: Prediction, number: int) -> list[dict[str, Any]]:
        """The numbers of a vector in one cell, with blanks between."""
        return [
            {
                name: " ".join(f"{each:.6g}" for each in value)
                if isinstance(value, list)
                else value
                for name, value in prediction.items()
            }
        ]

    def answers(self, logits: NDArray[np.float32]) -> NDArray[Any]:
        """The vectors themselves."""
        return logits

    def agrees(self, logits: NDArray[np.float32], expected: NDArray[np.float32]) -> NDArray[Any]:
        """The cosine of both models' vectors, (texts,)."""
        return cosines(logits, expected)

    def as_teacher(self) -> "SentenceEmbedding":
        """This task with the metric of texts without scores.

        Raises:
            InputError: Vectors are to be cut: nothing says what cosines they should have then.
        """
        if self.truncate_dim:
            raise InputError(
                "truncate_dim: texts without scores are measured by whole vectors; measure "
                "on pairs with scores, or leave it out"
            )
        return replace(self, metrics=(COSINE,))

    def tally(self, outputs: Outputs, labels: NDArray[Any]) -> NDArray[Any]:
        """The cosine and the score of pairs; for texts that with the teacher's vector, and 1."""
        if labels.ndim == 2:
            alike = cosines(outputs.logits, labels)
            return np.stack([alike, np.ones_like(alike)], axis=1)
        vectors = self.cut(outputs.logits)
        return np.stack([cosines(vectors[::2], vectors[1::2]), labels], axis=1)

    def cut(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The numbers of vectors that count, (texts, numbers): cosines are of any length."""
        return vectors[:, : self.truncate_dim]

    def measure(self, metric: str, tally: NDArray[Any]) -> float:
        """The mean of cosines, or how scores go with them."""
        return float(tally[:, 0].mean()) if metric == COSINE else super().measure(metric, tally)

    def guesses(self, examples: Examples) -> Iterator[Outputs]:
        """Vectors that are all alike."""
        ends = np.cumsum([len(self.texts(row)) for row in examples.rows], dtype=np.int64)
        yield Outputs({"logits": np.ones((ends[-1], self.width), np.float32)}, ends)

    @classmethod
    def from_model_config(cls, config: Mapping[str, Any]) -> "SentenceEmbedding | None":
        """The task of a sentence encoder, as those of our classes are."""
        if not is_classifier_of(config, cls.kind, CLASS_END):
            return None
        pooling, normalize, vector = pooling_of(config)
        fields = saved_fields(config, ["label", "metrics", _COLUMNS])
        if _COLUMNS in fields:
            fields["text"] = fields.pop(_COLUMNS)
        return cls(**fields, pooling=pooling, normalize=normalize, vector=vector or None)


def cosines(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cosine of each vector with its counterpart, (texts,)."""
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return (one * other).sum(axis=-1) / np.maximum(lengths, 1e-12)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors of length 1, (texts, numbers); one of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
