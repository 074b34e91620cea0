"""Causal language models from end to end: trained, made smaller, exported, measured, run."""

import json
import random

import pytest
import torch
from transformers import GPT2LMHeadModel

import tinybert
from tiny_models import WORDS, tiny_model, tiny_model_dir
from tinybert.cli.main import main
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.model import DistillationModel

TRAINING = {"max_steps": 3, "batch_size": 8, "bf16": False}
SHAPE = {"layers": 2, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 48}


def lines(count, seed=0):
    dice = random.Random(seed)
    return "".join(
        " ".join(dice.choices(WORDS, k=dice.randint(3, 30))) + "\n" for _ in range(count)
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("causal")
    tiny_model_dir("gpt2", folder / "teacher", "causal-lm")
    (folder / "train.txt").write_text(lines(60), encoding="utf-8")
    (folder / "eval.txt").write_text(lines(30, seed=1), encoding="utf-8")
    return folder


def recipe(place, steps):
    data = {"train": str(place / "train.txt"), "eval": str(place / "eval.txt"), "max_length": 24}
    teacher = str(place / "teacher")
    return {"teacher": teacher, "task": "causal-lm", "data": data, "steps": steps}


def test_a_recipe_from_teacher_to_int8(place, quick_bench, tmp_path):
    steps = [
        {"finetune": TRAINING},
        {"student": {**SHAPE, "calibration_rows": 16}},
        {"distill": {**TRAINING, "hidden": 1, "label": 0.5}},
        {"prune": {"neurons": 0.25, "heads": 0.5, "calibration_rows": 16}},
        {"distill": TRAINING},
        {"quantize": {"method": "static", "calibration_rows": 16}},
    ]
    report = tinybert.compress(recipe(place, steps), tmp_path / "out").report
    assert report["task"] == {"kind": "causal-lm", "metric": "perplexity", "eval_rows": 30}
    fp32, int8 = report["artifacts"]
    assert fp32["parity"]["max_abs_diff"] < 1e-4
    assert fp32["parity"]["agreement"] == 1
    assert int8["precision"] == "int8"
    # Lower is better: what is retained is the teacher's share of the student's.
    best = next(each for each in report["artifacts"] if each["path"] == report["best"])
    wanted = report["teacher"]["metric"] / best["metric"]
    assert report["ratios"]["retention"] == pytest.approx(wanted, abs=1e-4)
    assert set(fp32["metrics"]) == {"perplexity", "token_accuracy"}


def test_a_student_without_pruned_heads_loads_in_transformers(place, quick_bench, tmp_path):
    steps = [{"student": {**SHAPE, "calibration_rows": 16}}, {"distill": TRAINING}]
    report = tinybert.compress(recipe(place, steps), tmp_path / "out").report
    stock, info = GPT2LMHeadModel.from_pretrained(
        tmp_path / "out" / "student", output_loading_info=True
    )
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert stock.lm_head.weight is stock.transformer.wte.weight
    assert report["artifacts"][0]["metric"] < 10 * report["teacher"]["metric"]


def test_evaluate_prints_perplexity_of_lines(place, capsys):
    arguments = ["evaluate", str(place / "teacher"), "--data", str(place / "eval.txt")]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert said.startswith("perplexity  ")
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metric"] == "perplexity"
    assert f"{found['value']:.4f}" in said


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("rows.csv", "id,body\n" + "7,a great film\n" * 30, ["--text", "body"]),
        ("rows.jsonl", json.dumps({"text": "a great film"}) + "\n", []),
    ],
)
def test_evaluate_reads_a_column(place, tmp_path, capsys, name, content, options):
    (tmp_path / name).write_text(content, encoding="utf-8")
    arguments = ["evaluate", str(place / "teacher"), "--data", str(tmp_path / name)]
    assert main([*arguments, *options]) == 0
    assert "perplexity" in capsys.readouterr().out


