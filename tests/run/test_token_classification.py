"""A recipe for entities from its data to its files, and the files by the program."""

import csv
import json
import shutil

import pytest
import torch
from transformers import BertConfig, BertForTokenClassification, BertModel, pipeline

import tinybert
from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe
from tinybert.tasks import get_task

SENTENCES = [
    ("the old man sat on the mat", "O B-PER I-PER O O O B-LOC"),
    ("she ate in the market", "B-PER O O O B-LOC"),
    ("a woman never slept", "O B-PER O O"),
    ("the market of the old bank", "O B-LOC O O B-LOC I-LOC"),
]
SHAPE = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
LOSSES = {"hidden": 1, "attention": 1, "relations": 1, "relation_heads": 2}
STEPS = [
    {"finetune": {"epochs": 20, "batch_size": 8, "learning_rate": 3e-3}},
    {"student": SHAPE},
    {"distill": {"max_steps": 4, "batch_size": 8, **LOSSES}},
    {"prune": {"neurons": 0.5}},
    {"distill": {"epochs": 15, "batch_size": 8, "label": 0.5, "learning_rate": 3e-3}},
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder in CoNLL layout, one of whose sentences is longer than the model."""
    folder = tmp_path_factory.mktemp("conll")
    sentences = [
        *SENTENCES * 10,
        (" ".join([SENTENCES[0][0]] * 12), " ".join([SENTENCES[0][1]] * 12)),
    ]
    text = "-DOCSTART- O\n\n" + "\n".join(
        "".join(f"{word} {tag}\n" for word, tag in zip(*map(str.split, sentence), strict=True))
        for sentence in sentences
    )
    for name in ("train.txt", "valid.txt"):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory, tiny_tokenizer_dir):
    """A bare encoder."""
    folder = tmp_path_factory.mktemp("encoder")
    shutil.copytree(tiny_tokenizer_dir, folder, dirs_exist_ok=True)
    torch.manual_seed(0)
    entries = len((folder / "vocab.txt").read_text(encoding="utf-8").split())
    sizes = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "intermediate_size": 64,
        "initializer_range": 0.2,
    }
    BertModel(
        BertConfig(vocab_size=entries, num_attention_heads=4, max_position_embeddings=64, **sizes)
    ).save_pretrained(folder)
    return folder


def recipe(encoder, data, *steps, **changes):
    return {
        "teacher": str(encoder),
        "task": "token-classification",
        "data": {"train": str(data), "max_length": 32},
        "steps": list(steps),
    } | changes


@pytest.fixture(scope="module", params=["static", "qat", "dynamic"])
def run(request, encoder, data, tmp_path_factory, quick_bench):
    method = request.param
    # With 7 bits, for on x86 without VNNI OpenVINO's sums of products of 8 bits saturate.
    quantize = {"method": method, "reduce_range": True}
    if method == "qat":
        quantize["distill"] = {"max_steps": 3}
    targets = ["onnx"] if method == "dynamic" else ["onnx", "openvino"]
    given = recipe(encoder, data, *STEPS, {"quantize": quantize}, export=targets)
    return tinybert.compress(given, tmp_path_factory.mktemp("out") / "out")


def test_a_recipe_runs_and_reports_what_entities_are_found(run):
    report = run.report
    assert report["task"] == {"kind": "token-classification", "metric": "f1", "eval_rows": 41}
    assert report["teacher"]["metric"] > 0.9
    assert {each["format"] for each in report["artifacts"]} <= {"onnx", "openvino"}
    for artifact in report["artifacts"]:
        assert artifact["metric"] > 0.8, artifact["path"]
        assert list(artifact["metrics"]) == list(get_task("token-classification").metrics)
        if artifact["precision"] == "fp32":
            assert artifact["parity"]["max_abs_diff"] < 1e-4
            assert artifact["parity"]["agreement"] == 1
    card = (run.out / "README.md").read_text(encoding="utf-8")
    assert "pipeline_tag: token-classification" in card


def test_the_program_predicts_and_evaluates(run, data, tmp_path, capsys):
    model, text = tinybert.load(run.out), "The old  man sat."
    predictions = model([text, ""])
    capsys.readouterr()
    assert main(["predict", str(run.out), text, "", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"predictions": predictions}
    for entity in predictions[0]["entities"]:
        assert text[entity["start"] : entity["end"]] == entity["text"]
    words = text.split()
    assert model([words, ["a", "film"]]) == model([{"words": words}, {"words": ["a", "film"]}])
    assert main(["predict", str(run.out), text, "a film"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    conll = tmp_path / "some.conll"
    conll.write_text((data / "valid.txt").read_text(encoding="utf-8"), encoding="utf-8")
    out = tmp_path / "out.csv"
    assert main(["predict", str(run.out), "--file", str(conll), "--out", str(out)]) == 0
    with out.open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == ["row", "label", "start", "end", "text", "score"]
    assert (table[0]["text"], table[0]["label"]) == ("old man", "PER")
    capsys.readouterr()
    evaluate = ["evaluate", str(run.out), "--task", "token-classification", "--data", str(data)]
    assert main([*evaluate, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    best = next(each for each in run.report["artifacts"] if each["path"] == run.report["best"])
    assert found["metrics"] == pytest.approx(best["metrics"])


@pytest.fixture(scope="module")
def stock(tmp_path_factory, encoder):
    """A token classifier of others, its labels in an order and a scheme of its own."""
    folder = tmp_path_factory.mktemp("stock")
    shutil.copytree(encoder, folder, dirs_exist_ok=True)
    names = ["I-PER", "B-LOC", "O", "I-LOC", "B-PER"]
    torch.manual_seed(0)
    BertForTokenClassification.from_pretrained(
        encoder,
        id2label=dict(enumerate(names)),
        label2id={name: at for at, name in enumerate(names)},
    ).save_pretrained(folder)
    return folder


def test_a_stock_teacher_keeps_the_order_of_its_labels(stock, data, tmp_path, quick_bench):
    given = recipe(stock, data, {"student": SHAPE}, {"distill": {"max_steps": 2}})
    out = tinybert.compress(given, tmp_path / "out").out
    labels = tinybert.load(out).task.labels
    assert labels == ("I-PER", "B-LOC", "O", "I-LOC", "B-PER")
    # Stock Transformers reads the student, and says the same.
    found = pipeline("token-classification", str(out / "student"))("the old man sat")
    tags = {each["word"]: each["entity"] for each in found}
    (said,) = tinybert.load(out).outputs(["the old man sat"]).logits.argmax(-1)[None]
    words = ["the", "old", "man", "sat"]
    assert tags == {
        word: labels[tag] for word, tag in zip(words, said, strict=True) if labels[tag] != "O"
    }


def test_unnamed_outputs_are_refused(stock, data, tmp_path):
    config = json.loads((stock / "config.json").read_text(encoding="utf-8"))
    names = {str(at): f"LABEL_{at}" for at in range(5)}
    config |= {"id2label": names, "label2id": {name: int(at) for at, name in names.items()}}
    shutil.copytree(stock, tmp_path / "unnamed")
    (tmp_path / "unnamed/config.json").write_text(json.dumps(config), encoding="utf-8")
    given = recipe(tmp_path / "unnamed", data, {"student": SHAPE}, {"distill": {}})
    with pytest.raises(InputError, match=r"task: .*the model's outputs have no names"):
        read_inputs(Recipe.from_mapping(given))


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (
            [{"augment": {"with": ["words", "back-translation"]}}],
            r"steps\.0\.augment\.with\.1: back-translation writes texts anew, and token-cl",
        ),
        ([{"generate": {}}], r"steps\.0\.generate: makes texts"),
        (
            [{"student": SHAPE}, {"distill": {}}, {"shorten": {"layer": 0, "positions": 8}}],
            r"steps\.2\.shorten: leaves out tokens of long texts, and the head of token-cl",
        ),
    ],
)
def test_steps_that_would_lose_words_are_refused(stock, data, steps, message):
    with pytest.raises(InputError, match=message):
        read_inputs(Recipe.from_mapping(recipe(stock, data, *steps)))


def test_text_columns_need_no_tags_where_nothing_learns_from_them(stock, data, tmp_path):
    rows = [{"text": sentence} for sentence, _ in SENTENCES]
    (tmp_path / "u.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    given = recipe(stock, data, {"student": SHAPE}, {"distill": {}})
    given["data"] = {"train": str(tmp_path / "u.jsonl"), "eval": str(data), "max_length": 32}
    inputs = read_inputs(Recipe.from_mapping(given))
    assert inputs.train.labels is None
    assert inputs.train.rows[0] == rows[0]
