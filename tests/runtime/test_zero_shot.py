"""Labels that are described to a sentence encoder."""

import json

import numpy as np
import pytest
from tests.modeling.test_sentence_encoder import encoder_dir
from tests.tiny_models import tiny_model_dir

import tinybert
from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.measure.evaluate import evaluate
from tinybert.runtime.zero_shot import TEMPERATURE, ZeroShotClassifier, read_descriptions
from tinybert.tasks.task import Examples

TEXTS = ["a great film", "the dog sat on the mat", "dull"]
LABELS = {"film": "a great film", "pets": ["the dog sat", "a cat and a dog"]}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return tinybert.open_model(encoder_dir(tmp_path_factory.mktemp("encoder") / "model"))


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_logits_are_cosines_with_the_mean_of_what_describes_a_label(encoder):
    model = ZeroShotClassifier(encoder, LABELS)
    vectors = unit(encoder.outputs(TEXTS).logits)
    film = unit(encoder.outputs(["a great film"]).logits)[0]
    pets = unit(unit(encoder.outputs(LABELS["pets"]).logits).mean(0))
    wanted = vectors @ np.stack([film, pets]).T
    np.testing.assert_allclose(model.outputs(TEXTS).logits * TEMPERATURE, wanted, atol=1e-5)
    first = model(TEXTS)[0]
    assert first["label"] == "film"
    assert set(first["scores"]) == {"film", "pets"}
    assert model.labels == ("film", "pets")


def test_it_is_evaluated_as_any_classifier(encoder):
    model = ZeroShotClassifier(encoder, {"film": TEXTS[0], "dog": TEXTS[1], "rest": TEXTS[2]})
    rows = Examples.of_texts(TEXTS, np.arange(3), "rows")
    assert evaluate(model, rows)["metric"] == 1.0


def test_on_the_line(encoder, tmp_path, capsys):
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(LABELS))
    given = [f"--describe={name}={text}" for name in LABELS for text in [*LABELS[name]][:1]]
    for described in (["--describe", str(path)], ["--describe=film=a great film", given[1]]):
        assert main(["predict", str(encoder.path), "a great film", "--json", *described]) == 0
        found = json.loads(capsys.readouterr().out)["predictions"]
        assert found[0]["label"] == "film"
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\na great film,film\nthe dog sat,pets\n")
    command = ["evaluate", str(encoder.path), "--data", str(rows), "--text", "text"]
    assert main([*command, "--describe", str(path), "--json"]) == 0
    assert "accuracy" in json.loads(capsys.readouterr().out)["metrics"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["film"], "expected LABEL=TEXT"),
        (["=a film"], "expected LABEL=TEXT"),
        (["film= "], "expected LABEL=TEXT"),
        (["nowhere.json"], r"nowhere\.json: no such file"),
    ],
)
def test_what_describes_nothing_is_refused(given, said):
    with pytest.raises(InputError, match=said):
        read_descriptions(given)


@pytest.mark.parametrize("content", ["[1]", "{", '{"a": 7}', '{"a": "x", "a": "y"}'])
def test_files_that_are_no_descriptions_are_refused(tmp_path, content):
    path = tmp_path / "labels.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"labels\.json"):
        read_descriptions([str(path)])


def test_models_and_labels_that_do_not_go_together_are_refused(encoder, tmp_path):
    for labels in ({}, {"film": "a film"}):
        with pytest.raises(InputError, match="two labels or more"):
            ZeroShotClassifier(encoder, labels)
    with pytest.raises(InputError, match="has no name"):
        ZeroShotClassifier(encoder, {"": "a film", "pets": "a dog"})
    with pytest.raises(InputError, match="text 2 is a pair"):
        ZeroShotClassifier(encoder, LABELS)(["a", ("a", "b")])
    with pytest.raises(InputError, match="'pets' has a description that is empty"):
        ZeroShotClassifier(encoder, {"film": "a film", "pets": []})
    with pytest.raises(InputError, match="temperature"):
        ZeroShotClassifier(encoder, LABELS, temperature=0)
    classifier = tinybert.open_model(tiny_model_dir("bert", tmp_path / "model"))
    with pytest.raises(InputError, match="does text-classification; labels are described"):
        ZeroShotClassifier(classifier, LABELS)