def test_a_longer_context_is_an_option(place, capsys):
    arguments = ["evaluate", str(place / "teacher"), "--data", str(place / "eval.txt")]
    (place / "long.txt").write_text("the cat sat on the mat " * 60, encoding="utf-8")
    arguments[-1] = str(place / "long.txt")
    found = []
    for context in (1, 12):
        assert main([*arguments, "--set", f"context={context}", "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out)["value"])
    assert found[0] != found[1]
    assert main([*arguments, "--set", "context=1000"]) == 2
    assert "take fewer" in capsys.readouterr().err


def test_compress_without_a_recipe(place, tmp_path, capsys):
    arguments = ["compress", str(place / "teacher"), "--train", str(place / "train.txt")]
    assert main([*arguments, "--eval", "40%", "--out", str(tmp_path / "out"), "--dry-run"]) == 0
    said = capsys.readouterr()
    assert "causal-lm" in said.out + said.err


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({"trim-vocabulary": {}}, "perplexities of other tokens can't be compared"),
        ({"factorize": {"parts": ["embeddings"], "rank": 4}}, "is the head of causal-lm too"),
        ({"shorten": {}}, "sees only those before it"),
        ({"distill": {"cache": "all"}}, "cache: all can't be kept of causal-lm"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_runs(place, tmp_path, capsys, step, says):
    path = tmp_path / "recipe.json"
    steps = [{"student": SHAPE}, step]
    path.write_text(json.dumps(recipe(place, steps)), encoding="utf-8")
    assert main(["compress", str(path), "--dry-run"]) == 2
    assert says in capsys.readouterr().err


def test_a_model_that_reads_whole_texts_is_refused(place, tmp_path, capsys):
    folder = tiny_model_dir("bert", tmp_path / "bert")
    path = tmp_path / "recipe.json"
    made = recipe(place, [{"finetune": TRAINING}]) | {"teacher": str(folder)}
    path.write_text(json.dumps(made), encoding="utf-8")
    assert main(["compress", str(path), "--dry-run"]) == 2
    assert "models of the type bert read whole texts, and write none" in capsys.readouterr().err


def test_predict_goes_on_with_texts(place, tmp_path, capsys):
    teacher = str(place / "teacher")
    assert main(["predict", teacher, "a great film", "the cat", "--max-new-tokens", "4"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    drawn = ["--temperature", "0.9", "--top-p", "0.9", "--seed", "3", "--json"]
    assert main(["predict", teacher, "a great film", *drawn]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["predictions"]
    assert set(answer) == {"text"}
    out = tmp_path / "answers.csv"
    given = ["--file", str(place / "eval.txt"), "--max-new-tokens", "2", "--out", str(out)]
    assert main(["predict", teacher, *given]) == 0
    assert out.read_text(encoding="utf-8").startswith("row,text\n1,")


@pytest.mark.parametrize(
    ("model", "options", "says"),
    [
        ("teacher", ["--top-k", "5"], "top_k has no effect: nothing is drawn at temperature 0"),
        ("teacher", ["--temperature", "-1"], "temperature: expected 0 or more"),
        ("bert", ["--max-new-tokens", "5"], "does text-classification, and writes no texts"),
    ],
)
def test_options_of_writing_that_can_not_be(place, tmp_path, capsys, model, options, says):
    folder = place / model
    if model == "bert":
        folder = tiny_model_dir("bert", tmp_path / model)
    assert main(["predict", str(folder), "a film", *options]) == 2
    assert says in capsys.readouterr().err


def test_info_and_bench_know_what_it_is(place, tmp_path, capsys):
    out = tmp_path / "out"
    export = ["export", str(place / "teacher"), "--to", "onnx", "--out", str(out)]
    assert main(export) == 0
    capsys.readouterr()
    for model in (place / "teacher", out):
        assert main(["info", str(model), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["components"]["embeddings"]["parameters"] == (340 + 80) * 32


def test_a_checkpoint_has_tied_weights_once_and_gives_them_back():
    """As the Trainer saves and loads it: `_keys_to_ignore_on_save` are what it expects to miss."""
    student, teacher = tiny_model("gpt2", "causal-lm"), tiny_model("gpt2", "causal-lm", seed=1)
    settings = DistillConfig(hidden=1.0)
    saved = DistillationModel(student, teacher, settings, [(1, 1), (2, 2), (3, 3)])
    other = tiny_model("gpt2", "causal-lm", seed=2)
    loaded = DistillationModel(other, teacher, settings, [(1, 1), (2, 2), (3, 3)])
    state = saved.state_dict()
    assert "student.lm_head.weight" not in state
    found = loaded.load_state_dict(state, strict=False)
    assert found.missing_keys == saved._keys_to_ignore_on_save == ["student.lm_head.weight"]
    assert not found.unexpected_keys
    assert other.lm_head.weight is other.transformer.wte.weight
    for name, weight in student.state_dict().items():
        assert torch.equal(weight, other.state_dict()[name]), name
