"""How often texts use each piece of a vocabulary."""

import itertools
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from tinybert.training.packing import tokenized


def count_pieces(
    texts: Iterable[str],
    tokenizer: PreTrainedTokenizerBase,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.int64]:
    """Counts pieces, special ones that a model adds left out; texts are not cut.

    Args:
        texts: Read as they are needed.
        tokenizer: A fast one.
        progress: Called now and then with the number of texts counted so far.

    Returns:
        (ids,), the count of each id.

    Example:
        >>> from transformers import BertTokenizer
        >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "film"]
        >>> tokenizer = BertTokenizer({word: number for number, word in enumerate(words)})
        >>> count_pieces(["a film", "film"], tokenizer).tolist()
        [0, 0, 0, 0, 0, 1, 2]
    """
    counts = np.zeros(1 + max(tokenizer.get_vocab().values()), np.int64)
    done = 0
    for rows in tokenized(texts, tokenizer):
        ids = np.fromiter(itertools.chain.from_iterable(rows), np.int64)
        counts += np.bincount(ids, minlength=len(counts))
        done += len(rows)
        if progress is not None:
            progress(done)
    return counts
