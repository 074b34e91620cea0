import pytest
from pydantic import ValidationError

from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.note import QuantizationNote


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bits": 3}, "bits"),
        ({"method": "gptq"}, "method"),
        ({"group_size": 32}, "group_size: scales of groups need float activations"),
        ({"method": "qat", "group_size": 32}, "group_size"),
        ({"method": "weight-only", "activations": False}, "activations: only `method: qat`"),
        ({"bits": 4, "reduce_range": True}, "reduce_range"),
        ({"method": "weight-only", "reduce_range": True}, "reduce_range"),
        ({"method": "qat", "bits": 2}, "bits: weights of 2 bits are multiplied as floats"),
        ({"bits": 2}, "bits: weights of 2 bits are multiplied as floats"),
        ({"method": "weight-only", "bits": 2, "rounding": "gptq"}, "rounding: gptq looks for"),
        ({"calibration_rows": 8}, "calibration_rows: nothing is measured"),
        ({"method": "static", "ranges": "learned"}, "ranges"),
        ({"method": "qat", "bias_correction": False}, "bias_correction: only `method: static`"),
        ({"method": "qat", "ranges": "learned", "observe_steps": 9}, "observe_steps"),
        ({"method": "static", "distill": {"epochs": 3}}, "distill: only `method: qat` trains"),
    ],
)
def test_what_would_be_ignored_is_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        QuantizeConfig(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "qat", "bits": 4, "activations": False, "group_size": 64},
        {"method": "qat", "bits": 2, "activations": False, "keep_sensitive": 1},
        {"method": "qat", "ranges": "learned", "distill": {"label": 0.5}},
        {"method": "weight-only", "keep_sensitive": 2, "calibration_rows": 8},
    ],
)
def test_a_resolved_config_reads_itself(settings):
    config = QuantizeConfig(**settings)
    assert QuantizeConfig.model_validate(config.model_dump(), strict=True) == config


def test_only_what_trains_heals_and_with_defaults_of_its_own():
    assert QuantizeConfig().within is None
    healing = QuantizeConfig(method="qat", distill={"label": 1}).within
    assert (healing.epochs, healing.learning_rate, healing.label) == (1, 5e-5, 1)


def test_layers_that_are_kept_have_more_bits():
    kept = ("a",)
    assert QuantizationNote.of(QuantizeConfig(), kept=kept).bits_of("a") is None
    note = QuantizationNote.of(QuantizeConfig(bits=4), kept=kept)
    assert (note.bits_of("a"), note.bits_of("b")) == (8, 4)
