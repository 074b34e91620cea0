"""Texts sampled from a masked-LM head.

BERT as a Markov random field (Wang & Cho, arXiv:1902.04094): from a text of masks alone, tokens
are masked and drawn anew given the others. Some tokens of a text are drawn at once, as
Mask-Predict does (arXiv:1904.09324), which saves as many forward passes.
"""

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.steps.generate.config import GenerateConfig
from tinybert.steps.generate.template import Template
from tinybert.steps.generate.turns import turns
from tinybert.steps.generate.vocabulary import Vocabulary


@torch.no_grad()
def sample(
    model: PreTrainedModel,
    template: Template,
    vocabulary: Vocabulary,
    rows: int,
    config: GenerateConfig,
    generator: torch.Generator,
) -> Tensor:
    """Draws texts from the model.

    Args:
        model: With a masked-LM head, in eval mode.
        template: The form of the texts.
        vocabulary: The tokens that may be drawn.
        rows: How many texts.
        config: How long to sample.
        generator: Of the CPU.

    Returns:
        Token ids (rows, places).
    """
    masked = template.mask_id
    tokens = torch.full((rows, len(template)), masked)
    # No text begins within a word.
    usable = vocabulary.starts + vocabulary.inside * ~template.first[:, None] > 0
    for places in turns(rows, len(template), config.steps, config.share, generator):
        inputs = template.fill(tokens.scatter(1, places, masked))
        logits = model(**inputs).logits[:, template.free].float().cpu()
        logits = logits.gather(1, places[..., None].expand(-1, -1, logits.shape[2]))
        logits = logits.masked_fill(~usable[places], -torch.inf) / config.temperature
        drawn = torch.multinomial(logits.flatten(0, 1).softmax(-1), 1, generator=generator)
        tokens = tokens.scatter(1, places, drawn.view_as(places))
    return tokens
