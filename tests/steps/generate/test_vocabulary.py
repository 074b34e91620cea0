import pytest
import torch

from tinybert.base.errors import InputError
from tinybert.steps.generate.vocabulary import read_vocabulary


def spelled(tokenizer, probabilities):
    return set(tokenizer.convert_ids_to_tokens(probabilities.nonzero().flatten().tolist()))


@pytest.fixture
def byte_level():
    """A tokenizer as RoBERTa's, which has been shown a few words."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    inner = ByteLevelBPETokenizer()
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    text = ["the lowest newest widest film was the lowest of the films"] * 20
    inner.train_from_iterator(text, vocab_size=300, special_tokens=specials)
    names = dict(zip(("bos", "pad", "eos", "unk", "mask"), specials, strict=True))
    return PreTrainedTokenizerFast(
        tokenizer_object=inner._tokenizer, **{f"{name}_token": it for name, it in names.items()}
    )


def test_words_and_pieces_are_told_apart(tokenizer, vocabulary):
    starts, inside = (spelled(tokenizer, it) for it in (vocabulary.starts, vocabulary.inside))
    assert {"film", "good", "a", "7", "$"} <= starts
    assert {"##s", "##1"} <= inside
    assert {piece for piece in inside if not piece.startswith("##")} == {"!", ",", ".", "?"}
    assert not any(piece.startswith("##") for piece in starts)
    assert not (starts | inside) & set(tokenizer.all_special_tokens)


def test_what_is_not_read_back_is_left_out(tiny_bert_dir, tmp_path):
    from transformers import BertTokenizerFast

    entries = (tiny_bert_dir / "vocab.txt").read_text(encoding="utf-8").split()
    odd = ["[unused0]", "Upper", "café", "\u200b"]
    (tmp_path / "vocab.txt").write_text("\n".join([*entries, *odd, "story's", "plain"]) + "\n")
    tokenizer = BertTokenizerFast.from_pretrained(tmp_path)
    starts = spelled(tokenizer, read_vocabulary(tokenizer, len(tokenizer)).starts)
    assert "plain" in starts
    assert not starts & {*odd, "story's"}


def test_byte_level_tokens(byte_level):
    vocabulary = read_vocabulary(byte_level, len(byte_level))
    starts, inside = (spelled(byte_level, it) for it in (vocabulary.starts, vocabulary.inside))
    assert "Ġthe" in starts
    assert all(piece.startswith("Ġ") and piece != "Ġ" for piece in starts)
    assert {"s", "!"} <= inside
    assert not any(piece.startswith("Ġ") for piece in inside)
    assert "Ċ" not in inside  # a line break


def test_a_longer_embedding_table_is_not_drawn_from(tokenizer):
    vocabulary = read_vocabulary(tokenizer, len(tokenizer) + 7)
    assert vocabulary.starts.shape == (len(tokenizer) + 7,)
    assert not vocabulary.starts[-7:].any()


def test_early_words_are_frequent(tokenizer, vocabulary):
    ids = tokenizer.convert_tokens_to_ids(["an", "the", "software"])
    first, second, last = vocabulary.starts[ids].tolist()
    assert first > second > 3 * last > 0
    single = [len(word) == 1 for word in tokenizer.convert_ids_to_tokens(range(len(tokenizer)))]
    share = vocabulary.starts[torch.tensor(single)].sum()
    count = (vocabulary.starts[torch.tensor(single)] > 0).sum() / (vocabulary.starts > 0).sum()
    torch.testing.assert_close(share, count)
    for probabilities in (vocabulary.starts, vocabulary.inside):
        torch.testing.assert_close(probabilities.sum(), torch.tensor(1.0))


def test_draws_are_of_the_wanted_kind(vocabulary, dice):
    inside = torch.rand(50, 4, generator=dice()) < 0.5
    drawn = vocabulary.draw(inside, dice())
    assert drawn.shape == inside.shape
    assert vocabulary.inside[drawn[inside]].all()
    assert vocabulary.starts[drawn[~inside]].all()
    assert not torch.equal(vocabulary.draw(inside, dice(1)), drawn)


def test_a_tokenizer_without_words_is_refused(tiny_bert_dir, tmp_path):
    from transformers import BertTokenizerFast

    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n##a\n")
    tokenizer = BertTokenizerFast.from_pretrained(tmp_path)
    with pytest.raises(InputError, match="can't read any word"):
        read_vocabulary(tokenizer, len(tokenizer))
