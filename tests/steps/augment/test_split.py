import random

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import BertTokenizerFast, PreTrainedTokenizerFast

from tinybert.base.errors import InputError
from tinybert.steps.augment.split import WordSplitter, changeable, join_words
from tinybert.steps.augment.words import change_word

ENGLISH = "A Good film, isn't  it?"
CHINESE = "这部电影很好，我喜欢。"  # noqa: RUF001
JAPANESE = "この映画はとても面白いです。"
THAI = "ภาพยนตร์เรื่องนี้สนุกมาก"


@pytest.fixture(scope="module")
def wordpiece(tiny_tokenizer_dir):
    """As BERT's: each Chinese character is a word, a Thai sentence is one."""
    tokenizer = BertTokenizerFast.from_pretrained(tiny_tokenizer_dir)
    # What a training step's call leaves behind, which must not cut or fill texts.
    tokenizer(["a", "a b"], truncation=True, max_length=3, padding="max_length")
    return WordSplitter(tokenizer)


@pytest.fixture(scope="module")
def sentencepiece():
    """As XLM-RoBERTa's: pieces of any script, words are what blanks part."""
    pieces = [
        "<unk>",
        "▁",
        "电影",
        "喜欢",
        "很",
        "ภาพยนตร์",
        "เรื่อง",
        "นี้",
        "สนุก",
        "มาก",
        "Py",
        "thon",
    ]
    model = models.Unigram([(piece, -float(number)) for number, piece in enumerate(pieces)], 0)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return WordSplitter(PreTrainedTokenizerFast(tokenizer_object=tokenizer))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ENGLISH, ["A", "Good", "film,", "isn't", "it?"]),
        (CHINESE, list(CHINESE)),
        (JAPANESE, ["この", "映", "画", "はとても", "面", "白", "いです", "。"]),
        (THAI, [THAI]),
        ("我用Python编程, OK", ["我", "用", "Python", "编", "程", ",", "OK"]),
        ("a 好 film", ["a", "好", "film"]),
        ("好👍🏽吗 👩‍👩‍👧 ok", ["好", "👍🏽", "吗", "👩‍👩‍👧", "ok"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("か\u3099映", ["か\u3099", "映"]),
        ("", []),
    ],
)
def test_words_of_wordpiece(wordpiece, text, words):
    assert wordpiece(text) == words
    assert "".join(words) == "".join(text.split()), "nothing of the text is lost"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ENGLISH, ["A", "Good", "film,", "isn't", "it?"]),
        ("我很喜欢电影", ["我", "很", "喜欢", "电影"]),
        (THAI, ["ภาพยนตร์", "เรื่อง", "นี้", "สนุก", "มาก"]),
        ("喜欢Python", ["喜欢", "Python"]),
    ],
)
def test_words_of_sentencepiece(sentencepiece, text, words):
    assert sentencepiece(text) == words


@pytest.mark.parametrize("text", [CHINESE, JAPANESE, THAI, "好👍🏽吗!", "A Good film, isn't it?"])
def test_words_join_to_the_text(wordpiece, sentencepiece, text):
    for split in (wordpiece, sentencepiece):
        assert join_words(split(text)) == text


def test_scripts_are_parted_where_they_meet():
    assert join_words(["the", "电", "影", "was", "good"]) == "the 电影 was good"
    assert join_words([]) == ""


@pytest.mark.parametrize("text", [CHINESE, JAPANESE])
def test_one_word_changes(wordpiece, text):
    """It was the whole text, twice."""
    words = wordpiece(text)
    generator = random.Random(0)
    changed = [change_word(text, words, generator, wordpiece) for _ in range(100)]
    assert len(set(changed)) > 20
    for other in changed:
        assert abs(len(other) - len(text)) <= max(map(len, words))
        assert set(other) <= set(text)


def test_the_same_changes_where_blanks_part_words(wordpiece):
    for text in (ENGLISH, "one two three four", "Ünïcode, über alles!"):
        before, now = (
            [change_word(text, ["new"], random.Random(seed), split) for seed in range(50)]
            for split in (str.split, wordpiece)
        )
        assert before == now


def test_texts_whose_words_are_not_known(wordpiece, sentencepiece):
    assert changeable([CHINESE, THAI, ("good", THAI), ENGLISH, JAPANESE], wordpiece) == [
        CHINESE,
        ENGLISH,
        JAPANESE,
    ]
    assert changeable([THAI], sentencepiece) == [THAI]
    with pytest.raises(InputError, match="2 of 3 texts are in a script without blanks"):
        changeable([CHINESE, THAI, ("good", THAI)], wordpiece)
