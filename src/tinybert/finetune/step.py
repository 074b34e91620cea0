"""Fine-tuning: the task's labels, all weights."""

from transformers import PreTrainedModel

from tinybert.context import Context
from tinybert.finetune.config import FinetuneConfig
from tinybert.training.batches import EncodedExamples
from tinybert.training.trainer import train


def finetune(config: FinetuneConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """Trains `model` in place on `context.train` with the loss of its own head."""
    dataset = EncodedExamples(context.train, context.tokenizer, context.max_length)
    train(
        model,
        config,
        dataset,
        context.tokenizer,
        context.folder,
        seed=context.seed,
        step="finetune",
        progress=context.progress,
    )
    return model
