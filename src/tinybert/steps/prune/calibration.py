"""Running a model on rows of the training data, so that gates can be judged."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel

from tinybert.base.errors import InputError
from tinybert.distillation.predictions import Kind, as_classes, prediction_parts
from tinybert.modeling.distributed import rank, world_size
from tinybert.modeling.observe import frozen, hooked
from tinybert.steps.prune.gates import Gates
from tinybert.training.calibration import calibration_batches
from tinybert.training.context import Context

TEMPERATURE = 4.0
"""The temperature by which `distill` softens predictions too: sure rows have gradients too."""


def calibrate(gates: Gates[Any], context: Context, rows: int) -> None:
    """Lets gates learn how important their units are.

    The loss is the cross-entropy of the model's softened predictions with the answers of
    `context.teacher`. The distillation loss itself is of no use here: where the model is its
    teacher, which is where pruning mostly begins, all its gradients are 0. Nor are labels needed
    so, which made-up rows don't have. A teacher that makes other tokens of a text is not asked, but
    the model itself; nor are those of several tasks. Where several labels may be right it is the
    binary cross-entropy of each. Of a regression it is the value itself, for the same reason.

    Args:
        gates: All open.
        context: Teacher and training rows.
        rows: How many of them.

    Raises:
        InputError: There are no training rows.
    """
    if gates.importance.from_rows:
        _run(gates.model, context, rows)
    gates.learn(1.0)


def _run(model: PreTrainedModel, context: Context, rows: int) -> None:
    if not len(context.train):
        raise InputError("prune: needs training rows, or importance: magnitude")
    foreign = context.teacher_tokenizer is not None or bool(context.part_teachers)
    itself = context.teacher is None or foreign
    teacher: Any = model if itself else context.teacher
    for module in (model, teacher):
        module.eval()
    batches = calibration_batches(context, rows, model.device)
    below: Any = model.get_input_embeddings()
    # The gates' gradients alone are wanted; yet something below all gates must ask for them.
    with frozen(model), hooked({"below": below}, lambda _: _ask_for_gradients):
        for batch in batches[rank() :: world_size()]:  # each process has its part of the rows
            with torch.no_grad():
                wanted = teacher(**batch).logits
            logits = model(**batch).logits
            parts = prediction_parts(model.config)
            mask = batch["attention_mask"]
            if parts[0].kind == "spans":
                parts = [parts[0]._replace(kind="classes")]
                logits, wanted = as_classes(logits, mask), as_classes(wanted, mask)
            elif logits.dim() == 3:  # of tokens: what a head says of padding is nothing
                logits, wanted = logits[mask.bool()], wanted[mask.bool()]
            losses = [loss(logits[:, own], wanted[:, own], kind) for own, kind, _ in parts]
            torch.stack(losses).sum().backward()


def _ask_for_gradients(_: object, __: object, states: Tensor) -> Tensor:
    return states.requires_grad_()


def loss(logits: Tensor, teacher: Tensor, kind: Kind) -> Tensor:
    """What `calibrate` takes gradients of.

    Args:
        logits: (batch, outputs); of a head for tokens (tokens, outputs).
        teacher: The teacher's, likewise.
        kind: What they are.

    Returns:
        A sum over rows, so that rows count alike in batches of any size.
    """
    if kind == "values":
        return logits.sum()
    softened = logits / TEMPERATURE
    if kind == "sigmoids":
        answers = (teacher > 0).to(softened)
        return functional.binary_cross_entropy_with_logits(softened, answers, reduction="sum")
    return functional.cross_entropy(softened, teacher.argmax(-1), reduction="sum")
