"""A label for every word of a text: named entities, parts of speech."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError, short
from tinybert.data.layout import CONLL_LAYOUT, Layout
from tinybert.data.table import Table
from tinybert.tasks.config import config_labels, is_classifier_of, saved_fields
from tinybert.tasks.entity_metrics import ENTITY_METRICS, count, entity_metric
from tinybert.tasks.labels import UnnamedOutputs, say_nothing, some_names
from tinybert.tasks.outputs import Inputs, Outputs
from tinybert.tasks.rows import row_text
from tinybert.tasks.spans import (
    OUTSIDE,
    SCHEMES,
    Scheme,
    Span,
    Tag,
    find_scheme,
    group,
    group_strictly,
    split_tag,
    tags_of_types,
    write_tags,
)
from tinybert.tasks.task import Examples, Prediction, Row, Task
from tinybert.tasks.token_columns import entity_columns, moved_entities, read_entities, read_rows
from tinybert.tasks.word_inputs import (
    require_entities,
    touched_words,
    word_bounds,
    word_inputs,
)

if TYPE_CHECKING:
    from tokenizers import Encoding

_SURE = 20.0
"""The logit of `OUTSIDE` for a word of which the tokenizer makes nothing."""


@dataclass(frozen=True, kw_only=True)
class TokenClassification(Task):
    """Token classification: entities, each of one word or several.

    Rows are words with their tags, or texts with their entities. Either way labels are entities,
    by where they stand in the text: how the data write them and how a model does may differ. A
    word is answered at its first piece. Rows longer than the model are windows that share a
    quarter of their tokens, and each word is answered by the window that shows most around it.

    Attributes:
        labels: The names of the tags, in the order of the model's outputs; empty until `fit` has
            found them in the training rows.
        scheme: How the data's tags are written, one of `SCHEMES`; "" where it is to be found out.
        columns: Those of a CoNLL file that hold the word and its tag, from 1; -1 is the last.
        numbered: The names that 0, 1, ... in the data stand for; empty where nothing says.
        ordered: Whether the order of `labels` was given.

    Example:
        >>> table = Table({"tokens": [["EU", "rejects"]], "tags": [["B-ORG", "O"]]}, "train.txt")
        >>> task = TokenClassification().fit(table)
        >>> task.labels, task.examples(table).labels.tolist()
        (('O', 'B-ORG', 'I-ORG'), [[Span(start=0, end=2, type='ORG')]])
    """

    kind: ClassVar[str] = "token-classification"
    head: ClassVar[str] = "AutoModelForTokenClassification"
    options: ClassVar[tuple[str, ...]] = (*Task.options, "labels", "scheme", "columns")
    scored_by: ClassVar[tuple[str, ...]] = tuple(ENTITY_METRICS)
    reads: ClassVar[Literal["first", "last", "all"]] = "all"
    learns_from_texts: ClassVar[bool] = False
    words_may_change: ClassVar[bool] = True
    weighs_labels: ClassVar[bool] = True
    pipeline_tag: ClassVar[str] = "token-classification"

    text: tuple[str, ...] = ("tokens",)
    label: str = "tags"
    metrics: tuple[str, ...] = ("f1", "precision", "recall", "strict_f1", "token_accuracy")
    labels: tuple[str, ...] = ()
    scheme: str = ""
    columns: tuple[str, ...] = ("1", "-1")
    layout: Layout = CONLL_LAYOUT
    numbered: tuple[str, ...] = field(default=(), compare=False)
    ordered: bool = field(default=True, compare=False)  # where they are from, not what they are

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.text) != 1:
            raise InputError(f"text: expected one column, got {len(self.text)}")
        if len(set(self.labels)) != len(self.labels) or len(self.labels) == 1:
            raise InputError(
                f"labels: expected two different names or more, got {some_names(self.labels)}"
            )
        if self.scheme not in ("", *SCHEMES):
            raise InputError(f"scheme: no scheme {short(self.scheme)}; known: {', '.join(SCHEMES)}")
        if len(self.columns) != 2 or not all(re.fullmatch(r"-?[1-9]\d?", n) for n in self.columns):
            raise InputError(
                "columns: expected two numbers, that of the words and that of the tags, from 1; "
                "-1 is the last"
            )
        word, tag = (number - (number > 0) for number in map(int, self.columns))
        object.__setattr__(self, "layout", replace(self.layout, conll=(word, tag)))

    @property
    def tagging(self) -> Scheme:
        """The scheme of the model's own labels.

        Of B and I alone it is IOB1 where a type has an I and no B, and else taken to be BIO.
        """
        scheme = find_scheme([[label] for label in self.labels])
        if scheme not in ("bio", "iob1"):
            return scheme
        tags = [split_tag(label, "iob1") for label in self.labels]
        begun = {tag.type for tag in tags if tag.prefix == "B"}
        return "iob1" if {tag.type for tag in tags if tag.prefix == "I"} - begun else "bio"

    @property
    def types(self) -> tuple[str, ...]:
        """The types of entities that the labels name, in their order."""
        return tuple(dict.fromkeys(tag.type for tag in self._tags if tag.type))

    @property
    def _tags(self) -> list[Tag]:
        self._check_fitted()
        return [split_tag(label, self.tagging) for label in self.labels]

    def _check_fitted(self) -> None:
        if not self.labels:
            raise ValueError("this task has no labels yet: call fit with the training rows first")

    def fit(self, table: Table) -> "TokenClassification":
        """This task with tags for the entities of these rows, unless it has labels already."""
        if self.labels:
            self._check_labels()
            return self
        found, scheme = self._read(table)
        types = sorted({span.type for spans in found for span in spans})
        if not types:
            raise InputError(f"{table.source}: no row has an entity; expected some to learn from")
        tags = tags_of_types(types, "bio" if scheme == "iob1" else scheme)
        return replace(self, labels=tags, ordered=False)

    def _check_labels(self) -> None:
        try:
            _ = self.types
        except ValueError as error:
            raise InputError(f"labels: {error}") from None

    def for_model(self, model: Task) -> "TokenClassification":
        """This task with the labels of a model, which must know its types of entities."""
        super().for_model(model)
        assert isinstance(model, TokenClassification)
        if not self.labels:
            return replace(self, labels=model.labels, ordered=False)
        if say_nothing(model.labels):
            if self.ordered and len(self.labels) == len(model.labels):
                return self
            raise UnnamedOutputs(
                f"the model's outputs have no names ({some_names(model.labels)}), so nothing says "
                f"which of them is which of the task's labels ({some_names(self.labels)}); if you "
                "know the order, name them by `labels` of the task"
            )
        model._check_labels()
        known = {name.lower() for name in model.types}
        if unknown := [name for name in self.types if name.lower() not in known]:
            raise InputError(
                f"the model's labels ({some_names(model.labels)}) are not the task's: they have no "
                f"{some_names(unknown)}"
            )
        numbered = self.numbered or (self.labels if self.ordered else ())
        return replace(self, labels=model.labels, numbered=numbered)

    def is_unlabeled(self, table: Table) -> bool:
        """Never: the answers of a teacher are of its word pieces, and entities are of words."""
        return False

    def text_columns(self, table: Table) -> tuple[str, ...]:
        """The column of words or texts; the usual names where nothing else was asked for."""
        return entity_columns(table, self.text[0], self.label)[:1]

    def rows(self, table: Table) -> Sequence[Row]:
        """Words where cells are lists, else texts."""
        return read_rows(table, *self.text_columns(table))

    def _read(self, table: Table) -> tuple[list[list[Span]], Scheme]:
        text, label = entity_columns(table, self.text[0], self.label)
        names = self.numbered or (self.labels if self.ordered else ())
        return read_entities(table, text, label, cast(Scheme, self.scheme) or None, names)

    def examples(self, table: Table, labeled: bool = True) -> Examples:
        """Rows, and the entities of each, (rows,) of lists of `Span`s of characters."""
        rows = self.rows(table)
        if self.columns != type(self).columns and table.unit != "line":
            raise InputError(
                f"{table.source}: `columns` is for files of a word a line; leave it out"
            )
        if self.scheme and rows and "text" in rows[0] and labeled:
            raise InputError(
                f"{table.source}: `scheme` is for tags, not for entities; leave it out"
            )
        if not labeled:
            return Examples(rows, None, table.source)
        self._check_fitted()
        known = {name: name for name in self.types}
        known = {name.lower(): name for name in known} | known
        found, _ = self._read(table)
        labels = np.empty(len(found), object)
        if OUTSIDE not in self.labels:
            require_entities(table, rows, found, self.labels)
        for row, spans in enumerate(found):
            for span in spans:
                if known.get(span.type, known.get(span.type.lower())) is None:
                    kind = UnnamedOutputs if say_nothing(self.labels) else InputError
                    raise kind(
                        f"{table.where(row)}: unknown label {short(span.type)}; "
                        f"known: {some_names(self.types)}"
                    )
            labels[row] = [
                span._replace(type=known.get(span.type, known.get(span.type.lower(), "")))
                for span in spans
            ]
        return Examples(rows, labels, table.source)

    def label_counts(self, labels: NDArray[Any]) -> dict[str, int]:
        """The entities of each type."""
        found = Counter(span.type for spans in labels for span in spans)
        return {name: found[name] for name in self.types}

    def answered(self, row: Row, label: Sequence[Span]) -> list[tuple[int, int]]:
        """The entities; no word where each is in one, as parts of speech are."""
        touched = touched_words(word_bounds(row), label)
        every_word = sum(span.end - span.start for span in touched) == len(word_bounds(row))
        return [] if "words" in row and every_word else [(span.start, span.end) for span in label]

    def moved(self, cells: dict[str, Any], place: Callable[[int], int]) -> dict[str, Any]:
        """Entities where their text stands now; tags as they were."""
        columns = Table({name: [] for name in cells}, "a row")
        _, label = entity_columns(columns, self.text[0], self.label)
        return {**cells, label: moved_entities(cells[label], place)} if label in cells else cells

    def overlap(self, max_length: int) -> int | None:
        """A quarter of what the model takes."""
        return max(0, max_length - 4) // 4

    def inputs(self, rows: Sequence[Row], encodings: "Sequence[Encoding]") -> Inputs:
        """The windows of every row, and the words that each of them answers."""
        unread = np.array([_SURE * (label == OUTSIDE) for label in self.labels], np.float32)
        return word_inputs(rows, encodings, {"logits": unread})

    def targets(self, inputs: Inputs, labels: NDArray[Any]) -> NDArray[np.int64]:
        """The output of each word, (positions,)."""
        assert inputs.ends is not None, "as `inputs` makes them"
        return self._targets(inputs.beside["spans"], inputs.ends, labels)

    def _targets(
        self, spans: NDArray[Any], ends: NDArray[np.int64], labels: NDArray[Any]
    ) -> NDArray[np.int64]:
        ids = {tag: number for number, tag in enumerate(self._tags)}
        by_type = {tag.type: number for tag, number in reversed(ids.items())}
        found = np.empty(len(spans), np.int64)
        start = 0
        for end, entities in zip(ends.tolist(), labels, strict=True):
            words = [(low, high) for low, high in spans[start:end].tolist()]
            tags = write_tags(len(words), touched_words(words, entities), self.tagging)
            # A model may know no B, or no "O": the nearest that it has.
            found[start:end] = [ids.get(tag, by_type.get(tag.type, 0)) for tag in tags]
            start = end
        return found

    def answers(self, logits: NDArray[np.float32]) -> NDArray[np.int64]:
        """The tag with the highest logit, (positions,)."""
        return logits.argmax(axis=1)

    def decode(self, logits: NDArray[np.float32]) -> list[Prediction]:
        """The tag of each word with its probability: see `predictions` for entities."""
        best, scores = self._best(logits)
        pairs = zip(best.tolist(), scores.tolist(), strict=True)
        return [{"label": self.labels[tag], "score": score} for tag, score in pairs]

    def _best(self, logits: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        powers = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64)
        return self.answers(logits), powers.max(axis=1) / powers.sum(axis=1)

    def predictions(self, rows: Sequence[Row], outputs: Outputs) -> list[Prediction]:
        """The entities of each row, with where they stand in its text.

        Of words, that is the text that blanks join them to. A score is the mean of the words'.
        """
        best, scores = self._best(outputs.logits)
        tags, spans = self._tags, outputs.arrays["spans"].tolist()
        found: list[Prediction] = []
        for row, (start, end) in zip(rows, outputs.bounds.tolist(), strict=True):
            text = str(row_text(row))
            entities = []
            for first, last, name in group([tags[tag] for tag in best[start:end]]):
                low, high = spans[start + first][0], spans[start + last - 1][1]
                score = float(scores[start + first : start + last].mean())
                place = {"start": low, "end": high, "text": text[low:high]}
                entities.append({"label": name, **place, "score": score})
            found.append({"entities": entities})
        return found

    def cells(self, prediction: Prediction, number: int) -> list[dict[str, Any]]:
        """A row an entity, with the number of its text."""
        return [{"row": number, **entity} for entity in prediction["entities"]]

    def line(self, prediction: Prediction) -> str:
        """The entities, each with its label and score; "-" where there are none."""
        found = [
            f"{' '.join(entity['text'].split())} [{entity['label']} {entity['score']:.4f}]"
            for entity in prediction["entities"]
        ]
        return "\t".join(found) or "-"

    def tally(self, outputs: Outputs, labels: NDArray[Any]) -> NDArray[Any]:
        """The counts of each row, (rows, counts): see `entity_metrics`."""
        tags, scheme = self._tags, self.tagging
        spans, bounds = outputs.arrays["spans"], outputs.bounds
        wanted = self._targets(spans, bounds[:, 1], labels)
        best = self.answers(outputs.logits)
        right = outputs.row_sums(best == wanted).tolist()
        counts = []
        for row, (start, end) in enumerate(bounds.tolist()):
            words = spans[start:end].tolist()
            said = [tags[tag] for tag in best[start:end]]
            found, strict = (
                [Span(words[first][0], words[last - 1][1], name) for first, last, name in each]
                for each in (group(said), group_strictly(said, scheme))
            )
            counts.append(count(found, strict, labels[row], right[row], end - start))
        return np.array(counts, np.int64)

    def measure(self, metric: str, tally: NDArray[Any]) -> float:
        """A metric of the counts of some rows."""
        return entity_metric(metric, tally)

    def guesses(self, examples: Examples) -> Iterator[Outputs]:
        """Every word with the same tag."""
        words = [word_bounds(row) for row in examples.rows]
        spans = np.array([span for row in words for span in row], np.int64).reshape(-1, 2)
        ends = np.cumsum([len(row) for row in words])
        for logits in np.eye(len(self.labels), dtype=np.float32):
            yield Outputs({"logits": np.tile(logits, (len(spans), 1)), "spans": spans}, ends)

    def model_config(self) -> dict[str, Any]:
        """Label names by output and back."""
        self._check_fitted()
        return {
            "id2label": dict(enumerate(self.labels)),
            "label2id": {name: index for index, name in enumerate(self.labels)},
            "problem_type": None,
            **super().model_config(),
        }

    @classmethod
    def from_model_config(cls, config: Mapping[str, Any]) -> "TokenClassification | None":
        """The task of a token classifier with two outputs or more."""
        if not is_classifier_of(config, cls.kind, "ForTokenClassification"):
            return None
        labels = config_labels(config)
        return cls(labels=labels, **saved_fields(config, cls.saved)) if len(labels) > 1 else None
