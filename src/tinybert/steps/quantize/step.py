"""What `quantize` does to the model before it is exported: measure, and for `qat` train."""

import logging
from dataclasses import replace

from transformers import PreTrainedModel, TrainerCallback

from tinybert.distillation.on_rows import distill
from tinybert.steps.quantize.activations import RenewRanges, measure_ranges
from tinybert.steps.quantize.attention import attention_layers, knows_attention, measure_attention
from tinybert.steps.quantize.bias import correct_biases
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.fake import (
    fake_quantize,
    linear_layers,
    remove_fake_quantization,
    round_weights,
    trained_ranges,
)
from tinybert.steps.quantize.gptq import round_by_gptq
from tinybert.steps.quantize.note import QUANTIZATION_KEY, QuantizationNote
from tinybert.steps.quantize.sensitivity import most_sensitive
from tinybert.training.calibration import calibration_batches
from tinybert.training.context import Context

logger = logging.getLogger(__name__)


def prepare(config: QuantizeConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """Notes in the model's config what its quantized file is made with; `qat` trains it.

    Args:
        config: The method decides how far this goes: `dynamic` and `weight-only` find the layers
            to keep, `static` the ranges of activations too.
        model: Changed in place. After `qat` or with `rounding: gptq`, its weights are those of
            the quantized file; after `static`, its biases.
        context: With training rows and, for `qat`, a teacher.
    """
    rows = config.calibration_rows if config.measures else 0
    batches = calibration_batches(context, rows, model.device)
    ranges = {}
    if not config.float_activations:
        ranges = measure_ranges(model, batches, linear_layers(model))
    note = QuantizationNote.of(config, ranges)
    if config.keep_sensitive:
        _warn_where_all_stay(config.keep_sensitive, len(linear_layers(model)))
        note = replace(note, kept=most_sensitive(model, note, batches, config.keep_sensitive))
    if config.rounding == "gptq":
        round_by_gptq(model, note, batches)
    if config.method == "static" and config.bias_correction:
        correct_biases(model, note, batches)
    if config.method == "qat":
        note = _train(config, model, note, context)
    if config.static_activations and config.attention and knows_attention(model):
        note = replace(note, attention=measure_attention(model, batches))
    setattr(model.config, QUANTIZATION_KEY, note.as_json())
    return model


def _warn_where_all_stay(kept: int, layers: int) -> None:
    if kept >= layers:
        logger.warning(
            "quantize.keep_sensitive: %d, and the model has %d linear layers: all of them stay in "
            "higher precision",
            kept,
            layers,
        )


def assume_ranges(config: QuantizeConfig, model: PreTrainedModel) -> None:
    """Notes some ranges as if they had been measured, for a file whose speed alone matters."""
    note = QuantizationNote.of(config)
    if config.static_activations:
        note = replace(note, ranges=dict.fromkeys(linear_layers(model), (-1.0, 1.0)))
        if config.attention and knows_attention(model):
            note = replace(note, attention=dict.fromkeys(attention_layers(model), 1.0))
    setattr(model.config, QUANTIZATION_KEY, note.as_json())


def _train(
    config: QuantizeConfig, model: PreTrainedModel, note: QuantizationNote, context: Context
) -> QuantizationNote:
    """Trains the fake-quantized model; the ranges that it ends with."""
    ranges = fake_quantize(model, note, learned=config.ranges == "learned")
    callbacks: list[TrainerCallback] = []
    if config.ranges == "observed":
        callbacks.append(RenewRanges(ranges, config.observe_steps))
    distill(config.distill, model, context, callbacks)
    trained = trained_ranges(model)
    round_weights(model)
    remove_fake_quantization(model)
    return replace(note, ranges=trained)
