"""Pruning as a step: what the settings name goes, at once or while the model learns."""

import logging

import torch
from transformers import PreTrainedModel

from tinybert.distillation.on_rows import distill
from tinybert.modeling.shape import note_shape
from tinybert.steps.prune.calibration import calibrate
from tinybert.steps.prune.choice import choose
from tinybert.steps.prune.config import PruneConfig
from tinybert.steps.prune.expected import layers_left, require_layers
from tinybert.steps.prune.gates import Gates, Group
from tinybert.steps.prune.importance import IMPORTANCES
from tinybert.steps.prune.schedule import GradualPruning, Pruner
from tinybert.steps.prune.sparse import Zeros, prunable, sparse_bytes
from tinybert.steps.prune.units import (
    LinearUnits,
    drop_layers,
    head_units,
    layer_units,
    neuron_units,
)
from tinybert.training.context import Context

logger = logging.getLogger(__name__)


def prune(config: PruneConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """Prunes `model` in place.

    Raises:
        InputError: There are fewer layers than are to be dropped, layers are of low rank, a
            pattern does not divide their widths, or rows are needed and there are none.
    """
    if config.makes_zeros:
        _set_zeros(config, model, context)
    else:
        if config.layers:
            drop_layers(model, _dropped(config, model, context))
        _prune_units(config, model, context)
    note_shape(model)
    return model.eval()


def _dropped(config: PruneConfig, model: PreTrainedModel, context: Context) -> set[int]:
    """The layers to drop, counted from 1."""
    if isinstance(config.layers, list):
        return set(config.layers)
    units = layer_units(model)
    group = Group(units, 1 - layers_left(config.layers, len(units)) / len(units))
    with Gates(model, [group], IMPORTANCES[config.importance]()) as gates:
        calibrate(gates, context, config.calibration_rows)
        (kept,) = choose([torch.cat(gates.scores(group))], group.share)
    return {number for number, stays in enumerate(kept.tolist(), start=1) if not stays}


def _prune_units(config: PruneConfig, model: PreTrainedModel, context: Context) -> None:
    groups: list[Group[LinearUnits]] = []
    if config.heads:
        groups.append(Group(_of_layers(config, head_units(model)), config.heads))
    if config.neurons:
        neurons = _of_layers(config, neuron_units(model))
        groups.append(Group(neurons, config.neurons, config.rounding))
    importance = IMPORTANCES[config.importance]()
    with Gates(model, groups, importance, uniform=config.uniform) as gates:
        if groups:
            calibrate(gates, context, config.calibration_rows)
        _prune(gates, config, model, context)
        kept = gates.open()
    for units, mask in zip(gates.units, kept, strict=True):
        units.shrink(mask)


def _of_layers(config: PruneConfig, units: list[LinearUnits]) -> list[LinearUnits]:
    """The units of the layers whose heads and neurons shall go."""
    if config.of_layers is None:
        return units
    require_layers(config.of_layers, len(units))
    return [units[number - 1] for number in config.of_layers]


def _set_zeros(config: PruneConfig, model: PreTrainedModel, context: Context) -> None:
    zeros = Zeros(
        model,
        share=config.sparsity,
        pattern=config.kept_of_group,
        uniform=config.uniform,
        embeddings=config.embeddings,
    )
    with zeros:
        _prune(zeros, config, model, context)
    weights = [module.weight for module in prunable(model, config.embeddings).values()]
    total = sum(weight.numel() for weight in weights)
    logger.info(
        "%.1f%% of %d weights are 0: %.2f MB of %.2f MB when packed, and no faster on dense "
        "kernels",
        100 * sum(int((weight == 0).sum()) for weight in weights) / total,
        total,
        sparse_bytes(model) / 1e6,
        4 * model.num_parameters() / 1e6,
    )


def _prune(pruner: Pruner, config: PruneConfig, model: PreTrainedModel, context: Context) -> None:
    if config.distill is None:
        pruner.prune_to(1.0)
    else:
        gradually = GradualPruning(pruner, config.pruning_share)
        distill(config.distill, model, context, [gradually])
