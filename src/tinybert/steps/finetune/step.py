"""Fine-tuning: the task's labels, all weights."""

from transformers import PreTrainedModel

from tinybert.steps.finetune.config import FinetuneConfig
from tinybert.training.batches import EncodedExamples
from tinybert.training.context import Context
from tinybert.training.new_head import start_at_frequencies
from tinybert.training.trainer import BucketedTrainer, train_to_end, trainer_options


def finetune(config: FinetuneConfig, model: PreTrainedModel, context: Context) -> PreTrainedModel:
    """Trains `model` in place on `context.train` with the loss of its own head."""
    dataset = EncodedExamples(context.train, context.tokenizer, context.max_length, context.task)
    options = trainer_options(
        config,
        dataset,
        context.tokenizer,
        context.folder,
        seed=context.seed,
        step="finetune",
        progress=context.progress,
    )
    start_at_frequencies(model, context.task, context.train)
    trainer = BucketedTrainer(model=model, **options)
    train_to_end(trainer, gradient_checkpointing=config.gradient_checkpointing)
    return model.eval()
