"""`shape: fast`: which shapes are tried, and which is taken."""

from types import SimpleNamespace

import pytest
from pydantic import ValidationError
from transformers import AutoTokenizer

from tinybert.formats.open import load_student
from tinybert.run.artifacts import latencies
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.student.build import build_student
from tinybert.steps.student.config import FAST_HEAD_STEP, StudentConfig
from tinybert.steps.student.fast_shape import candidates, fast_shape
from tinybert.steps.student.step import student

ASKED = StudentConfig(
    layers=1, hidden_size=30, attention_heads=2, intermediate_size=40, init="random", shape="fast"
)


def layer_weights(shape):
    return 4 * shape.hidden_size**2 + 2 * shape.hidden_size * shape.intermediate_size


@pytest.mark.parametrize("heads", [4, 12])
@pytest.mark.parametrize("asked", [(192, 768), (312, 1200), (384, 1536)])
def test_candidates(asked, heads):
    width, neurons = asked
    config = StudentConfig(hidden_size=width, attention_heads=heads, intermediate_size=neurons)
    first, *others = candidates(config)
    assert first == config
    for shape in others:
        assert (shape.layers, shape.attention_heads) == (config.layers, heads)
        assert shape.hidden_size % (heads * FAST_HEAD_STEP) == 0
        assert abs(shape.hidden_size / width - 1) <= 0.15
        assert layer_weights(shape) == pytest.approx(layer_weights(config), rel=0.05)
    assert len({shape.hidden_size for shape in (first, *others)}) == len(others) + 1


@pytest.mark.parametrize("fastest", [30, 32])
def test_the_fastest_is_taken(tiny_bert_dir, fastest):
    def measured(models):
        return [1.0 if model.config.hidden_size == fastest else 2.0 for model in models]

    made = student(ASKED, load_student(tiny_bert_dir), SimpleNamespace(latencies=measured))
    assert made.config.hidden_size == fastest


def test_a_student_from_its_teacher_is_not_wider(tiny_bert_dir):
    """The widest candidate would be."""
    asked = ASKED.model_copy(update={"init": "teacher", "hidden_size": 32, "attention_heads": 1})
    asked = asked.model_copy(update={"intermediate_size": 64})
    seen = []

    def measured(models):
        seen.extend(model.config.hidden_size for model in models)
        return [1.0 for _ in models]

    fast_shape(asked, load_student(tiny_bert_dir), SimpleNamespace(latencies=measured))
    assert seen[0] == 32
    assert max(seen) == 32


def test_a_checkpoint_has_its_shape():
    with pytest.raises(ValidationError, match="shape of its own"):
        StudentConfig(init="some/checkpoint", shape="fast")


@pytest.mark.parametrize(
    ("target", "quantize"),
    [("onnx", None), ("onnx", {"method": "qat"}), ("openvino", {"method": "static"})],
)
def test_files_are_timed_side_by_side(tiny_bert_dir, target, quantize):
    """Quantized as the recipe says, though no range of theirs was ever measured."""
    if target == "openvino":
        pytest.importorskip("openvino")
    config = None if quantize is None else QuantizeConfig(**quantize)
    teacher = load_student(tiny_bert_dir)
    models = [build_student(shape, teacher) for shape in candidates(ASKED)]
    times = latencies(models, AutoTokenizer.from_pretrained(tiny_bert_dir), target, config)
    assert len(times) == len(models) == 2  # 30 and 32 wide
    assert min(times) > 0
