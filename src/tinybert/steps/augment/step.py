"""More training texts: what the step does."""

from transformers import PreTrainedModel

from tinybert.steps.augment.config import AugmentConfig
from tinybert.steps.augment.knowledge import read_knowledge
from tinybert.steps.augment.make import make, read_passages
from tinybert.steps.augment.methods.method import World
from tinybert.steps.augment.passages import changed_row
from tinybert.steps.augment.split import WordSplitter
from tinybert.tasks.rows import row_text
from tinybert.tasks.task import Row, Text
from tinybert.training.context import Context


def augment(
    config: AugmentConfig, model: PreTrainedModel, context: Context
) -> list[Text] | list[Row]:
    """The training texts, and changed ones.

    Args:
        config: How, and how many.
        model: Not asked; the words are those of the training texts, or of what a method reads.
        context: Its training rows need no labels, and its tokenizer parts the words of scripts
            that are written without blanks.

    Returns:
        The training texts as they are and in their order, then `config.copies` changed ones of
        each by each method, less those that are there already. Where labels are of words they are
        rows, whose words stay in their places.

    Raises:
        InputError: Of most texts the words can't be told apart.
    """
    world = World(
        split=WordSplitter(context.tokenizer),
        seed=context.seed,
        model=context.given,
        knowledge=read_knowledge(config.protect, config.rules),
        progress=context.progress,
    )
    rows = context.train.rows
    passages = read_passages(context.task, context.train, world)
    new = [changed_row(rows[made.source], made) for made in make(passages, config.work, world)]
    both = [*rows, *new]
    return [*map(row_text, both)] if context.task.learns_from_texts else both
