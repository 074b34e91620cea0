"""Windows of the second text of a pair, each of them behind the whole first one."""

from tokenizers import Tokenizer

from tinybert.base.errors import InputError, short
from tinybert.tasks.rows import Examples, text_parts


def check_first_texts(
    tokenizer: Tokenizer,
    rows: Examples,
    max_length: int,
    overlap: int | None,
    number: int = 1,
) -> None:
    """Refuses pairs whose first text leaves no room for windows of the second.

    Args:
        tokenizer: It forgets how texts were to be cut.
        rows: Pairs.
        max_length: Tokens of a window.
        overlap: Tokens of the second text that neighbouring windows share.
        number: Of the first row, for messages.

    Raises:
        InputError: A first text is too long; the message names it.
    """
    tokenizer.no_truncation()
    tokenizer.no_padding()
    special = tokenizer.num_special_tokens_to_add(is_pair=True)
    room = max(0, max_length - special - (overlap or 0) - 1)
    firsts = [text_parts(text)[0] for text in rows.texts]
    encodings = tokenizer.encode_batch(firsts, add_special_tokens=False)
    for text, encoding in zip(firsts, encodings, strict=True):
        if len(encoding) > room:
            raise InputError(
                f"{rows.source}: text {number}: {short(text)} has {len(encoding)} tokens, and of "
                f"the {max_length} that are read at once {room} are for it, so that there is room "
                "for windows of what follows; shorten it, or read more (data.max_length, or a "
                "model of more positions)"
            )
        number += 1
