"""Extractive question answering: which part of a context answers a question, if one does."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError, short
from tinybert.data.layout import SQUAD_LAYOUT, Layout
from tinybert.data.table import Table
from tinybert.tasks.answer_metrics import answer_scores
from tinybert.tasks.answer_rows import Answers, has_answer, read_answers
from tinybert.tasks.answer_spans import NO_PLACE, SPANS, Found, best_spans, log_probabilities
from tinybert.tasks.config import is_classifier_of, saved_fields, saved_task
from tinybert.tasks.outputs import Arrays, Inputs, Outputs, logits_of
from tinybert.tasks.question_inputs import answer_targets, question_inputs
from tinybert.tasks.rows import as_row
from tinybert.tasks.task import Examples, Prediction, Row, Task, Text

if TYPE_CHECKING:
    from tokenizers import Encoding

logger = logging.getLogger(__name__)

CLASS_END = "ForQuestionAnswering"
"""How the classes of such models end, as "BertForQuestionAnswering"."""

_METRICS = ("f1", "exact_match")
_OUTPUTS = ("start", "end")
_SAVED = ("threshold", "chosen", "may_be_none", "longest_answer")


@dataclass(frozen=True, kw_only=True)
class QuestionAnswering(Task):
    """Extractive question answering, as SQuAD 1.1 and 2.0 have it.

    Rows are questions with contexts. Contexts longer than the model are windows that share a third
    of their tokens, each behind the whole question, and the answer is the best span of all of them.

    Attributes:
        longest_answer: The most tokens of an answer.
        threshold: By how much the score of no answer (the logits of start and end at the first
            token) must be above that of the best span for there to be none; None where it is
            chosen on training rows, so that the first metric is highest, if some of them have no
            answer, and where there is always one if none of them lacks it.
        chosen: The threshold that was chosen for one model; None until then.
        may_be_none: Whether rows of the training data have no answer, which `fit` finds out.

    Raises:
        InputError: An option has an impossible value.

    Example:
        >>> cells = {"question": ["Where?"], "context": ["In Rome."],
        ...          "answers": [{"text": ["Rome"], "answer_start": [3]}]}
        >>> table = Table(cells, "train.jsonl")
        >>> task = QuestionAnswering().fit(table)
        >>> task.may_be_none, task.examples(table).labels[0].texts
        (False, ('Rome',))
    """

    kind: ClassVar[str] = "question-answering"
    head: ClassVar[str] = f"AutoModel{CLASS_END}"
    options: ClassVar[tuple[str, ...]] = (*Task.options, "threshold", "longest_answer")
    scored_by: ClassVar[tuple[str, ...]] = _METRICS
    reads: ClassVar[Literal["first", "last", "mean", "all"]] = "all"
    learns_from_texts: ClassVar[bool] = False
    pipeline_tag: ClassVar[str] = "question-answering"

    text: tuple[str, ...] = ("question", "context")
    label: str = "answers"
    metrics: tuple[str, ...] = _METRICS
    layout: Layout = SQUAD_LAYOUT
    longest_answer: int = 30
    threshold: float | None = None
    chosen: float | None = None
    may_be_none: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.text) != 2:
            raise InputError(
                "text: expected two columns, those of questions and of contexts, got "
                f"{short(self.text[0])}"
            )

    def option_fields(self, name: str, value: Any) -> dict[str, Any]:
        """`threshold` is a number, and `longest_answer` a whole one."""
        if name == "threshold":
            if type(value) not in (int, float) or not np.isfinite(value):
                raise InputError(
                    f"task: threshold: expected a number, got {short(value)}; leave it out and it "
                    "is chosen on training rows"
                )
            return {"threshold": float(value), "chosen": None}
        if name == "longest_answer":
            if type(value) is not int or value < 1:
                raise InputError(
                    f"task: longest_answer: expected a number of tokens, got {short(value)}"
                )
            return {"longest_answer": value}
        return super().option_fields(name, value)

    def fit(self, table: Table) -> "QuestionAnswering":
        """This task with whether some of these rows have no answer."""
        has = [has_answer(table, self.label, row) for row in range(len(table))]
        if not any(has):
            raise InputError(
                f"{table.source}: no row has an answer in {short(self.label)}; expected some to "
                "learn from"
            )
        return replace(self, may_be_none=self.may_be_none or not all(has))

    def for_model(self, model: Task) -> "QuestionAnswering":
        """This task with a model's threshold, where this one leaves it open."""
        super().for_model(model)
        assert isinstance(model, QuestionAnswering)
        if self.threshold is not None:
            return self
        may_be_none = self.may_be_none or model.may_be_none
        threshold = None if self.may_be_none else model.threshold
        return replace(self, may_be_none=may_be_none, threshold=threshold, chosen=model.chosen)

    def is_unlabeled(self, table: Table) -> bool:
        """Never: a teacher's answers are of its windows, and those of rows are texts."""
        return False

    def together(self, table: Table) -> tuple[str, ...]:
        """The context, which many questions may share."""
        return self.text[1:]

    def as_row(self, given: Text | Row | list[str]) -> Row:
        """The row of {"question", "context"}, or of a pair of both.

        Example:
            >>> QuestionAnswering().as_row({"question": "Where?", "context": "In Rome."})
            {'text': 'Where?', 'pair': 'In Rome.'}
        """
        if isinstance(given, Mapping) and "text" not in given:
            lacking = [key for key in ("question", "context") if key not in given]
            if lacking:
                raise InputError(
                    f'expected {{"question": "...", "context": "..."}}, got {short(dict(given))}'
                )
            return {"text": given["question"], "pair": given["context"]}
        return as_row(given)  # what is no row is refused later, with its number

    def rows(self, table: Table) -> Sequence[Row]:
        """Questions with their contexts."""
        rows = super().rows(table)
        for number, row in enumerate(rows):
            for name, text in zip(self.text, row.values(), strict=True):
                if "\0" in text:
                    raise InputError(
                        f"{table.where(number)}: {short(name)} has a NUL character, which most "
                        "tokenizers drop"
                    )
        return rows

    def examples(self, table: Table, labeled: bool = True) -> Examples:
        """Rows, and the `Answers` of each, (rows,) of objects."""
        rows = self.rows(table)
        if not labeled:
            return Examples(rows, None, table.source)
        labels = np.empty(len(rows), object)
        for number, row in enumerate(rows):
            labels[number] = read_answers(table, self.label, number, row["pair"])
        silent = sum(not each.texts for each in labels)
        if silent and not np.isfinite(self.cutoff):
            logger.warning(
                "%s: %d of %d rows have no answer, and a model that learned from none such always "
                "gives one, which is wrong; learn from such rows, or set the task's `threshold`",
                *(table.source, silent, len(labels)),
            )
        return Examples(rows, labels, table.source)

    def label_counts(self, labels: NDArray[Any]) -> dict[str, int]:
        """The questions that have an answer, and those that have none."""
        silent = sum(not each.texts for each in labels)
        return {"an answer": len(labels) - silent, "no answer": silent}

    @property
    def width(self) -> int:
        """The logits of a token: that of a start and that of an end."""
        return len(_OUTPUTS)

    def overlap(self, max_length: int) -> int:
        """A third of what the model takes, as BERT's 128 of 384."""
        return max_length // 3

    def inputs(self, rows: Sequence[Row], encodings: "Sequence[Encoding]") -> Inputs:
        """The windows of every row: see `question_inputs`."""
        return question_inputs(rows, encodings)

    def logits(self, arrays: Arrays) -> NDArray[np.float32]:
        """The logits of starts and of ends side by side; stock graphs have an output for each."""
        return logits_of(arrays)

    def targets(self, inputs: Inputs, labels: NDArray[Any]) -> NDArray[np.int64]:
        """What the head should say of each token, (positions,)."""
        targets, hidden = answer_targets(inputs, labels)
        if hidden:
            logger.warning(
                "%d of %d answers are longer than what neighbouring windows share, and no window "
                "shows them whole: nothing is learned from them but that there is no answer; a "
                "larger data.max_length shows more",
                *(hidden, len(labels)),
            )
        return targets

    @property
    def cutoff(self) -> float:
        """What no answer must be above the best span by; infinity where there is always one."""
        if self.threshold is not None:
            return self.threshold
        if self.chosen is not None:
            return self.chosen
        return 0.0 if self.may_be_none else np.inf

    def must_read_labels(self, table: Table) -> bool:
        """Where there are answers: they tell whether a row may have none."""
        return self.calibrates or self.label in table.columns

    @property
    def calibrates(self) -> bool:
        """Whether a threshold is chosen on training rows."""
        return self.may_be_none and self.threshold is None

    def calibrate(self, outputs: Outputs, labels: NDArray[Any]) -> "QuestionAnswering":
        """This task with the threshold of the highest metric."""
        if not self.calibrates or not len(labels):
            return self
        found = best_spans(outputs, self.longest_answer)
        metric = _METRICS.index(self.metric)
        answered = [
            answer_scores(text, right.texts, True)[metric]
            for text, right in zip(_texts(found, labels), labels, strict=True)
        ]
        silent = [float(not right.texts) for right in labels]
        above = found.none - found.score
        order = np.argsort(above, kind="stable")
        # With the cut behind the first n rows, they are answered, and all others are not.
        gains = np.array(answered)[order] - np.array(silent)[order]
        values = np.concatenate([[0.0], gains.cumsum()])
        ordered = np.clip(above[order], -1e6, 1e6)
        ends = np.concatenate([[ordered[0] - 1], ordered, [ordered[-1] + 1]])
        possible = ends[:-1] < ends[1:]  # rows alike in this are treated alike
        cut = int(np.where(possible, values, -np.inf).argmax())
        return replace(self, chosen=float((ends[cut] + ends[cut + 1]) / 2))

    def calibrated_as(self, model: Task) -> "QuestionAnswering":
        """This task with a model's threshold, where that is to be chosen."""
        if not isinstance(model, QuestionAnswering) or not self.calibrates:
            return self
        return replace(self, chosen=model.chosen) if model.chosen is not None else self

    def model_config(self) -> dict[str, Any]:
        """Two outputs, and what stock Transformers has no key for."""
        config = super().model_config()
        config["tinybert"]["task"] |= {name: getattr(self, name) for name in _SAVED}
        return {
            "id2label": dict(enumerate(_OUTPUTS)),
            "label2id": {name: output for output, name in enumerate(_OUTPUTS)},
            "problem_type": None,
            **config,
        }

    def decode(self, logits: NDArray[np.float32]) -> NoReturn:
        """Never: see `predictions`."""
        raise self._of_rows()

    def answers(self, logits: NDArray[np.float32]) -> NoReturn:
        """Never: a token by itself answers nothing."""
        raise self._of_rows()

    def _of_rows(self) -> InputError:
        return InputError(
            f"{self.kind}: rows without {short(self.label)} can be learned from, but models can't "
            "be compared on them; give rows that have it"
        )

    def predictions(self, rows: Sequence[Row], outputs: Outputs) -> list[Prediction]:
        """The answer of each row with where it stands in the context; "" for none.

        A score is exp of the span's logits, divided by the sum of that over all spans of all
        windows, and over no answer where there may be none.
        """
        found = best_spans(outputs, self.longest_answer)
        total = found.total
        if np.isfinite(self.cutoff):
            total = np.logaddexp(total, found.none)
        predictions: list[Prediction] = []
        for row, given in enumerate(rows):
            start, end = found.bounds[row].tolist()
            score = found.score[row]
            if self._is_none(found)[row]:
                start = end = 0
                score = found.none[row]
            share = float(np.exp(score - total[row])) if np.isfinite(total[row]) else 0.0
            place = {"answer": given["pair"][start:end], "start": start, "end": end}
            predictions.append({**place, "score": share})
        return predictions

    def _is_none(self, found: Found) -> NDArray[np.bool_]:
        """Which rows have no answer, (rows,)."""
        if not np.isfinite(self.cutoff):
            return ~np.isfinite(found.score)
        return found.none - found.score > self.cutoff

    def _bounds(self, outputs: Outputs) -> NDArray[np.int64]:
        """Where the answers stand, (rows, 2); (0, 0) for none."""
        found = best_spans(outputs, self.longest_answer)
        return np.where(self._is_none(found)[:, None], 0, found.bounds)

    def cells(self, prediction: Prediction, number: int) -> list[dict[str, Any]]:
        """The number of the row, its answer and where that stands."""
        return [{"row": number, **prediction}]

    def line(self, prediction: Prediction) -> str:
        """The answer and its score; "-" for none."""
        return f"{' '.join(prediction['answer'].split()) or '-'}\t{prediction['score']:.4f}"

    def agreement(self, outputs: Outputs, expected: Outputs) -> NDArray[np.int64]:
        """Whether both models give a row the same answer, and 1, (rows, 2)."""
        same = (self._bounds(outputs) == self._bounds(expected)).all(axis=1)
        return np.stack([same, np.ones_like(same)], axis=1).astype(np.int64)

    def compared(self, outputs: Outputs) -> NDArray[np.float32]:
        """Log-probabilities over each window."""
        return log_probabilities(outputs)

    def tally(self, outputs: Outputs, labels: NDArray[Any]) -> NDArray[np.float64]:
        """F1 and exact match of each row, (rows, 2)."""
        may_be_none = bool(np.isfinite(self.cutoff))
        scores = [
            answer_scores(right.context[start:end], right.texts, may_be_none)
            for (start, end), right in zip(self._bounds(outputs).tolist(), labels, strict=True)
        ]
        return np.array(scores, np.float64).reshape(-1, 2)

    def measure(self, metric: str, tally: NDArray[Any]) -> float:
        """The mean over rows."""
        return float(tally[:, _METRICS.index(metric)].mean())

    def guesses(self, examples: Examples) -> Iterator[Outputs]:
        """The whole context, and, where there may be none, no answer."""
        spans = [each for row in examples.rows for each in (NO_PLACE, (0, len(row["pair"])))]
        ends = 2 * np.arange(1, 1 + len(examples))
        for none in (0.0, 1e4) if np.isfinite(self.cutoff) else (0.0,):
            logits = np.tile(np.array([[none], [1.0]], np.float32), (len(examples), 2))
            yield Outputs({"logits": logits, SPANS: np.array(spans, np.int64)}, ends)

    @classmethod
    def from_model_config(cls, config: Mapping[str, Any]) -> "QuestionAnswering | None":
        """The task of a model with such a head, ours or another's."""
        if not is_classifier_of(config, cls.kind, CLASS_END):
            return None
        saved = saved_task(config)
        fields = {name: saved[name] for name in _SAVED if saved.get(name) is not None}
        numbers = [fields[name] for name in ("threshold", "chosen") if name in fields]
        longest = fields.get("longest_answer", 1)
        if (
            not all(type(each) in (int, float) and np.isfinite(each) for each in numbers)
            or type(fields.get("may_be_none", False)) is not bool
            or not (type(longest) is int and longest > 0)
        ):
            raise InputError(f"config.json: tinybert.task is broken: {short(dict(saved))}")
        return cls(**saved_fields(config, cls.saved), **fields)


def _texts(found: Found, labels: NDArray[Any]) -> Iterator[str]:
    """The best span of each row as text."""
    right: Answers
    for (start, end), right in zip(found.bounds.tolist(), labels, strict=True):
        yield right.context[start:end]
