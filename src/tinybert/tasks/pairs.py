"""One text or two: a model of single texts answers pairs too, and means nothing by it."""

from collections.abc import Mapping, Sequence
from typing import Any

from tinybert.base.errors import InputError
from tinybert.tasks.config import is_classifier_of, saved_fields
from tinybert.tasks.question_answering import CLASS_END, QuestionAnswering
from tinybert.tasks.task import Text


def texts_per_input(config: Mapping[str, Any]) -> int | None:
    """How many texts a model reads as one input: 1, or 2, which are a pair.

    Returns:
        None where config.json does not say, as that of a model that we did not make.

    Raises:
        InputError: What it says is damaged.

    Example:
        >>> texts_per_input({"tinybert": {"task": {"text": ["premise", "hypothesis"]}}})
        2
    """
    if is_classifier_of(config, QuestionAnswering.kind, CLASS_END):
        return 2
    columns = saved_fields(config, ["text"]).get("text")
    return None if columns is None else len(columns)


def check_pairs(texts: Sequence[Text], reads: int | None, joins: bool, whose: str) -> None:
    """Refuses pairs where a model reads one text, and single texts where it reads pairs.

    Args:
        texts: Sentences, or pairs as tuples.
        reads: Texts that the model reads as one input; None where that is not known.
        joins: Whether its tokenizer makes one input of two texts, with a token between.
        whose: Names the model.

    Raises:
        InputError: They are not what the model reads; the message names the first that is not.

    Example:
        >>> check_pairs([("a", "b")], 1, True, "out")
        Traceback (most recent call last):
        tinybert.base.errors.InputError: out: reads one text at a time, and text 1 is a pair
    """
    for number, text in enumerate(texts, start=1):
        pair = isinstance(text, tuple)
        if pair and reads == 1:
            raise InputError(f"{whose}: reads one text at a time, and text {number} is a pair")
        if pair and reads is None and not joins:
            raise InputError(
                f"{whose}: text {number} is a pair, and the tokenizer puts nothing between two "
                "texts: this is no model of pairs"
            )
        if not pair and reads == 2:
            raise InputError(
                f"{whose}: reads pairs, and text {number} is one text; a pair is a tuple of two "
                "(`predict` takes --pair, or --text twice)"
            )
