"""What the tests of the methods share."""

from tinybert.steps.augment.config import AugmentConfig
from tinybert.steps.augment.knowledge import Knowledge
from tinybert.steps.augment.methods.method import World
from tinybert.steps.augment.passages import passage_of
from tinybert.steps.augment.split import BlankSplitter

SENTENCES = [
    "a good film about nothing",
    "a very bad film about the market and the bank",
    "great acting, a dull story and Long drums",
    "nothing at all",
    "the old man sat on the mat with a young dog",
]


def configs(wordnet, masked_lm, translators, *methods):
    """The step's settings for some methods that read tiny files."""
    there, back = translators
    settings = {
        "synonyms": {"source": str(wordnet)},
        "masked_lm": {"model": str(masked_lm), "bf16": False},
        "back_translation": {"there": str(there), "back": str(back), "longest": 32},
    }
    keys = {name.replace("-", "_") for name in methods}
    own = {key: value for key, value in settings.items() if key in keys}
    return AugmentConfig(**{"with": list(methods)}, **own)


def world_of(knowledge=Knowledge(), seed=0, **changes):  # noqa: B008 (it can't change)
    return World(split=BlankSplitter(), seed=seed, knowledge=knowledge, **changes)


def passages_of(texts, knowledge=Knowledge()):  # noqa: B008
    return [passage_of({"text": text}, [knowledge.fixed(text)]) for text in texts]
