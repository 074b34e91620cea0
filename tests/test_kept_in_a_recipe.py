"""What a run compares its quantized file with, and on which rows."""

import json

import pytest

import tinybert
from tinybert.modeling.torch_model import load_torch

QAT = {"method": "qat", "calibration_rows": 16, "distill": {"max_steps": 2, "batch_size": 8}}


@pytest.fixture
def kept(quick_bench, recipe, tmp_path):
    """Compresses the tiny BERT by one step; what the report says that it kept."""

    def run(quantize, **changes):
        made = recipe(steps=[{"quantize": quantize}], **changes)
        report = tinybert.compress(made, tmp_path / "out").report
        fp32, int8 = report["artifacts"]
        assert fp32["kept"]["of_student"] is None
        assert report["best"] == int8["path"], "40 rows of a random model prove nothing against it"
        return int8["kept"]["of_student"], int8

    return run


def test_rows_of_the_calibration_are_not_held_out(kept):
    found, int8 = kept({"method": "static", "calibration_rows": 16})
    assert (found["train"]["rows"], found["train"]["metric"]) == (24, "accuracy")
    assert found["eval"]["rows"] == 40
    assert found["eval"]["value"] == int8["metric"]
    assert (found["verdict"], found["learned"]) == ("not proven", False)


def test_unlabeled_rows_compare_answers(kept, reviews, recipe, tmp_path):
    texts = tmp_path / "texts.jsonl"
    texts.write_text("\n".join(json.dumps({"sentence": row["sentence"]}) for row in reviews))
    data = recipe()["data"] | {"train": str(texts)}
    found, _ = kept({}, data=data)
    assert (found["train"]["rows"], found["train"]["metric"]) == (40, "agreement")


def test_a_trained_file_is_compared_with_the_model_before_its_training(
    kept, tiny_bert_dir, reviews
):
    found, int8 = kept(QAT)
    labels = [row["label"] for row in reviews]
    answers = load_torch(tiny_bert_dir, max_length=32)([row["sentence"] for row in reviews])
    before = [answer["label"] for answer in answers]
    right = sum(a == b for a, b in zip(before, labels, strict=True)) / 40
    assert found["eval"]["base"] == pytest.approx(right)
    assert found["learned"]
    assert int8["kept"]["of_teacher"]["eval"]["base"] == found["eval"]["base"]
