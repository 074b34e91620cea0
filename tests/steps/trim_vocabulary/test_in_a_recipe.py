"""Trimming among other steps."""

import contextlib
import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import tinybert
from tinybert.base.errors import InputError
from tinybert.modeling.load import load_tokenizer
from tinybert.modeling.torch_model import load_torch

SHAPE = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
TABLE = "bert.embeddings.word_embeddings.weight"
DISTILL = {"epochs": 2, "batch_size": 8, "embedding": 1, "hidden": 1, "attention": 1}


class Stopped(Exception):
    pass


def train(recipe, out):
    """Runs a recipe up to its export; gives the folder of its last step."""

    def progress(report):
        if report.step == "export":
            raise Stopped

    with contextlib.suppress(Stopped):
        tinybert.compress(recipe, out, progress=progress)
    return max(path for path in (out / "steps").iterdir() if not path.name.startswith("."))


def weights(folder):
    return load_file(folder / "model" / "model.safetensors")


def test_from_teacher_to_artifact(quick_bench, recipe, tmp_path):
    """Trimmed, made a student of, distilled, trimmed again, distilled again, loaded."""
    steps = [
        {"finetune": {"max_steps": 3, "batch_size": 8}},
        {"trim-vocabulary": {"min_count": 1}},
        {"student": SHAPE},
        {"distill": DISTILL},
        {"trim-vocabulary": {"min_count": 10}},
        {"distill": DISTILL},
        "quantize",
    ]
    out = tmp_path / "out"
    report = tinybert.compress(recipe(steps=steps), out).report
    old = load_tokenizer(recipe()["teacher"])
    first, second = (
        json.loads((folder / "kept.json").read_text())
        for folder in sorted(out.glob("steps/*-trim-vocabulary-*"))
    )
    assert len(second) < len(first) < len(old)
    new = load_tokenizer(out / "student")
    for piece, number in new.get_vocab().items():
        assert old.get_vocab()[piece] == first[second[number]]
    assert report["artifacts"][0]["parity"]["agreement"] == 1
    assert json.loads((out / "config.json").read_text())["vocab_size"] == len(second)
    texts = ["a great film", "zebras, quite unheard of"]
    assert len(tinybert.load(out)(texts)) == 2
    assert len(load_torch(out / "student")(texts)) == 2
    names = [step["name"] for step in report["steps"]]
    assert names.count("trim-vocabulary") == 2
    assert report["steps"][4]["bytes"] < report["steps"][3]["bytes"]


def test_distillation_learns_the_same_of_a_smaller_vocabulary(recipe, tmp_path):
    """The training rows keep all of their pieces, so nothing but the size of the table differs."""
    orders = {
        "whole": [{"student": SHAPE}],
        "before": ["trim-vocabulary", {"student": SHAPE}],
        "after": [{"student": SHAPE}, "trim-vocabulary"],
    }
    learned = {
        name: weights(train(recipe(steps=[*steps, {"distill": DISTILL}]), tmp_path / name))
        for name, steps in orders.items()
    }
    (folder,) = (tmp_path / "after").glob("steps/*-trim-vocabulary-*")
    kept = json.loads((folder / "kept.json").read_text())
    whole = learned.pop("whole")
    assert len(kept) < len(whole[TABLE])
    for name, trimmed in learned.items():
        for key, weight in whole.items():
            expected = weight[kept] if key == TABLE else weight
            torch.testing.assert_close(trimmed[key], expected, msg=lambda said: f"{name} {said}")  # noqa: B023


def test_other_models_are_trimmed_likewise(recipe, tmp_path):
    """A second teacher that is the first again changes nothing, a checkpoint is fitted."""
    teacher = recipe()["teacher"]
    results = []
    for name, teachers in (("one", []), ("two", [{"model": teacher}])):
        steps = ["trim-vocabulary", {"student": SHAPE}]
        steps.append({"distill": {"max_steps": 3, "teachers": teachers}})
        results.append(weights(train(recipe(steps=steps), tmp_path / name)))
    for key, weight in results[0].items():
        torch.testing.assert_close(results[1][key], weight, atol=1e-4, rtol=1e-3)
    checkpoint = train(recipe(steps=[{"student": SHAPE}]), tmp_path / "checkpoint")
    started = {"student": SHAPE | {"init": str(checkpoint / "model")}}
    made = train(recipe(steps=["trim-vocabulary", started]), tmp_path / "three")
    kept = json.loads(next(tmp_path.glob("three/steps/*/kept.json")).read_text())
    assert torch.equal(weights(made)[TABLE], weights(checkpoint)[TABLE][kept])


def test_generated_rows_are_counted(recipe, tmp_path):
    changed = recipe(
        data={"eval": recipe()["data"]["eval"], "max_length": 32},
        steps=[{"generate": {"rows": 8, "max_tokens": 8}}, "trim-vocabulary"],
    )
    folder = train(changed, tmp_path / "out")
    rows = json.loads(next(tmp_path.glob("out/steps/01-generate-*/rows.json")).read_text())
    old = load_tokenizer(changed["teacher"])
    used = np.unique(np.concatenate(old(rows, add_special_tokens=False)["input_ids"]))
    assert set(used.tolist()) <= set(json.loads((folder / "kept.json").read_text()))


def test_a_changed_corpus_trims_again(recipe, tmp_path):
    """And a corpus is enough: no training rows are needed."""
    corpus = tmp_path / "corpus.txt"
    sizes = []
    for text in ("the cat sat", "the cat sat on the market"):
        corpus.write_text(text, encoding="utf-8")
        for key in ("unlabeled", "corpus"):
            data = {"eval": recipe()["data"]["eval"], "max_length": 32}
            step = {"trim-vocabulary": {}}
            if key == "corpus":
                step = {"trim-vocabulary": {"corpus": [str(corpus)]}}
            else:
                data["unlabeled"] = [str(corpus)]
            folder = train(recipe(data=data, steps=[step]), tmp_path / key)
            sizes.append(len(json.loads((folder / "kept.json").read_text())))
            shutil.rmtree(folder)  # a run of other inputs leaves its own beside
    assert sizes[0] == sizes[1] == sizes[2] - 2 == sizes[3] - 2


def test_a_size_is_refused_before_anything_runs(recipe, tmp_path):
    steps = [{"finetune": {"max_steps": 3}}, {"trim-vocabulary": {"size": 5}}]
    with pytest.raises(InputError, match=r"steps\.1\.trim-vocabulary\.size: 5 pieces are too few"):
        tinybert.compress(recipe(steps=steps), tmp_path / "out")
    assert not (tmp_path / "out").exists()
