"""`shorten` among other steps, down to the files."""

import pytest

import tinybert
from tinybert.base.errors import InputError
from tinybert.formats.open import load_student
from tinybert.measure.info import describe
from tinybert.modeling.selection import selection_of
from tinybert.steps.shorten.config import ShortenConfig
from tinybert.steps.shorten.step import by_need, shorten

SELECTION = {"layer": 0, "positions": 4}
STEP = {"shorten": SELECTION | {"calibration_rows": 20}}


@pytest.mark.parametrize("method", ["static", "qat"])
def test_a_recipe_ends_in_files_that_select(quick_bench, recipe, reviews, tmp_path, method):
    pytest.importorskip("openvino")
    learns = {"max_steps": 3, "batch_size": 8}
    quantize = {"method": method, "calibration_rows": 40}
    steps = [
        STEP,
        {"distill": learns},
        {"quantize": quantize | ({"distill": learns} if method == "qat" else {})},
    ]
    out = tmp_path / "out, with a comma"
    report = tinybert.compress(recipe(steps=steps, export=["onnx", "openvino"]), out).report
    for artifact in report["artifacts"]:
        assert artifact["parity"]["agreement"] > 0.9
        if artifact["precision"] == "fp32":
            assert artifact["parity"]["max_abs_diff"] < 1e-3
    selection = selection_of(load_student(out))
    assert (selection.layer, selection.positions) == (0, 4)
    assert selection.weight.any()
    assert describe(out)["structure"]["selection"] == SELECTION
    assert len(tinybert.load(out)([row["sentence"] for row in reviews])) == len(reviews)


def test_gptq_sees_what_goes_on(quick_bench, recipe, tmp_path):
    rounding = {"method": "weight-only", "bits": 4, "rounding": "gptq", "calibration_rows": 40}
    steps = [STEP, {"quantize": rounding}]
    report = tinybert.compress(recipe(steps=steps), tmp_path / "out").report
    assert [each["precision"] for each in report["artifacts"]] == ["fp32", "int4"]


def test_a_head_that_reads_every_position(tiny_context):
    from transformers import BertConfig, BertForTokenClassification

    model = BertForTokenClassification(BertConfig(num_hidden_layers=2, vocab_size=9))
    with pytest.raises(InputError, match="head of BertForTokenClassification may read"):
        shorten(ShortenConfig(), model, tiny_context())


def test_texts_that_are_shortened_come_first(tiny_context):
    texts = ["good", "a long text of many words", "bad", "some more words than there may be"]
    found = by_need(texts, tiny_context().tokenizer, 32, positions=6)
    assert found == [texts[1], texts[3], texts[0], texts[2]]
