"""Sentence embeddings from a recipe to files that are used."""

import json
import random

import numpy as np
import pytest
from tests.conftest import WORDS
from tests.modeling.test_sentence_encoder import encoder_dir

import tinybert
from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.modeling.torch_model import load_torch
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A teacher, texts and scored pairs."""
    folder, dice = tmp_path_factory.mktemp("embeddings"), random.Random(0)

    def text():
        return " ".join(dice.choices(WORDS, k=dice.randint(3, 9)))

    encoder_dir(folder / "teacher")
    (folder / "texts.txt").write_text("\n".join(text() for _ in range(300)), encoding="utf-8")
    rows = [{"sentence1": text(), "sentence2": text(), "score": dice.random()} for _ in range(60)]
    (folder / "dev.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def recipe(given, **changes):
    return {
        "teacher": str(given / "teacher"),
        "task": "sentence-embedding",
        "data": {
            "train": str(given / "texts.txt"),
            "eval": str(given / "dev.jsonl"),
            "max_length": 32,
        },
        "steps": [
            {
                "student": {
                    "layers": 2,
                    "hidden_size": 16,
                    "attention_heads": 4,
                    "intermediate_size": 32,
                }
            },
            {"distill": {"epochs": 2}},
            {"quantize": {"method": "qat", "distill": {"epochs": 1}}},
        ],
        **changes,
    }


@pytest.mark.usefixtures("quick_bench")
def test_a_student_gives_vectors_as_long_as_its_teachers(given, tmp_path, capsys):
    out = tmp_path / "out"
    report = tinybert.compress(recipe(given), out).report
    assert report["task"]["metric"] == "spearman"
    assert report["artifacts"][0]["parity"]["agreement"] == pytest.approx(1.0, abs=1e-4)
    assert report["artifacts"][0]["kept"]["of_student"] is None
    assert 0 <= report["artifacts"][0]["distance"] < 0.1
    texts = ["a great film", "the dog"]
    model = tinybert.load(out)
    vectors = np.array([each["embedding"] for each in model(texts)])
    assert vectors.shape == (2, 32)  # the student is 16 wide
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)
    teacher = load_torch(given / "teacher").outputs(texts).logits
    assert (vectors * teacher).sum(1).min() > 0.5
    (pair,) = model([("a great film", "a great film")])
    assert pair["similarity"] == pytest.approx(1.0, abs=1e-4)
    assert main(["predict", str(out), "a great film", "the dog", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)["predictions"]
    assert [len(each["embedding"]) for each in printed] == [32, 32]
    assert main(["evaluate", str(out), "--data", str(given / "dev.jsonl"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"].keys() == {"spearman", "pearson"}
    assert (out / "student/modules.json").is_file()


@pytest.mark.usefixtures("quick_bench")
def test_texts_alone_are_enough(given, tmp_path, capsys):
    command = ["compress", str(given / "teacher"), "--train", str(given / "texts.txt")]
    settings = ["--set", "data.max_length=32", "--set", "export=[onnx]"]
    assert main([*command, *settings, "--out", str(tmp_path / "out"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["task"]["kind"] == "sentence-embedding"
    assert (report["task"]["metric"], report["task"]["labels"]) == ("cosine", "teacher")
    assert report["teacher"]["metric"] == pytest.approx(1.0, abs=1e-5)
    assert report["artifacts"][0]["metric"] > 0.9


@pytest.mark.parametrize("step", [{"finetune": {}}, {"distill": {"label": 0.5}}])
def test_steps_that_learn_from_labels_are_refused(given, step):
    steps = [step] if "finetune" in step else [*recipe(given)["steps"][:1], step]
    with pytest.raises(InputError, match="learned from the teacher alone; leave it out"):
        read_inputs(Recipe.from_mapping(recipe(given, steps=steps)))


def test_rows_with_labels_ask_for_a_head(given, tmp_path):
    from tinybert.recipe.draft import draft_recipe

    rows = tmp_path / "rows.csv"
    lines = [f"{' '.join(random.sample(WORDS, 4))} {n},{'ab'[n % 2]}" for n in range(40)]
    rows.write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    draft = draft_recipe(str(given / "teacher"), str(rows)).recipe
    assert draft["task"] == {"kind": "text-classification"}
    assert draft["steps"][0] == {"finetune": {}}


@pytest.mark.usefixtures("quick_bench")
def test_search_is_measured_and_vectors_that_can_be_cut_are_learned(given, tmp_path, capsys):
    rows = (given / "texts.txt").read_text(encoding="utf-8").splitlines()
    beir = tmp_path / "beir"
    (beir / "qrels").mkdir(parents=True)
    for name, texts in {"queries": rows[:6], "corpus": rows[6:40]}.items():
        lines = [json.dumps({"_id": str(at), "text": text}) for at, text in enumerate(texts)]
        (beir / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    judged = ["query-id\tcorpus-id\tscore", *(f"{at}\t{at + 7}\t1" for at in range(6))]
    (beir / "qrels/test.tsv").write_text("\n".join(judged), encoding="utf-8")
    student = recipe(given)["steps"][0]
    learns = {"epochs": 1, "prediction": 0, "similarities": 1, "widths": [4, 8]}
    changes = {
        "task": "retrieval",
        "steps": [student, {"distill": learns}],
        "data": {"train": str(given / "texts.txt"), "eval": str(beir), "max_length": 32},
    }
    report = tinybert.compress(recipe(given, **changes), tmp_path / "out").report
    assert (report["task"]["kind"], report["task"]["metric"]) == ("retrieval", "ndcg_at_10")
    assert report["artifacts"][0]["parity"]["agreement"] == pytest.approx(1.0, abs=1e-4)
    assert tinybert.load(tmp_path / "out").task.kind == "sentence-embedding"
    command = ["evaluate", str(tmp_path / "out"), "--data", str(beir), "--task", "retrieval"]
    assert main([*command, "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["value"] == pytest.approx(report["artifacts"][0]["metric"], abs=1e-9)
    assert main([*command, "--set", "truncate_dim=4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["value"] != whole["value"]
    assert whole["rows"] == report["task"]["eval_rows"] == 6  # queries: what is drawn anew
    draft = tinybert.draft_recipe(str(given / "teacher"), str(beir), task="retrieval").recipe
    assert draft["task"] == {"kind": "retrieval"}
    assert "finetune" not in [name for step in draft["steps"] for name in step]
    assert main(["evaluate", str(tmp_path / "out"), "--data", str(beir)]) == 2
    assert "it is for --task retrieval" in capsys.readouterr().err
    assert main([*command, "--set", "truncate_dim=32"]) == 2
    assert "vectors have 32 numbers in all" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("learns", "message"),
    [
        ({"similarities": 1, "widths": [32]}, "vectors have 32 numbers in all"),
        ({"similarities": 1, "widths": [8, 8]}, "a width is there twice"),
        ({"widths": [4]}, None),
        ({"prediction_loss": "cosine"}, None),
    ],
)
def test_widths_beyond_a_vector_are_refused(given, learns, message, caplog):
    steps = [recipe(given)["steps"][0], {"distill": learns}]
    ready = Recipe.from_mapping(recipe(given, steps=steps))
    if message is None:
        read_inputs(ready)
        assert ("widths has no effect" in caplog.text) == ("widths" in learns)
        return
    with pytest.raises(InputError, match=message):
        read_inputs(ready)


def test_vectors_that_are_cut_are_not_measured_without_scores(given):
    changed = recipe(given, task={"kind": "sentence-embedding", "truncate_dim": 8})
    changed["data"] = {**changed["data"], "eval": str(given / "texts.txt")}
    with pytest.raises(InputError, match="truncate_dim: texts without scores"):
        read_inputs(Recipe.from_mapping(changed))
