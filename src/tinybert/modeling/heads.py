"""Classes of models by their names: those of Transformers, and ours."""

from typing import Any

import transformers

from tinybert.modeling import question_answering, sentence_encoder


def find_class(name: str) -> Any:
    """A model's class by the name that config.json has; None where nobody has it.

    Example:
        >>> find_class("BertForSentenceEmbedding").__name__, find_class("NoModel")
        ('BertForSentenceEmbedding', None)
    """
    stem = name.removesuffix(sentence_encoder.CLASS_END)
    base = getattr(transformers, f"{stem}Model", None)
    if stem != name and base is not None:
        return sentence_encoder.sentence_encoder(base)
    stock = getattr(transformers, name, None)
    if stock is not None and name.endswith(question_answering.CLASS_END):
        return question_answering.answerer(stock)
    return stock


def find_head(name: str) -> Any:
    """An auto class by its name, of Transformers or ours; it has `from_config`."""
    if name.endswith(sentence_encoder.CLASS_END):
        return sentence_encoder.AutoSentenceEncoder
    if name.endswith(question_answering.CLASS_END):
        return question_answering.AutoAnswerer
    return getattr(transformers, name)
