"""Causal language models: the next token of a text, and so texts that go on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError, short
from tinybert.data.table import Table
from tinybert.families import find_family
from tinybert.tasks.config import is_classifier_of, saved_fields, saved_task
from tinybert.tasks.next_tokens import BEST, NEXT, next_token_inputs, next_token_scores
from tinybert.tasks.outputs import Arrays, Inputs, Outputs
from tinybert.tasks.rows import as_row
from tinybert.tasks.task import Examples, Prediction, Predictor, Row, Task, Text

if TYPE_CHECKING:
    from tokenizers import Encoding

CLASS_ENDS = ("LMHeadModel", "ForCausalLM")
"""How the classes of such models end, as "GPT2LMHeadModel"."""

_MOST = 700.0
"""exp of it is a float yet."""


def writes_texts(config: Mapping[str, Any]) -> bool:
    """Whether a config.json is that of a causal language model of a family that is known here.

    Example:
        >>> writes_texts({"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"})
        True
        >>> writes_texts({"architectures": ["BertLMHeadModel"], "model_type": "bert"})
        False
    """
    family = find_family(config.get("model_type"))
    if saved_task(config):
        return is_classifier_of(config, CausalLM.kind)
    heads = any(is_classifier_of(config, CausalLM.kind, end) for end in CLASS_ENDS)
    return heads and family is not None and family.causal


@dataclass(frozen=True, kw_only=True)
class CausalLM(Task):
    """Causal language modelling.

    Rows are texts, and a text is its own label. Texts longer than the model are windows that share
    `context` tokens, which the later of two only reads: each token of a text but the first is
    predicted once.

    Attributes:
        context: Tokens that a window reads before those that it predicts. With 1 windows don't
            overlap but for the token that the next one is predicted from; more of it gives each
            token more to go by, and takes longer.
        vocabulary: Entries that the model knows; None where no model is known yet.

    Raises:
        InputError: An option has an impossible value.

    Example:
        >>> rows = CausalLM().examples(Table({"text": ["a film"]}, "texts.txt"))
        >>> rows.texts, len(rows.labels)
        (['a film'], 1)
    """

    kind: ClassVar[str] = "causal-lm"
    head: ClassVar[str] = "AutoModelForCausalLM"
    options: ClassVar[tuple[str, ...]] = ("text", "metrics", "context")
    saved: ClassVar[tuple[str, ...]] = ("text", "metrics", "context")
    scored_by: ClassVar[tuple[str, ...]] = ("perplexity", "token_accuracy")
    reads: ClassVar[Literal["first", "last", "mean", "all"]] = "all"
    writes: ClassVar[bool] = True
    keeps_answers: ClassVar[bool] = False
    pipeline_tag: ClassVar[str] = "text-generation"

    text: tuple[str, ...] = ("text",)
    metrics: tuple[str, ...] = ("perplexity", "token_accuracy")
    context: int = 1
    vocabulary: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.text) != 1:
            raise InputError(f"text: expected one column, got {len(self.text)}")

    def option_fields(self, name: str, value: Any) -> dict[str, Any]:
        """`context` is a whole number."""
        if name == "context":
            if type(value) is not int or value < 1:
                raise InputError(f"task: context: expected a number of tokens, got {short(value)}")
            return {"context": value}
        return super().option_fields(name, value)

    def for_model(self, model: Task) -> "CausalLM":
        """This task with the vocabulary of a model."""
        super().for_model(model)
        assert isinstance(model, CausalLM)
        return replace(self, vocabulary=model.vocabulary)

    @property
    def label_columns(self) -> tuple[str, ...]:
        """None: the text says what comes next."""
        return ()

    def is_unlabeled(self, table: Table) -> bool:
        """Never: the text says what comes next."""
        return False

    def as_row(self, given: Text | Row | list[str]) -> Row:
        """The row of a text."""
        return as_row(given)  # what is no text is refused later, with its number

    def examples(self, table: Table, labeled: bool = True) -> Examples:
        """Texts; their labels are there, and say nothing: see `targets`."""
        rows = self.rows(table)
        labels = np.zeros(len(rows), object) if labeled else None
        return Examples(rows, labels, table.source)

    @property
    def width(self) -> int:
        """The model's logits of a token: one for each entry of its vocabulary."""
        assert self.vocabulary is not None, "a model says how many entries it knows"
        return self.vocabulary

    def overlap(self, max_length: int) -> int:
        """Tokens that windows share: `context`."""
        if self.context >= max_length - 1:
            raise InputError(
                f"task: context: windows of {max_length} tokens that share {self.context} have "
                "none, or hardly one, of their own; take fewer"
            )
        return self.context

    def inputs(self, rows: Sequence[Row], encodings: "Sequence[Encoding]") -> Inputs:
        """The windows of every row: see `next_token_inputs`."""
        return next_token_inputs(encodings, self.context)

    def reduced(self, arrays: Arrays, ids: NDArray[np.int64]) -> Arrays:
        """What is kept of a batch: see `next_token_scores`."""
        return next_token_scores(arrays["logits"], ids)

    def targets(self, inputs: Inputs, labels: NDArray[Any]) -> NDArray[np.int64]:
        """The next token at each position, (positions,)."""
        return inputs.beside[NEXT][:, 0]

    def decode(self, logits: NDArray[np.float32]) -> NoReturn:
        """Never: see `predict`."""
        raise self._of_tokens()

    def answers(self, logits: NDArray[np.float32]) -> NoReturn:
        """Never: see `agreement`."""
        raise self._of_tokens()

    def _of_tokens(self) -> InputError:
        return InputError(f"{self.kind}: a text goes on token by token; ask the model itself")

    def predict(self, model: Predictor, rows: Sequence[Row], batch_size: int) -> list[Prediction]:
        """How each text goes on."""
        return [{"text": text} for text in model.write([row["text"] for row in rows])]

    def agreement(self, outputs: Outputs, expected: Outputs) -> NDArray[np.int64]:
        """At how many positions both models find the same token the likeliest, and of how many."""
        same = (outputs.arrays[BEST] == expected.arrays[BEST])[:, 0].astype(np.int64)
        return np.stack([outputs.row_sums(each) for each in (same, np.ones_like(same))], axis=1)

    def compared(self, outputs: Outputs) -> NDArray[np.float32]:
        """The log-probabilities of the next token and of all others together, (positions, 2).

        How far two models are apart by these is no more than they are by the whole vocabulary.
        """
        right = outputs.logits[:, 0].astype(np.float64)
        others = np.log(-np.expm1(np.minimum(right, -1e-9)))
        return np.stack([right, others], axis=1).astype(np.float32)

    def tally(self, outputs: Outputs, labels: NDArray[Any]) -> NDArray[np.float64]:
        """The sum of log-probabilities, the right tokens and all tokens of each row, (rows, 3)."""
        right = (outputs.arrays[BEST] == outputs.arrays[NEXT])[:, 0]
        each = outputs.logits[:, 0].astype(np.float64), right, np.ones(len(right))
        found = np.stack([outputs.row_sums(values) for values in each], axis=1)
        if not found[:, 2].any():
            raise InputError(
                f"{self.kind}: no text has two tokens, so that there is none to predict"
            )
        return found

    def measure(self, metric: str, tally: NDArray[Any]) -> float:
        """Perplexity, exp of the mean negative log-likelihood, or the share of right tokens.

        Rows that are drawn anew may have no token; they tell nothing, as chance would.
        """
        likelihood, right, tokens = tally.sum(axis=0)
        if metric == "token_accuracy":
            return float(right / max(tokens, 1))
        return float(np.exp(min(-likelihood / max(tokens, 1), _MOST)))

    def guesses(self, examples: Examples) -> Iterator[Outputs]:
        """All tokens alike, whatever comes before."""
        logits = np.full((len(examples), 2), -np.log(self.width), np.float32)
        tokens = np.zeros((len(examples), 1), np.int64)
        ends = np.arange(1, 1 + len(examples))
        yield Outputs({"logits": logits, BEST: tokens - 1, NEXT: tokens}, ends)

    def cells(self, prediction: Prediction, number: int) -> list[dict[str, Any]]:
        """The number of the row, and how it goes on."""
        return [{"row": number, **prediction}]

    def line(self, prediction: Prediction) -> str:
        """How the text goes on, in one line."""
        return " ".join(str(prediction["text"]).split())

    @classmethod
    def from_model_config(cls, config: Mapping[str, Any]) -> "CausalLM | None":
        """The task of a causal language model, ours or another's."""
        if not writes_texts(config):
            return None
        context = saved_task(config).get("context", 1)
        if type(context) is not int or context < 1:
            raise InputError(
                f"config.json: tinybert.task is broken: {short(dict(saved_task(config)))}"
            )
        fields = saved_fields(config, ["text", "metrics"])
        return cls(**fields, context=context, vocabulary=config.get("vocab_size"))
