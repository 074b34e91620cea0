"""Every way to change texts: one file of this folder, and one line here."""

from tinybert.steps.augment.methods.back_translation import BackTranslationMethod
from tinybert.steps.augment.methods.masked_lm import MaskedLMMethod
from tinybert.steps.augment.methods.method import Method
from tinybert.steps.augment.methods.synonyms import SynonymsMethod
from tinybert.steps.augment.methods.words import WordsMethod

METHODS: dict[str, type[Method]] = {
    each.name: each
    for each in (
        WordsMethod,
        SynonymsMethod,
        MaskedLMMethod,
        BackTranslationMethod,
    )
}
"""The settings of each method by its name."""
