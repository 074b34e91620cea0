"""Questions from the recipe to the answers of its files: thresholds, formats, refusals."""

import json
import random
import shutil

import numpy as np
import onnxruntime
import pytest
import transformers

import tinybert
from tiny_models import WORDS, tiny_model_dir
from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.formats.load import load
from tinybert.modeling.torch_model import load_torch
from tinybert.tasks.question_answering import QuestionAnswering

SHAPE = {"layers": 2, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
TRAINING = {"max_steps": 3, "batch_size": 8, "bf16": False}


def questions(count, seed, nones):
    dice = random.Random(seed)
    for number in range(count):
        words = dice.choices(WORDS, k=dice.randint(10, 60))
        first = dice.randrange(len(words))
        start = len(" ".join([*words[:first], ""]))
        yield {
            "id": f"{seed}-{number}",
            "question": f"was it {words[first]}",
            "context": " ".join(words),
            "answers": {"text": [], "answer_start": []}
            if nones and number % 3 == 0
            else {"text": [words[first]], "answer_start": [start]},
        }


@pytest.fixture
def data(tmp_path):
    def make(nones):
        for name, count, seed in (("train", 60, 1), ("dev", 24, 2)):
            lines = [json.dumps(each) + "\n" for each in questions(count, seed, nones)]
            (tmp_path / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        return tmp_path

    return make


def recipe(teacher, data, steps, **changes):
    return {
        "teacher": str(teacher),
        "task": "question-answering",
        "data": {"train": str(data), "max_length": 32},
        "steps": steps,
        **changes,
    }


@pytest.mark.parametrize("nones", [False, True])
def test_a_whole_run(quick_bench, data, tmp_path, nones, capsys):
    stock = tiny_model_dir("bert", tmp_path / "stock", "question-answering")
    steps = [
        {"student": SHAPE},
        {"distill": {**TRAINING, "label": 0.5, "hidden": 1}},
        {"quantize": {"method": "static"}},
    ]
    rows = data(nones)
    result = tinybert.compress(recipe(stock, rows, steps), tmp_path / "out")
    report = result.report
    assert report["task"]["metric"] == "f1"
    assert report["task"]["eval_rows"] == 24
    for artifact in report["artifacts"]:
        assert [*artifact["metrics"]] == ["f1", "exact_match"]
        assert 0 <= artifact["distance"] < np.inf
    fp32 = next(each for each in report["artifacts"] if each["precision"] == "fp32")
    assert fp32["parity"]["agreement"] == 1
    config = json.loads((tmp_path / "out/config.json").read_text())
    saved = config["tinybert"]["task"]
    assert saved["may_be_none"] is nones
    assert (saved["chosen"] is None) is not nones
    # Of the file, of PyTorch and by the program: the same answers, with the same threshold.
    given = [json.loads(line) for line in (rows / "dev.jsonl").read_text().splitlines()]
    file = load(tmp_path / "out/onnx/model.onnx")
    assert file.task.chosen == saved["chosen"]
    answers = file(given)
    student = load_torch(tmp_path / "out/student")
    assert student.task == file.task
    for one, other, row in zip(answers, student(given), given, strict=True):
        assert one["answer"] == other["answer"] == row["context"][one["start"] : one["end"]]
        assert one["score"] == pytest.approx(other["score"], abs=1e-3)
    assert any(each["answer"] for each in answers) or nones
    capsys.readouterr()
    arguments = ["predict", str(tmp_path / "out/onnx/model.onnx"), "--json"]
    main([*arguments, "--file", str(rows / "dev.jsonl")])
    shown = json.loads(capsys.readouterr().out)["predictions"]
    assert [each["answer"] for each in shown] == [each["answer"] for each in answers]
    main([*arguments, "--pair", given[0]["question"], given[0]["context"]])
    (alone,) = json.loads(capsys.readouterr().out)["predictions"]
    assert alone["answer"] == answers[0]["answer"]
    main(["evaluate", str(tmp_path / "out/onnx/model.onnx"), "--data", str(rows), "--json"])
    assert json.loads(capsys.readouterr().out)["value"] == pytest.approx(fp32["metric"])
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert "pipeline_tag: question-answering" in card
    # What others read: a stock student, and a graph with the names that transformers.js knows.
    loaded = transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path / "out/student")
    assert type(loaded) is transformers.BertForQuestionAnswering
    session = onnxruntime.InferenceSession(tmp_path / "out/onnx/model.onnx")
    assert [each.name for each in session.get_outputs()] == ["start_logits", "end_logits"]


def test_rows_without_answers_are_learned_from(quick_bench, data, tmp_path):
    rows = data(nones=False)
    lines = (rows / "train.jsonl").read_text().splitlines()
    bare = [{key: json.loads(line)[key] for key in ("question", "context")} for line in lines]
    (rows / "bare.jsonl").write_text("\n".join(map(json.dumps, bare)), encoding="utf-8")
    stock = tiny_model_dir("bert", tmp_path / "stock", "question-answering")
    made = recipe(stock, rows, [{"student": SHAPE}, {"distill": TRAINING}])
    made["data"] |= {"train": str(rows / "bare.jsonl"), "eval": str(rows / "dev.jsonl")}
    result = tinybert.compress(made, tmp_path / "out")
    assert result.report["task"]["eval_rows"] == 24


def refused(capsys, *arguments):
    assert main([*map(str, arguments)]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("tinybert: error: ")
    return said


def test_what_can_not_be_is_refused_before_anything_runs(data, tmp_path, capsys):
    rows = data(nones=False)
    stock = tiny_model_dir("bert", tmp_path / "stock", "question-answering")

    def said(steps=({"student": SHAPE}, {"distill": TRAINING}), **changes):
        path = tmp_path / "recipe.json"
        made = recipe(stock, rows, list(steps))
        made["data"] |= changes
        path.write_text(json.dumps(made), encoding="utf-8")
        return refused(capsys, "compress", path, "--dry-run")

    for step, lost in (("augment", "which would be lost"), ("generate", "it would lose")):
        assert f"{lost}; leave this step out" in said(
            [step, {"student": SHAPE}, {"distill": TRAINING}]
        )
    broken = tmp_path / "broken.jsonl"
    row = next(questions(1, 5, nones=False))
    broken.write_text(json.dumps({**row, "answers": {"text": ["x"], "answer_start": [999]}}))
    assert "row 1: answer 'x' would be at characters 999" in said(eval=str(broken))
    assert "row 1: answer 'x' would be at characters 999" in said(train=str(broken))
    broken.write_text(json.dumps({**row, "is_impossible": True}))
    assert "row 1: is_impossible, and has answers" in said(train=str(broken))
    broken.write_text(json.dumps({**row, "is_impossible": "no"}))
    assert "row 1: is_impossible is 'no', neither true nor false" in said(eval=str(broken))
    assert "reads pairs, and text 1 is one text" in refused(capsys, "predict", stock, "who man")
    broken.write_text(json.dumps({key: row[key] for key in ("question", "context")}))
    assert "no column 'answers'" in said(eval=str(broken))
    broken.write_text(json.dumps({**row, "question": "film " * 60}))
    assert "broken.jsonl: text 1: 'film film" in said(eval=str(broken))
    assert "gpt2, which writes texts" in refused(
        capsys,
        *("export", tiny_model_dir("gpt2", tmp_path / "gpt2", "question-answering")),
        *("--to", "onnx", "--out", tmp_path / "gpt2-out"),
    )


def test_a_question_for_which_a_file_has_no_room(tmp_path, capsys):
    stock = tiny_model_dir("bert", tmp_path / "stock", "question-answering")
    said = refused(capsys, "predict", stock, "--pair", "film " * 80, "a film")
    assert "text 1: 'film film" in said
    assert "has 80 tokens, and of the 64 that are read at once 39 are for it" in said


def test_a_file_that_others_exported_is_read(tmp_path):
    """Its outputs have stock names, and its config.json says nothing of us."""
    stock = tiny_model_dir("bert", tmp_path / "stock", "question-answering")
    row = next(questions(1, 7, nones=False))
    main(["export", str(stock), "--to", "onnx", "--out", str(tmp_path / "out")])
    plain = tmp_path / "plain"
    shutil.copytree(stock, plain)
    shutil.copy(tmp_path / "out/onnx/model.onnx", plain)
    for file in plain.glob("*.safetensors"):
        file.unlink()
    model = load(plain / "model.onnx")
    assert model.task == QuestionAnswering()
    (one,), (other,) = model(row), load_torch(stock)(row)
    assert one["answer"] == other["answer"] != ""
    with pytest.raises(InputError, match=r'^text 2: expected \{"question": "...", "context"'):
        model([row, {"question": "where"}])
