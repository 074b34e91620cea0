"""Classes of models by their names: those of Transformers, and ours."""

from typing import Any

import transformers

from tinybert.modeling.causal_lm import AutoWriter, is_causal, writer
from tinybert.modeling.question_answering import AutoAnswerer, answerer
from tinybert.modeling.sentence_encoder import AutoSentenceEncoder, sentence_encoder
from tinybert.tasks.causal_lm import CLASS_ENDS as WRITES
from tinybert.tasks.causal_lm import CausalLM
from tinybert.tasks.question_answering import CLASS_END as ANSWERS
from tinybert.tasks.sentence_embedding import CLASS_END as VECTORS


def find_class(name: str) -> Any:
    """A model's class by the name that config.json has; None where nobody has it.

    Example:
        >>> find_class("BertForSentenceEmbedding").__name__, find_class("NoModel")
        ('BertForSentenceEmbedding', None)
    """
    stem = name.removesuffix(VECTORS)
    base = getattr(transformers, f"{stem}Model", None)
    if stem != name and base is not None:
        return sentence_encoder(base)
    stock = getattr(transformers, name, None)
    if stock is not None and name.endswith(ANSWERS):
        return answerer(stock)
    if stock is not None and name.endswith(WRITES) and is_causal(stock.config_class.model_type):
        return writer(stock)
    return stock


def find_head(name: str) -> Any:
    """An auto class by its name, of Transformers or ours; it has `from_config`."""
    if name.endswith(VECTORS):
        return AutoSentenceEncoder
    if name.endswith(ANSWERS):
        return AutoAnswerer
    if name == CausalLM.head:
        return AutoWriter
    return getattr(transformers, name)
