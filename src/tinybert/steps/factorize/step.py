"""Low-rank factorisation of feed-forward, attention and embedding weights."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinybert.base.errors import InputError
from tinybert.families import ROLES, Role, require
from tinybert.modeling.blocks import blocks
from tinybert.modeling.low_rank import LowRankLinear
from tinybert.modeling.observe import Batch, input_statistics
from tinybert.modeling.parts import family_in, replace_module, word_table
from tinybert.steps.factorize.config import FactorizeConfig
from tinybert.steps.factorize.embeddings import count_pieces, factorize_embeddings
from tinybert.steps.factorize.svd import chosen_rank, factors, spectrum
from tinybert.training.calibration import calibration_batches
from tinybert.training.context import Context

logger = logging.getLogger(__name__)

DEFAULT_ENERGY = 0.9


def factorize(config: FactorizeConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """Replaces linear layers and tables of `model` by products, in place, and returns it."""
    before = model.num_parameters()
    energy = config.energy or DEFAULT_ENERGY

    def choose(values: Tensor) -> int:
        return config.rank or chosen_rank(values, energy, config.multiple)

    found: dict[str, int] = {}
    if config.of_layers:
        batches = calibration_batches(context, config.calibration_rows, model.device)
        roles = [role for part in config.of_layers for role in ROLES[part]]
        found |= factorize_layers(model, batches, roles, choose)
    if "embeddings" in config.parts:
        found |= factorize_embeddings(model, count_pieces(context, word_table(model)), choose)
    if not found:
        what = f"rank {config.rank}" if config.rank else f"energy {energy:g}"
        raise InputError(
            f"factorize: {what} would make no matrix smaller; give a smaller rank, or less energy"
        )
    logger.info("%d parameters of %d are left", model.num_parameters(), before)
    return model


def factorize_layers(
    model: PreTrainedModel,
    batches: Sequence[Batch],
    roles: Sequence[Role],
    choose: Callable[[Tensor], int],
) -> dict[str, int]:
    """Replaces linear layers of every transformer layer, where that saves parameters.

    Args:
        model: Changed in place.
        batches: Tokenized rows, which show what the layers are given.
        roles: Of linear layers within a transformer layer, such as "down". Several that are one
            layer, as queries, keys and values in some families, become one product.
        choose: Gives the rank for a layer's `spectrum`.

    Returns:
        The rank of each replaced layer, by its name in the model's encoder.

    Raises:
        InputError: The model's family can't do it.

    Example:
        >>> factorize_layers(model, batches, ["down"], lambda _: 64)  # doctest: +SKIP
        {'encoder.layer.0.output.dense': 64, 'encoder.layer.1.output.dense': 64}
    """
    base: Any = model.base_model
    require(family_in(model), "factorize")
    layers = {
        name: layer for block in blocks(model) for name, layer in block.linears(roles).items()
    }
    found = {name: layer for name, layer in layers.items() if isinstance(layer, nn.Linear)}
    ranks = {}
    for name, mean, covariance in input_statistics(model, batches, found):
        layer = found[name]
        rank = choose(spectrum(layer.weight, covariance))
        if rank * sum(layer.weight.shape) < layer.weight.numel():
            replace_module(base, name, low_rank(layer, mean, covariance, rank))
            ranks[name] = rank
    return ranks


@torch.no_grad()
def low_rank(layer: nn.Linear, mean: Tensor, covariance: Tensor, rank: int) -> LowRankLinear:
    """The product of this rank whose outputs differ least from the layer's, in mean square.

    The mean of the outputs stays as it is, by the bias: no rank is spent on it. A layer without a
    bias gets none.

    Args:
        layer: (outputs, inputs).
        mean: (inputs,), of its inputs.
        covariance: (inputs, inputs), likewise.
        rank: Of the product.
    """
    biased = layer.bias is not None
    product = LowRankLinear(layer.in_features, rank, layer.out_features, bias=biased)
    if not biased:  # nothing else takes up the mean
        covariance = covariance + mean.outer(mean)
    up, down = factors(layer.weight, covariance, rank)
    product.up.weight.copy_(up)
    product.down.weight.copy_(down)
    if biased:
        lost = layer.weight.cpu() - up @ down
        product.up.bias.copy_(layer.bias.cpu() + lost @ mean.float())
    return product.to(layer.weight).train(layer.training)
