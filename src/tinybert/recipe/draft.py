"""A recipe for a model and rows to learn from, where nobody has written one."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError
from tinybert.data import has_splits, read
from tinybert.data.layout import CONLL_LAYOUT, GLUE_LAYOUT, SQUAD_LAYOUT
from tinybert.data.table import Table
from tinybert.families import find_family
from tinybert.formats.open import student_folder
from tinybert.modeling.hub import find_folder
from tinybert.modeling.load import known_task, load_tokenizer
from tinybert.recipe.budget import SEARCH_ALONE
from tinybert.recipe.guess_columns import guess_columns
from tinybert.recipe.recipe import DataConfig
from tinybert.recipe.soft_labels import join_soft_labels
from tinybert.runtime.config import max_positions, read_config
from tinybert.steps.augment.split import WordSplitter, changeable
from tinybert.steps.registry import STEPS
from tinybert.steps.student.config import StudentConfig
from tinybert.tasks import get_task
from tinybert.tasks.labels import UnnamedOutputs
from tinybert.tasks.task import Examples, Task

HELD_OUT = "10%"
"""The share of the training rows to measure on, where there are no others."""

COPIES = {3_000: 3, 30_000: 1}
"""Changed texts beside each training row, by how many rows there are at most."""

SQUAD_FILES = [name for name in SQUAD_LAYOUT.files("train") if name.endswith(".json")]
"""What tells a folder of questions from others, whose files have no such names."""

MOST_HEADS = 4
"""The heads of a student's layer: a third of TinyBERT's, as few wide ones are faster."""


@dataclass(frozen=True)
class Draft:
    """A recipe that was written for a user.

    Attributes:
        recipe: As `Recipe.from_mapping` takes it.
        notes: What was chosen and is not to be seen in the command, a sentence each.
    """

    recipe: dict[str, Any]
    notes: tuple[str, ...]


def draft_recipe(
    model: str,
    train: str,
    evaluation: str | None = None,
    *,
    unlabeled: Sequence[str] = (),
    soft_labels: str | Mapping[str, str] | None = None,
    text: str | Sequence[str] = (),
    label: str | Sequence[str] = (),
    task: str | None = None,
    budget: Mapping[str, Any] | None = None,
) -> Draft:
    """Writes the usual recipe: fine-tune a bare model, distil a student of it, quantize that.

    With a budget the steps leave open what a search may vary.

    Args:
        model: A Hugging Face folder or hub id, fine-tuned or bare.
        train: DATA to learn from.
        evaluation: DATA to measure on, or a share of the training rows such as "10%"; None for the
            evaluation split of `train`, or `HELD_OUT` where it has none.
        unlabeled: Files of texts to learn from too.
        soft_labels: As in a recipe: a file, or columns by label.
        text: The column of text, or both of pairs; none where they are to be found out.
        label: Those of labels, likewise.
        task: Its kind, or a data set that we know; None for the model's, or what labels look like.
        budget: As in a recipe.

    Raises:
        InputError: Something is missing or broken, or more than one reading is possible.

    Example:
        >>> draft_recipe("bert-base", "rows.csv").recipe["steps"]  # doctest: +SKIP
        [{'finetune': {}}, {'student': {...}}, {'distill': {}}, {'quantize': {'method': 'qat'}}]
    """
    notes = []
    text, label = ((each,) if isinstance(each, str) else each for each in (text, label))
    if os.path.isfile(os.path.join(model, "student", "config.json")):
        model = str(student_folder(model))
        notes.append(f"model: {model}, the student of that run")
    folder = find_folder(model)
    config = read_config(folder)
    known = known_task(config)
    wanted = get_task(task) if task is not None else known
    if wanted is not None and wanted.of_parts:
        raise InputError(
            f"{wanted.kind} have rows and a teacher each, which a recipe names: see docs/tasks.md"
        )
    scored = soft_labels is not None
    # Lines that are scored are texts, and no words with tags.
    unknown = get_task("text-classification") if scored and train.endswith(".txt") else None
    wanted = wanted or unknown
    table = read_training(train, wanted)
    if task is None and known is not None and known.of_encoders:
        beside = {*table.columns} - {*known.text, known.label}
        if scored or (beside and len(table.columns) > 1):  # labels are for a head of their own
            wanted, table = unknown, read_training(train, unknown)
    scores = _columns_of(soft_labels)
    columns = guess_columns(table, wanted, text, label, scores)
    notes += [f"{guess} (guessed from the rows)" for guess in columns.guessed]
    if evaluation is None and not has_splits(train):
        evaluation = HELD_OUT
        notes.append(f"eval: {HELD_OUT} of the training rows, held out; name others by --eval")
    data: dict[str, Any] = {"train": train, "eval": evaluation}
    longest = max_positions(config)
    if longest is not None and longest < DataConfig().max_length:
        data["max_length"] = longest
    if columns.text:
        data["text"] = columns.text[0] if len(columns.text) == 1 else list(columns.text)
    if columns.label:
        data["label"] = columns.label[0] if len(columns.label) == 1 else list(columns.label)
    named: dict[str, Any] = {name: data[name] for name in ("text", "label") if name in data}
    asks = get_task({"kind": task or columns.kind, **named})
    if soft_labels is not None:
        data["soft_labels"] = soft_labels if isinstance(soft_labels, str) else {**soft_labels}
        try:
            asks, table = join_soft_labels(asks, table, soft_labels)
        except InputError as error:
            raise InputError(f"--soft-labels: {error}") from None
    steps: list[Any] = []
    why = _why_finetune(known, asks, table)
    if why is not None:
        steps.append({"finetune": {}})
        notes.append(f"finetune: {why}")
    texts = _texts(unlabeled, asks)
    shrinks, note = _shrinking(config, texts)
    asked = dict(budget or {})
    if asked and (reason := _why_no_search(config)):
        if given := [f"`{key}`" for key in SEARCH_ALONE if key in asked]:
            raise InputError(
                f"{model}: smaller models of it can't be searched for ({reason}): leave "
                f"{' and '.join(given)} out"
            )
        asked["search"] = False
        notes.append(f"budget: nothing is searched, the result is only compared with it: {reason}")
    elif asked:
        rows, note = _more_rows(asks, table, folder)
        shrinks = [*rows, *_open(asked, texts, asks)]
    if unlabeled:
        data["unlabeled"] = [*unlabeled]
        if not any(step in shrinks for step in texts):
            raise InputError("--unlabeled: no student is made, so that nothing learns from it")
    if scored and not any(map(_learns_predictions, [*steps, *shrinks])):
        steps.append({"finetune": {}})
        notes.append("finetune: it learns the soft labels, which no other step would")
    steps += shrinks
    notes += [note] if note else []
    spec = {"kind": task or columns.kind}  # a mapping, for `--set task.separator=";"` and the like
    recipe = {"teacher": model, "task": spec, "data": data, "steps": steps}
    recipe |= {"budget": asked} if asked else {}
    return Draft(recipe, tuple(notes))


def _learns_predictions(step: Mapping[str, Any]) -> bool:
    """Whether a step, as a recipe has it, learns soft labels."""
    ((name, settings),) = step.items()
    return STEPS[name](**settings).learns_predictions


def _columns_of(soft_labels: str | Mapping[str, str] | None) -> list[str] | None:
    """The columns of the rows that hold soft labels; None where there are no soft labels."""
    if soft_labels is None:
        return None
    return [] if isinstance(soft_labels, str) else [*soft_labels.values()]


def read_training(train: str, task: Task | None) -> Table:
    """Training rows.

    Args:
        train: DATA.
        task: What they are for; None where they shall tell.

    Raises:
        InputError: They can't be read.
    """
    words = task is None and (
        Path(train).suffix in (".txt", ".conll")
        or (Path(train, CONLL_LAYOUT.train).is_file() and not Path(train, "train.tsv").is_file())
    )
    layout = CONLL_LAYOUT if words else GLUE_LAYOUT if task is None else task.layout
    if task is None and any(Path(train, name).is_file() for name in SQUAD_FILES):
        layout = SQUAD_LAYOUT
    return read(train, "train", layout, "sentence" if task is None else task.text[0])


def _why_finetune(known: Task | None, task: Task, table: Table) -> str | None:
    """Why a model has to be fine-tuned first; None where its head is one for these rows."""
    if known is None or not isinstance(task, type(known)):
        return f"the model has no head for {task.kind}"
    try:
        fitted = task.fit(table)
    except InputError:
        return None  # the recipe's own check says so
    if {*getattr(fitted, "labels", ())} <= {*getattr(known, "labels", ())}:
        return None  # also where the rows have some of them only
    try:
        fitted.for_model(known)
    except UnnamedOutputs:
        return None  # likewise, and how to name them
    except InputError as error:
        return f"the model's head is for other labels, and gets a new one ({error})"
    return None


def _why_no_search(config: Mapping[str, Any]) -> str | None:
    """Why students of a model can't be searched; None where they can."""
    family = find_family(config.get("model_type"))
    if family is None:
        return "its architecture is not known"
    return family.refuses.get("student") or family.refuses.get("qat")


