"""Texts for which a task head gives the predictions that were drawn for them.

Zero-shot distillation (Nayak et al., arXiv:1905.08114) draws soft labels and changes random inputs
until the teacher gives them; for tokens, the gradient of the embeddings says which replacement
lowers the loss most (HotFlip, arXiv:1712.06751).
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel

from tinybert.distillation.losses import sigmoid_divergence
from tinybert.distillation.predictions import Kind, count_outputs, prediction_kind
from tinybert.steps.generate.config import GenerateConfig
from tinybert.steps.generate.template import Template
from tinybert.steps.generate.turns import turns
from tinybert.steps.generate.vocabulary import Vocabulary

PIECES = 0.15
"""Share of the tokens that go on with a word: 16% in SST-2, 17% in Wikipedia and books."""

SPREAD = 3.0
"""Standard deviation of drawn logits: with two classes 28% of the targets are surer than 0.99 and
a third less sure than 0.87."""


def search(
    model: PreTrainedModel,
    template: Template,
    vocabulary: Vocabulary,
    rows: int,
    config: GenerateConfig,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Makes texts that the model predicts as drawn.

    A step replaces some tokens of each text and keeps what lowered the text's own loss.

    Args:
        model: With a task head, in eval mode; neither its weights nor their gradients change.
        template: The form of the texts.
        vocabulary: What to draw from.
        rows: How many texts.
        config: How long to search.
        generator: Of the CPU.

    Returns:
        Token ids (rows, places), and the losses (steps + 1, rows) from the random texts on.
    """
    embeddings: Any = model.get_input_embeddings()
    table = embeddings.weight.detach().cpu()
    tokens, inside = random_tokens(template, vocabulary, rows, generator)
    targets = draw_targets(model, template, tokens, generator)
    loss, gradient = _loss_and_gradient(model, template, tokens, targets)
    losses = [loss]
    for places in turns(rows, len(template), config.steps, config.share, generator):
        pool = vocabulary.draw(
            inside.gather(1, places)[..., None].expand(-1, -1, config.candidates), generator
        )
        best = best_of(pool, gradient.gather(1, _wide(places, gradient)), table)
        tried = tokens.scatter(1, places, best)
        new_loss, new_gradient = _loss_and_gradient(model, template, tried, targets)
        better = new_loss < loss
        tokens = torch.where(better[:, None], tried, tokens)
        gradient = torch.where(better[:, None, None], new_gradient, gradient)
        loss = torch.where(better, new_loss, loss)
        losses.append(loss)
    return tokens, torch.stack(losses)


def random_tokens(
    template: Template, vocabulary: Vocabulary, rows: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Random words; the second text of a pair repeats a random share of the first.

    Two random texts never mean nearly the same, and what a pair means to most teachers is how
    much of it agrees.

    Returns:
        Token ids, and whether each is within a word, both (rows, places).
    """
    inside = torch.rand(rows, len(template), generator=generator) < PIECES
    inside &= ~template.first & vocabulary.inside.any()
    tokens = vocabulary.draw(inside, generator)
    first, second = ((template.segments == text).nonzero().flatten() for text in (0, 1))
    count = min(len(first), len(second))
    first, second = first[:count], second[:count]
    share = torch.rand(rows, 1, generator=generator)
    repeated = torch.rand(rows, count, generator=generator) < share
    for values in (tokens, inside):
        values[:, second] = torch.where(repeated, values[:, first], values[:, second])
    return tokens, inside


@torch.no_grad()
def draw_targets(
    model: PreTrainedModel, template: Template, tokens: Tensor, generator: torch.Generator
) -> Tensor:
    """What the model shall predict for each text, from sure to unsure.

    Returns:
        Log-probabilities (rows, classes); of sigmoids their logits (rows, labels), about those of
        the random texts `tokens` (rows, places), so that frequent labels stay so; of a regression
        values (rows, 1), in a range twice as wide as that of these texts.
    """
    kind, classes = prediction_kind(model.config), count_outputs(model.config)
    if kind == "classes":
        drawn = torch.randn(len(tokens), classes, generator=generator)
        return (SPREAD * drawn).log_softmax(-1)
    given = model(**template.fill(tokens)).logits.cpu()
    if kind == "sigmoids":
        return given.mean(0) + SPREAD * torch.randn(given.shape, generator=generator)
    low, high = given.min(), given.max()
    return low + (high - low) * (2 * torch.rand(given.shape, generator=generator) - 0.5)


def best_of(pool: Tensor, gradient: Tensor, table: Tensor) -> Tensor:
    """The candidates whose embeddings lower the loss most, to first order.

    Args:
        pool: (rows, count, candidates), token ids for some places of each text.
        gradient: (rows, count, width), of the loss by the embeddings at these places.
        table: (vocabulary, width), the embeddings.

    Returns:
        (rows, count), token ids.
    """
    change = torch.einsum("rcw,rckw->rck", gradient, table[pool])
    return pool.gather(2, change.argmin(2, keepdim=True)).squeeze(2)


def _loss_and_gradient(
    model: PreTrainedModel, template: Template, tokens: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor]:
    """The loss of each text, (rows,), and its gradient by the embeddings (rows, places, width)."""
    inputs = template.fill(tokens)
    embedded = model.get_input_embeddings()(inputs.pop("input_ids")).detach().requires_grad_()
    logits = model(**inputs, inputs_embeds=embedded).logits
    loss = _distance(logits, targets.to(logits.device), prediction_kind(model.config))
    (gradient,) = torch.autograd.grad(loss.sum(), embedded)
    return loss.detach().cpu(), gradient[:, template.free].cpu()


def _distance(logits: Tensor, targets: Tensor, kind: Kind) -> Tensor:
    """(rows,), of logits (rows, outputs) from what `draw_targets` gave, by their kind."""
    if kind == "values":
        return (logits - targets).square().sum(1)
    if kind == "sigmoids":
        return sigmoid_divergence(logits, targets).sum(1)
    own = logits.log_softmax(-1)
    return functional.kl_div(own, targets, log_target=True, reduction="none").sum(1)


def _wide(places: Tensor, values: Tensor) -> Tensor:
    """Indices (rows, count) of the second of three dimensions, as `gather` takes them."""
    return places[..., None].expand(-1, -1, values.shape[2])
