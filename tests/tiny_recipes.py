"""Any recipe with a small teacher and a few rows of its own task in place of what it names."""

import copy
import json
import random
import shutil

from tinybert.data.table import Table
from tinybert.modeling.heads import find_head
from tinybert.recipe.several import named_by_parts, several_spec
from tinybert.tasks import get_task

MINILM = {
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "max_position_embeddings": 512,
}
"""The shape that recipes in the documentation are written for; its vocabulary is tiny."""

ENTITIES = (["EU", "rejects", "films"], ["B-ORG", "O", "B-MISC"])


def with_tiny_inputs(values, folder, tokenizer_dir):
    """The recipe with teacher, rows, corpus and other models that are there.

    Args:
        values: The recipe, as YAML has it.
        folder: Where they are put.
        tokenizer_dir: A tokenizer and its vocab.txt.

    Returns:
        A copy, all settings of which are as they were.
    """
    values = copy.deepcopy(values)
    if named_by_parts(values["task"]):
        return with_tiny_parts(values, folder, tokenizer_dir)
    data = values.setdefault("data", {})
    task = task_of(values)
    rows = [make_row(task, number) for number in range(40)]
    for row in rows:
        row |= dict.fromkeys(data.get("soft_labels", {}).values(), 0.5)
    files = {"train": folder / "train.jsonl", "eval": folder / "dev.jsonl"}
    for path in files.values():
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    table = Table({name: [row[name] for row in rows] for name in rows[0]}, "train.jsonl")
    data |= {name: str(path) for name, path in files.items()}
    if "unlabeled" in data:
        corpus = folder / "corpus.txt"
        corpus.write_text("a great film\nthe plot was awful\n" * 40, encoding="utf-8")
        data["unlabeled"] = [str(corpus)]
    for step in values.get("steps", []):
        if "augment" in step:
            step["augment"] = with_tiny_files(step["augment"], folder, tokenizer_dir)
    values["teacher"] = str(make_teacher(task.fit(table), folder / "teacher", tokenizer_dir))
    for step in values.get("steps", []):
        if isinstance(step, dict) and (step.get("student") or {}).get("base"):
            step["student"]["base"] = values["teacher"]
    return values


def with_tiny_parts(values, folder, tokenizer_dir):
    """A recipe of several tasks, 40 rows in all, each with rows and a teacher of its own."""
    tasks = values["task"]["tasks"]
    for part in get_task(several_spec(values["task"])).parts:
        rows = [make_row(part.task, number) for number in range(40 // len(tasks))]
        table = Table({name: [row[name] for row in rows] for name in rows[0]}, "train.jsonl")
        for split in ("train", "eval"):
            path = folder / f"{part.name}-{split}.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            tasks[part.name][split] = str(path)
        teacher = make_teacher(part.task.fit(table), folder / part.name, tokenizer_dir)
        tasks[part.name]["teacher"] = values["teacher"] = str(teacher)
    return values


def with_tiny_files(settings, folder, tokenizer_dir):
    """The settings of `augment` with models and files that are there."""
    settings = {**settings}
    if "masked_lm" in settings:
        from tiny_models import tiny_model_dir

        tiny_model_dir("bert", folder / "bert", "masked-lm")
        settings["masked_lm"] = {**settings["masked_lm"], "model": str(folder / "bert")}
    (folder / "words.txt").write_text("film, movie\n", encoding="utf-8")
    if "synonyms" in settings:
        settings["synonyms"] = {**settings["synonyms"], "source": str(folder / "words.txt")}
    settings["protect"] = [
        str(folder / "words.txt") if term.endswith(".txt") else term
        for term in settings.get("protect", [])
    ]
    return settings


def task_of(values):
    """The task of a recipe."""
    spec = {"kind": values["task"]} if isinstance(values["task"], str) else dict(values["task"])
    columns = {name: values["data"].get(name) for name in ("text", "label")}
    return get_task(spec | {name: given for name, given in columns.items() if given is not None})


def make_row(task, number):
    """A row of each of the task's columns."""
    dice = random.Random(number)
    if task.kind == "token-classification":
        return dict(zip((*task.text, task.label), ENTITIES, strict=True))
    texts = {
        name: " ".join(dice.choices(["a", "great", "film", "dull", "plot"], k=9))
        for name in task.text
    }
    if task.kind == "question-answering":
        question, context = task.text
        answers = {"text": [texts[context][:5]], "answer_start": [0]}
        return {question: "what is dull", context: texts[context], task.label: answers}
    if task.kind == "causal-lm":
        return texts
    labels = [label for at, label in enumerate("abc") if number % (at + 2)]
    if task.kind in ("text-regression", "sentence-embedding"):
        return texts | {task.label: number / 40}
    if task.kind == "text-classification":
        names = task.labels or ("negative", "positive")
        return texts | {task.label: names[number % len(names)]}
    if task.columns:
        return texts | {name: (number + at) % 2 for at, name in enumerate(task.columns)}
    return texts | {task.label: task.separator.join(labels) if task.separator else labels}


def make_teacher(task, folder, tokenizer_dir):
    """A model of random weights with the task's head."""
    import torch
    import transformers

    if task.writes:
        from tiny_models import tiny_model_dir

        sizes = {"n_layer": 6, "n_embd": 384, "n_head": 12, "n_inner": 1536, "n_positions": 512}
        return tiny_model_dir("gpt2", folder, task.kind, **sizes)

    size = len((tokenizer_dir / "vocab.txt").read_text(encoding="utf-8").split())
    torch.manual_seed(0)
    config = transformers.BertConfig(vocab_size=size, **MINILM, **task.model_config())
    find_head(task.head).from_config(config).save_pretrained(folder)
    shutil.copytree(tokenizer_dir, folder, dirs_exist_ok=True)
    return folder
