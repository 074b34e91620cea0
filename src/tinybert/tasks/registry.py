"""Every task, by name, and from a model's config.json."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tinybert.base.errors import InputError, cut, short
from tinybert.tasks.causal_lm import CausalLM
from tinybert.tasks.glue import GLUE
from tinybert.tasks.multi_label_classification import MultiLabelClassification
from tinybert.tasks.question_answering import QuestionAnswering
from tinybert.tasks.retrieval import Retrieval
from tinybert.tasks.sentence_embedding import SentenceEmbedding
from tinybert.tasks.task import Task
from tinybert.tasks.text_classification import TextClassification
from tinybert.tasks.text_regression import TextRegression
from tinybert.tasks.token_classification import TokenClassification

KINDS: dict[str, type[Task]] = {
    TextClassification.kind: TextClassification,
    TextRegression.kind: TextRegression,
    TokenClassification.kind: TokenClassification,
    MultiLabelClassification.kind: MultiLabelClassification,
    SentenceEmbedding.kind: SentenceEmbedding,
    Retrieval.kind: Retrieval,
    QuestionAnswering.kind: QuestionAnswering,
    CausalLM.kind: CausalLM,
}
"""Every kind of task: a new one is a file and a line here."""


def get_task(spec: str | Mapping[str, Any], model: Task | None = None) -> Task:
    """The task that a recipe or a command line names.

    Args:
        spec: A kind ("text-classification"), a data set that we know ("glue/sst-2"), or either
            as "kind" in a mapping with options, see the `options` of each kind.
        model: The task of the model that it is for. Its outputs fix the order of the labels,
            and where `spec` is a kind, not a data set, what `spec` leaves open is as there.

    Raises:
        InputError: There is no such task or option, or the model is for something else.

    Example:
        >>> get_task("glue/mrpc").metrics
        ('f1', 'accuracy')
        >>> get_task({"kind": "text-regression", "text": ["a", "b"]}).text
        ('a', 'b')
    """
    given = {"kind": spec} if isinstance(spec, str) else dict(spec)
    kind = given.pop("kind", None)
    if isinstance(kind, str) and kind in GLUE:
        task = GLUE[kind]
    elif isinstance(kind, str) and kind in KINDS:
        task = model if model is not None and model.kind == kind else KINDS[kind]()
    else:
        raise InputError(f"task: unknown kind {short(kind)}; known: {', '.join([*KINDS, *GLUE])}")

    options: dict[str, Any] = {}
    for name, value in given.items():
        if name not in task.options:
            raise InputError(
                f"task: {task.kind} has no option {short(name)}; it has: {', '.join(task.options)}"
            )
        options |= task.option_fields(name, value)
    try:
        task = replace(task, **options)
        return task if model is None else task.for_model(model)
    except InputError as error:
        raise InputError(f"task: {error}") from None


def task_from_config(config: Mapping[str, Any]) -> Task:
    """The task that a model's config.json describes, ours or another's.

    Raises:
        InputError: It describes none that we know.

    Example:
        >>> config = {"architectures": ["BertForSequenceClassification"],
        ...           "id2label": {"0": "bad", "1": "good"}}
        >>> task_from_config(config).labels
        ('bad', 'good')
    """
    for kind in KINDS.values():
        if (task := kind.from_model_config(config)) is not None:
            return task
    architectures = cut(", ".join(map(str, config.get("architectures") or ["none"])))
    if (head := _other_head(config, architectures)) is not None:
        raise InputError(
            f"config.json: its head is for {head} ({architectures}), and this version does "
            f"{', '.join(KINDS)} only"
        )
    raise InputError(
        f"config.json: a model for none of the tasks {', '.join(KINDS)} "
        f"(architectures: {architectures}); fine-tune it for one first"
    )


_OTHER_HEADS = {
    "ForMultipleChoice": "multiple choice",
    "ForNextSentencePrediction": "whether a sentence follows another",
    "ForCausalLM": "the next word",
    "LMHeadModel": "the next word",
    "ForConditionalGeneration": "making texts",
}


def _other_head(config: Mapping[str, Any], architectures: str) -> str | None:
    """What a head does that none of our tasks does."""
    if config.get("problem_type") == "multi_label_classification":
        return "one label, there or not (problem_type multi_label_classification, one output)"
    return next((does for end, does in _OTHER_HEADS.items() if architectures.endswith(end)), None)
