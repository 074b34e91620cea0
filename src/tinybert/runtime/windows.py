"""Windows of the second text of a pair, each of them behind the whole first one."""

from collections.abc import Sequence

from tokenizers import Tokenizer

from tinybert.base.errors import InputError, short
from tinybert.tasks.rows import Text


def check_first_texts(
    tokenizer: Tokenizer, texts: Sequence[Text], max_length: int, overlap: int
) -> None:
    """Refuses pairs whose first text leaves no room for windows of the second.

    Args:
        tokenizer: It forgets how texts were to be cut.
        texts: Pairs.
        max_length: Tokens of a window.
        overlap: Tokens of the second text that neighbouring windows share.

    Raises:
        InputError: A first text is too long; the message names it.
    """
    tokenizer.no_truncation()
    tokenizer.no_padding()
    room = max_length - tokenizer.num_special_tokens_to_add(is_pair=True) - overlap - 1
    firsts = [text[0] if isinstance(text, tuple) else text for text in texts]
    for number, encoding in enumerate(
        tokenizer.encode_batch(firsts, add_special_tokens=False), start=1
    ):
        if len(encoding) > room:
            raise InputError(
                f"text {number}: its first part, {short(firsts[number - 1])}, has {len(encoding)} "
                f"tokens, and of {max_length} that the model reads at once {max(room, 0)} are for "
                "it, so that windows of the second part can move; shorten it, or take a model "
                "(or a data.max_length) that reads more"
            )