def _more_rows(task: Task, table: Table, folder: Path) -> tuple[list[Any], str | None]:
    """A step that makes more texts of a few, and why it is left out where it is."""
    copies = next((each for most, each in COPIES.items() if len(table) <= most), 0)
    if not copies or not task.learns_from_texts:
        return [], None
    try:
        changeable(
            Examples(task.rows(table), None, table.source).texts,
            WordSplitter(load_tokenizer(folder)),
        )
    except InputError as error:
        return [], f"augment: left out: {error}"
    return [{"augment": {"copies": copies}}], None


def _texts(unlabeled: Sequence[str], task: Task) -> list[Any]:
    """A step that adds texts without labels, if there are any.

    Raises:
        InputError: The task could not learn from such texts.
    """
    if unlabeled and (not task.learns_from_texts or len(task.text) != 1):
        raise InputError(f"--unlabeled: {task.kind} does not learn from single texts; leave it out")
    return [{"add-texts": {}}] if unlabeled else []


def _open(budget: Mapping[str, Any], texts: list[Any], task: Task) -> list[Any]:
    """The steps that make a student, with what a search may vary left open.

    Args:
        budget: As in a recipe.
        texts: What `_texts` gives.
        task: It says which positions may be left out, and whether the table of words is its own.
    """
    # What is made of the whole vocabulary all candidates share, so that it comes first.
    vocabulary: list[Any] = (
        [{"trim-vocabulary": {}}]
        if {"size", "memory", "drop"} & {*budget} and not task.writes
        else []
    )
    shorter: list[Any] = [{"shorten": {}}] if "latency" in budget and task.reads == "first" else []
    quantize = {"quantize": {"method": "qat"}}
    table: list[Any] = [{"factorize": {"parts": ["embeddings"]}}] if vocabulary else []
    return [*vocabulary, *texts, {"student": {}}, *table, *shorter, {"distill": {}}, quantize]


def _shrinking(config: Mapping[str, Any], texts: list[Any]) -> tuple[list[Any], str | None]:
    """The steps after the teacher, and what is to be said of them."""
    family = find_family(config.get("model_type"))
    if family is None:
        return [], None  # refused, with its reason, when the recipe is checked
    reason = family.refuses.get("student")
    method = "dynamic" if "qat" in family.refuses else "static" if reason else "qat"
    quantize = {"quantize": {"method": method}}
    if reason:
        return [quantize], f"steps: only quantized: {reason}"
    sizes = family.sizes.read(config)
    usual = StudentConfig(attention_heads=MOST_HEADS)
    names = ("layers", "hidden_size", "intermediate_size")
    shape = {name: min(getattr(usual, name), sizes[name]) for name in names}
    if all(shape[name] == sizes[name] for name in names):
        return [quantize], "steps: only quantized, as the model is as small as the usual student"
    heads = sizes["attention_heads"]
    shape["attention_heads"] = max(
        each
        for each in range(1, MOST_HEADS + 1)
        if not (heads % each or shape["hidden_size"] % each)
    )
    return [*texts, {"student": shape}, {"distill": {}}, quantize], None
