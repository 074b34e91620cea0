"""Words in windows of tokens: offsets hold for every script, and no window loses a word."""

import random
import unicodedata

import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from tinybert.tasks.windows import find_words, join_bounds

CORPUS = [
    "the quick brown fox jumps over the lazy dog in Berlin and New York City , U.S. !",
    "Peter Blackburn met Zoë in München ; naïve café 北京 上海 東京",
]
PARTS = [
    *("Berlin", "U.S.", "don't", "state-of-the-art", "$5", "(1996)", "a", "I.B.M.,"),
    *("naïve", "cafe\u0301", "e\u0301cole", "Zoë", "A\u030angstro\u0308m", "ﬁne", "İstanbul"),
    *("北京", "東京タワー", "上海人", "สวัสดี", "नमस्ते", "שלום", "한국어"),
    *("😀", "👩\u200d🚀", "🇩🇪", "❤\ufe0f", "a😀b", "1\ufe0f\u20e3"),
    *("x" * 150, "\u200b", "\xad", "\x07", "[SEP]", "<s>"),
]
BLANKS = [" ", "  ", "\r\n", "\t", "\u00a0", "\u3000", "\n\n"]


def word_piece():
    letters = sorted({*"".join(CORPUS), *map(chr, range(33, 127))} - {" "})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{each}" for each in letters)]
    made = Tokenizer(models.WordPiece({piece: at for at, piece in enumerate(vocabulary)}))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.add_special_tokens(["[CLS]", "[SEP]"])
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return made


def byte_level():
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet
    )
    made.train_from_iterator(CORPUS, trainer)
    made.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0))
    return made


def unigram():
    made = Tokenizer(models.Unigram())
    # As the precompiled one of XLM-RoBERTa, every blank is a blank.
    blanks = normalizers.Replace(Regex(r"\s"), " ")
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), blanks])
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=120, special_tokens=["<s>", "</s>", "<unk>"], unk_token="<unk>"
    )
    made.train_from_iterator(CORPUS, trainer)
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    return made


TOKENIZERS = {"word-piece": word_piece, "byte-level": byte_level, "unigram": unigram}


@pytest.fixture(scope="module", params=TOKENIZERS)
def tokenizer(request):
    return TOKENIZERS[request.param]()


def windows_of(tokenizer, text, length=None, overlap=0):
    if length is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(length, stride=overlap)
    encoding = tokenizer.encode(text)
    return [encoding, *encoding.overflowing]


def drawn(seed):
    dice = random.Random(seed)
    parts = dice.choices(PARTS, k=dice.randint(0, 12))
    return "".join(part + dice.choice([*BLANKS, "", ", "]) for part in parts)


@pytest.mark.parametrize("seed", range(40))
def test_words_are_whole_characters_of_the_text_as_given(tokenizer, seed):
    text = drawn(seed)
    words, answers = find_words(text, windows_of(tokenizer, text))
    before = 0
    for start, end in words:
        assert before <= start < end <= len(text)
        assert not any(map(str.isspace, text[start:end])), "a word has no blank in it"
        # No mark is parted from the letter that it is on.
        assert start == 0 or not unicodedata.combining(text[start]) or text[start - 1].isspace()
        assert end == len(text) or not unicodedata.combining(text[end])
        before = end
    assert None not in answers


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize(("length", "overlap"), [(6, 1), (12, 3), (20, 0)])
def test_windows_have_the_words_of_the_whole_text(tokenizer, seed, length, overlap):
    text = drawn(seed)
    (whole,) = windows_of(tokenizer, text)
    windows = windows_of(tokenizer, text, length, overlap)
    words, answers = find_words(text, [whole])
    found, by_windows = find_words(text, windows)
    assert found == words
    for one, other in zip(answers, by_windows, strict=True):
        assert windows[other.window].ids[other.token] == whole.ids[one.token]
        assert windows[other.window].offsets[other.token] == whole.offsets[one.token]


def test_a_word_is_answered_where_most_is_seen_around_it():
    tokenizer = word_piece()
    text = "a b c d e f g h"
    windows = windows_of(tokenizer, text, length=6, overlap=2)  # a b c d, c d e f, e f g h
    assert [len(window) for window in windows] == [6, 6, 6]
    _, answers = find_words(text, windows)
    assert [answer.window for answer in answers] == [0, 0, 0, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("seed", range(40))
def test_given_words_are_kept_whatever_the_tokenizer_makes_of_them(tokenizer, seed):
    dice = random.Random(seed)
    given = dice.choices([*PARTS, "", "New York"], k=dice.randint(1, 12))
    text = " ".join(given)
    bounds = join_bounds(given)
    words, answers = find_words(text, windows_of(tokenizer, text, 10, 2), bounds)
    assert [text[start:end] for start, end in words] == given
    for word, answer in zip(given, answers, strict=True):
        nothing = not any(character.isalnum() for character in word)
        assert answer is not None or nothing


def test_a_word_of_ten_thousand_characters(tokenizer):
    text = f"see {'y' * 10_000} there"
    for windows in (windows_of(tokenizer, text), windows_of(tokenizer, text, 50, 10)):
        words, answers = find_words(text, windows)
        assert words == [(0, 3), (4, 10_004), (10_005, 10_010)]
        assert None not in answers


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("in London.", ["in", "London", "."]),
        ("e\u0301cole, cafe\u0301", ["e\u0301cole", ",", "cafe\u0301"]),
        ("", []),
        (" \r\n ", []),
    ],
)
def test_what_a_word_is(tokenizer, text, wanted):
    words, _ = find_words(text, windows_of(tokenizer, text))
    assert [text[start:end] for start, end in words] == wanted


def test_scripts_without_blanks_are_parted(tokenizer):
    text = "我爱北京"
    words, _ = find_words(text, windows_of(tokenizer, text))
    assert len(words) > 1
    assert "".join(text[start:end] for start, end in words) == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The U.N. in Iraq.", ["The", "U.N.", "in", "Iraq", "."]),
        ("on 1996-08-22, 3.5 for AT&T", ["on", "1996-08-22", ",", "3.5", "for", "AT&T"]),
        ("well-known a/b - c", ["well-known", "a/b", "-", "c"]),
        ("Iraq's (no.) end...", ["Iraq", "'", "s", "(", "no", ".", ")", "end", ".", ".", "."]),
        (".5 and -a-", [".", "5", "and", "-", "a", "-"]),
    ],
)
def test_words_are_those_that_data_sets_have(tokenizer, text, wanted):
    words, _ = find_words(text, windows_of(tokenizer, text))
    assert [text[start:end] for start, end in words] == wanted
