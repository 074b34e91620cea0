"""Distillation on the task's rows: the student learns to do as the teacher does."""

from itertools import islice

import torch
from torch import nn
from transformers import DataCollatorWithPadding, PreTrainedModel

from tinybert.context import Context
from tinybert.distill.config import DistillConfig
from tinybert.distill.trainer import DistillationModel, DistillationTrainer
from tinybert.layers import map_layers
from tinybert.regression import LinearFit
from tinybert.training.batches import EncodedExamples, LengthBucketedSampler
from tinybert.training.trainer import train

PROJECTION_BATCHES = 16
"""Enough tokens for a few hundred unknowns a projection."""


def distill(config: DistillConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """Trains `model` in place against `context.teacher`."""
    teacher = context.teacher
    assert teacher is not None, "the recipe refuses `distill` before `student`"
    dataset = EncodedExamples(context.train, context.tokenizer, context.max_length)
    attention = model.config._attn_implementation, teacher.config._attn_implementation
    if config.attention:
        # Fused attention never forms the maps that this loss compares.
        model.set_attn_implementation("eager")
        teacher.set_attn_implementation("eager")
    mapping = map_layers(
        teacher.config.num_hidden_layers, model.config.num_hidden_layers, config.mapping
    )
    pupil = DistillationModel(model, teacher.config.hidden_size, config, mapping)
    fit_projections(pupil, teacher, dataset, context)
    train(
        pupil,
        config,
        dataset,
        context.tokenizer,
        context.folder,
        seed=context.seed,
        step="distill",
        progress=context.progress,
        trainer_class=DistillationTrainer,
        teacher=teacher,
    )
    model.set_attn_implementation(attention[0])
    teacher.set_attn_implementation(attention[1])
    return model


@torch.no_grad()
def fit_projections(
    pupil: DistillationModel,
    teacher: PreTrainedModel,
    dataset: EncodedExamples,
    context: Context,
) -> None:
    """Starts each projection at its least-squares solution on a few batches.

    A random projection would first pull a well initialised student away from its place.
    """
    if not pupil.projections:
        return
    width = pupil.student.config.hidden_size
    fits = [LinearFit(width, teacher.config.hidden_size) for _ in pupil.projections]
    collate = DataCollatorWithPadding(context.tokenizer, return_tensors="pt")
    order = LengthBucketedSampler(dataset.lengths, 32, seed=context.seed, epoch=lambda: 0)
    rows = islice(order, 32 * PROJECTION_BATCHES)
    pupil.eval()
    while chunk := list(islice(rows, 32)):
        features = collate([dataset[index] for index in chunk])
        batch = {name: values.to(teacher.device) for name, values in features.items()}
        batch.pop("labels", None)
        mask = batch["attention_mask"].bool()
        own = pupil.student(**batch, output_hidden_states=True).hidden_states
        theirs = teacher(**batch, output_hidden_states=True).hidden_states
        for fit, (layer, target) in zip(fits, pupil.matched_layers(), strict=True):
            fit.add(own[layer][mask], theirs[target][mask])
    for fit, projection in zip(fits, pupil.projections, strict=True):
        assert isinstance(projection, nn.Linear)
        fit.solve(projection)
