"""Which entries of a vocabulary are whole words."""

from transformers import PreTrainedTokenizerBase

from tinybert.steps.augment.split import is_unspaced


def whole_words(tokenizer: PreTrainedTokenizerBase, size: int) -> dict[int, str]:
    """The tokens that a word within a text is read as, and the word, without a blank before it.

    Args:
        tokenizer: Of any kind.
        size: Rows of the embedding table, which may be more than the tokenizer knows, or less.

    Example:
        >>> whole_words(tokenizer, 30522)[2143]  # doctest: +SKIP
        'film'
    """
    special = {*tokenizer.all_special_ids}
    ids = [id_ for id_ in range(min(size, len(tokenizer))) if id_ not in special]
    texts = tokenizer.batch_decode([[id_] for id_ in ids])
    words = {
        id_: word
        for id_, word in zip(ids, map(str.strip, texts), strict=True)
        if word.isalpha() and (len(word) > 1 or is_unspaced(word))
    }
    begin = tokenizer.encode("a", add_special_tokens=False)
    written = [f"a {word}" for word in words.values()]
    if not written:
        return {}
    read = tokenizer(written, add_special_tokens=False)["input_ids"]
    return {
        id_: word
        for (id_, word), tokens in zip(words.items(), read, strict=True)
        if list(tokens) == [*begin, id_]
    }
