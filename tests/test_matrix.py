"""Every family × task × step × format: each pair of these in the default run, all behind `-m slow`.

Two steps of training, the step, two steps of distillation where there is a student, then the file:
it must answer as PyTorch does, and models are saved in eval mode and without hooks. What is refused
must be in `REFUSED`, with its reason; what is not there must work.
"""

import itertools
import json
import random
import re
from functools import cache

import numpy as np
import pytest

from pairwise import pairwise
from tiny_models import KINDS, WORDS, tiny_model_dir
from tinybert.base.errors import InputError
from tinybert.base.processor import sums_saturate
from tinybert.base.progress import silent
from tinybert.formats.export import write_artifacts
from tinybert.formats.load import open_artifact
from tinybert.formats.quantize import quantize_artifact
from tinybert.formats.registry import FORMATS, QUANTIZED
from tinybert.modeling.load import load_model
from tinybert.modeling.torch_model import load_torch
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe
from tinybert.run import step as step_module
from tinybert.run.state import Run, State
from tinybert.run.step import advance
from tinybert.run.workspace import StepFolders
from tinybert.steps.registry import STEPS

TRAINING = {"max_steps": 2, "batch_size": 8, "bf16": False}
STUDENT = {"layers": 2, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
ROWS = {"calibration_rows": 16}
DISTILL = {"distill": TRAINING}
GENERAL = {**TRAINING, "length": 16, "gradient_accumulation": 1}

STEPS_TRIED = {
    "finetune": [],
    "generate": [
        {"generate": {"rows": 16, "max_tokens": 8, "steps": 1, "share": 1.0}},
        {"student": {**STUDENT, "init": "random"}},
        DISTILL,
    ],
    "augment": [{"augment": {"copies": 1}}, {"student": {**STUDENT, "init": "random"}}, DISTILL],
    "add-texts": [{"add-texts": {}}, {"student": {**STUDENT, "init": "random"}}, DISTILL],
    "student": [{"student": {**STUDENT, **ROWS}}, DISTILL],
    "general-distill": [
        {"student": {**STUDENT, "init": "random"}},
        {"general-distill": {**GENERAL, "attention": 0}},
        DISTILL,
    ],
    "distill": [
        {"student": {**STUDENT, "init": "random"}},
        {"distill": {**TRAINING, "embedding": 1, "hidden": 1}},
    ],
    "distill attention": [
        {"student": {**STUDENT, "init": "random"}},
        {"distill": {**TRAINING, "attention": 1}},
    ],
    "distill relations": [
        {"student": {**STUDENT, "init": "random"}},
        {"distill": {**TRAINING, "relations": 1, "relation_heads": 2, "mapping": "last"}},
    ],
    "factorize": [{"factorize": {"rank": 4, **ROWS}}, DISTILL],
    "factorize embeddings": [
        {"factorize": {"rank": 4, "parts": ["embeddings"], **ROWS}},
        {"trim-vocabulary": {}},
        DISTILL,
    ],
    "trim-vocabulary": [{"trim-vocabulary": {}}, DISTILL],
    "prune neurons": [{"prune": {"neurons": 0.5, **ROWS}}, DISTILL],
    "prune heads": [{"prune": {"heads": 0.5, **ROWS}}, DISTILL],
    "prune layers": [{"prune": {"layers": 1, **ROWS}}, DISTILL],
    "prune zeros": [{"prune": {"sparsity": 0.5, "distill": TRAINING}}],
    "shorten": [{"shorten": {"layer": 1, "positions": 8, **ROWS}}, DISTILL],
    "quantize dynamic": [{"quantize": {}}],
    "quantize static": [{"quantize": {"method": "static", **ROWS}}],
    "quantize qat": [{"quantize": {"method": "qat", "distill": TRAINING, **ROWS}}],
    "quantize 2 bits": [{"quantize": {"method": "weight-only", "bits": 2}}],
    "quantize gptq": [
        {"quantize": {"method": "weight-only", "bits": 4, "rounding": "gptq", **ROWS}}
    ],
}
"""The steps behind `finetune`, by what is tried."""

TASKS = {
    "text-classification": {"text": "sentence"},
    "text-regression": {"text": ["sentence", "other"], "label": "score"},
    "multi-label-classification": {"text": "sentence", "label": "labels"},
    "token-classification": {},
    "question-answering": {},
    "causal-lm": {"text": "sentence"},
}

NO_FILE = "no file"
"""Saves time where the format has been tried with each of the others."""

ANY = None

NO_RANGES = ("quantize dynamic", "quantize gptq", "quantize 2 bits")

PRUNED = ("prune neurons", "prune heads", "prune layers")

ASKS = ["question-answering"]

WRITES = ["causal-lm"]

OTHERS = [kind for kind in KINDS if kind != "gpt2"]

REFUSED = [
    (ANY, ANY, NO_RANGES, ["openvino"], "is not for OpenVINO"),
    (["albert"], ANY, ["student"], ANY, "its layers share their weights, so that none can be fit"),
    (["albert"], ANY, PRUNED, ANY, "its layers share their weights, so that what goes from one"),
    (["albert"], ANY, ["factorize"], ANY, "its layers share their weights, and no one product"),
    (["albert"], ANY, ["shorten"], ANY, "no place between them where tokens could be chosen"),
    (["albert"], ANY, ["quantize gptq"], ANY, "its layers share their weights"),
    (["gpt2"], ANY, ["shorten"], ANY, "each token sees only those before it"),
    (["gpt2"], ANY, ["distill attention"], ANY, "sees only those before it; compare `hidden`"),
    (["gpt2"], ASKS, ANY, ANY, "which writes texts; what can be exported are encoders"),
    (["mpnet"], ANY, ["prune heads"], ANY, "one table of relative positions with a column a head"),
    (["mpnet"], ANY, ["shorten"], ANY, "how far apart two tokens are, which is lost"),
    (["modernbert"], ANY, ["shorten"], ANY, "turned by their positions, which are lost"),
    (["modernbert"], ANY, ["distill attention"], ANY, "most layers see a window only"),
    (OTHERS, WRITES, ANY, ANY, "read whole texts, and write none"),
    (ANY, WRITES, ["trim-vocabulary"], ANY, "perplexities of other tokens can't be compared"),
    (ANY, WRITES, ["factorize embeddings"], ANY, "the table of words is the head of causal-lm"),
    (
        *(ANY, ["token-classification", *ASKS], ["add-texts", "generate"], ANY),
        "whose places it would lose",
    ),
    (ANY, [*ASKS], ["augment"], ANY, "point at places in texts, which would be lost"),
    (ANY, ["text-regression"], ["add-texts"], ANY, "are pairs of texts, and a corpus has none"),
    (ANY, ["token-classification", *ASKS], ["shorten"], ANY, "reads? (all|every) "),
    (["gpt2"], ANY, ["generate"], ANY, "has no mask token"),
]
"""All that is refused, the first that fits: family, task, step, format, reason."""


def reason(family, task, step, target):
    """Why a combination is refused; None where it must work."""
    for *place, why in REFUSED:
        pairs = zip(place, (family, task, step, target), strict=True)
        if all(wanted is ANY or found in wanted for wanted, found in pairs):
            return why
    return None


DIMENSIONS = {
    "family": list(KINDS),
    "task": list(TASKS),
    "step": list(STEPS_TRIED),
    "target": [NO_FILE, *FORMATS],
}
COVER = pairwise(DIMENSIONS, cheap=(NO_FILE,))
REST = [
    found
    for values in itertools.product(*DIMENSIONS.values())
    if (found := dict(zip(DIMENSIONS, values, strict=True))) not in COVER
    and found["target"] != NO_FILE
]


def name(combination):
    return ", ".join(combination.values())


@pytest.mark.parametrize("combination", COVER, ids=name)
def test_each_pair(combination, places, monkeypatch, tmp_path):
    check(places, monkeypatch, tmp_path, **combination)


@pytest.mark.slow
@pytest.mark.parametrize("combination", REST, ids=name)
def test_all(combination, places, monkeypatch, tmp_path):
    check(places, monkeypatch, tmp_path, **combination)


def test_every_step_is_tried():
    tried = {name for steps in STEPS_TRIED.values() for step in steps for name in step}
    assert tried | {"finetune"} == set(STEPS)


@pytest.mark.parametrize("refusal", REFUSED, ids=lambda refusal: str(refusal[:-1]))
def test_each_refusal_is_met(refusal):
    """None is left that nothing needs."""
    assert any(reason(**found) == refusal[-1] for found in [*COVER, *REST])


def check(places, monkeypatch, tmp_path, family, task, step, target):
    if family == "albert" and step.startswith("quantize") and target == "onnx" and sums_saturate():
        pytest.xfail("ONNX Runtime 1.31 can't load shared integer weights without VNNI")
    why = reason(family, task, step, target)
    if why is None:
        run(places, monkeypatch, tmp_path, family, task, step, target)
        return
    with pytest.raises(InputError) as raised:
        run(places, monkeypatch, tmp_path, family, task, step, target)
    assert re.search(why, str(raised.value)), raised.value


def run(places, monkeypatch, tmp_path, family, task, step, target):
    teacher, data = places(family, task)
    steps = [{"finetune": TRAINING}, *STEPS_TRIED[step]]
    recipe = Recipe.from_mapping(
        {
            "teacher": str(teacher),
            "task": task,
            "data": {**data, **TASKS[task], "max_length": 24},
            "steps": steps,
            "export": [target] if target != NO_FILE else ["onnx"],
        }
    )
    inputs = read_inputs(recipe)
    monkeypatch.setattr(step_module, "save_model", checked_save)
    run = Run(recipe, inputs, tmp_path, StepFolders(tmp_path / "steps", inputs.key), silent)
    tokenizer = step_module.load_tokenizer(inputs.teacher, recipe.data.max_length)
    state = State(inputs.teacher, tokenizer, inputs.train)
    for each, reads in zip(recipe.steps, inputs.reads, strict=True):
        state = advance(run, state, each, reads)
    expected = load_torch(state.model, max_length=24)
    wanted = expected.outputs(inputs.eval.rows).logits
    assert np.isfinite(wanted).all()
    if target == NO_FILE:
        return
    model = load_model(state.model, inputs.task)
    path = write_artifacts(model, state.tokenizer, tmp_path / "files", [target])[target]
    given = open_artifact(path, threads=1).outputs(inputs.eval.rows).logits
    np.testing.assert_allclose(given, wanted, atol=1e-3, rtol=1e-3)
    if run.quantize is not None:
        smaller = path.with_stem(path.stem + QUANTIZED)
        quantize_artifact(path, smaller, run.quantize)
        artifact = open_artifact(smaller, threads=1)
        assert artifact.facts().precision in ("int8", "int4", "int2")
        assert artifact.outputs(inputs.eval.rows).logits.shape == wanted.shape


def checked_save(model, tokenizer, folder):
    """What a step gives back is ready to be used: in eval mode, with nobody watching."""
    assert not model.training
    for module in model.modules():
        hooks = [*module._forward_hooks.values(), *module._forward_pre_hooks.values()]
        ours = [hook for hook in hooks if hook.__module__.startswith("tinybert")]
        assert not ours
    SAVE(model, tokenizer, folder)


SAVE = step_module.save_model


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """The teacher's folder and the data of a family and a task."""
    folder = tmp_path_factory.mktemp("matrix")

    @cache
    def teacher(family, task):
        head = "text-classification" if task in WRITES and family in OTHERS else task
        return tiny_model_dir(family, folder / family / task, head)

    @cache
    def data(task):
        files = {"train": folder / f"{task}.jsonl", "eval": folder / f"{task}-eval.jsonl"}
        for count, (seed, path) in zip((24, 6), enumerate(files.values()), strict=True):
            rows = make_rows(task, count, random.Random(seed))
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        corpus = folder / "corpus.txt"
        corpus.write_text("\n".join(text(random.Random(at)) for at in range(40)), encoding="utf-8")
        return {name: str(path) for name, path in files.items()} | {"unlabeled": [str(corpus)]}

    return lambda family, task: (teacher(family, task), data(task))


def text(dice):
    return " ".join(dice.choices(WORDS, k=dice.randint(2, 30)))


def question(dice, none):
    context = " ".join(dice.choices(WORDS, k=dice.randint(8, 40)))
    words = context.split()
    first = dice.randrange(len(words))
    answer = " ".join(words[first : first + dice.randint(1, 3)])
    start = len(" ".join([*words[:first], ""]))
    answers = {"text": [] if none else [answer], "answer_start": [] if none else [start]}
    return {"question": "was it a film", "context": context, "answers": answers}


def make_rows(task, count, dice):
    for number in range(count):
        if task == "token-classification":
            words = text(dice).split()
            yield {"tokens": words, "tags": ["B-X" if word == "film" else "O" for word in words]}
            continue
        if task == "question-answering":
            yield question(dice, none=number % 4 == 3)
            continue
        row = {"sentence": text(dice), "other": text(dice), "score": dice.random()}
        row["label"] = ("negative", "positive")[number % 2]
        row["labels"] = [label for label in "abc" if dice.random() < 0.5]
        yield row
