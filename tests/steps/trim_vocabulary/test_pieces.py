"""What must stay of a vocabulary, by hand."""

import pytest

from tinybert.base.errors import InputError
from tinybert.steps.trim_vocabulary.pieces import read_pieces

PROCESSOR = {
    "type": "Sequence",
    "processors": [
        {"type": "ByteLevel", "trim_offsets": True},
        {"type": "RobertaProcessing", "sep": ["</s>", 1], "cls": ["<s>", 0], "trim_offsets": True},
        {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 5}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}},
        },
    ],
}


def document(model, added=(), processor=None):
    tokens = [{"id": number, "content": piece, "special": True} for piece, number in added]
    return {"model": model, "added_tokens": tokens, "post_processor": processor}


def vocabulary(*pieces):
    return {piece: number for number, piece in enumerate(pieces)}


def wordpiece(*pieces):
    return {
        "type": "WordPiece",
        "unk_token": "?",
        "continuing_subword_prefix": "##",
        "vocab": vocabulary("?", *pieces),
    }


def bpe(merges, *pieces, **changes):
    model = {"type": "BPE", "unk_token": None, "vocab": vocabulary(*pieces), "merges": merges}
    return model | changes


def unigram(*entries):
    return {"type": "Unigram", "unk_id": 0, "byte_fallback": True, "vocab": [*map(list, entries)]}


def names(pieces, numbers):
    return {piece for piece, number in pieces.ids.items() if number in numbers}


def test_letters_stay_and_what_they_cannot_spell():
    pieces = read_pieces(document(wordpiece("a", "##b", "ab", "aba", "##bb", "##ba", "##")))
    assert names(pieces, pieces.indispensable()) == {"?", "a", "##b", "aba", "##ba", "##"}


def test_what_a_post_processor_writes_stays_and_is_renumbered():
    model = bpe([], "<s>", "</s>", "a", "xy", "b", "z")
    pieces = read_pieces(document(model, [("z", 5)], PROCESSOR))
    assert names(pieces, pieces.indispensable()) == {"<s>", "</s>", "a", "b", "z", "xy"}
    moved = read_pieces(document(bpe([], "xy", "x", "y", "<s>"), [("<s>", 3)], [["<s>", 3]]))
    trimmed = moved.trimmed([1, 2, 3])
    assert trimmed["post_processor"] == [["<s>", 2]]
    assert trimmed["added_tokens"] == [{"id": 2, "content": "<s>", "special": True}]
    assert trimmed["model"]["vocab"] == {"x": 0, "y": 1, "<s>": 2}
    assert moved.document["added_tokens"][0]["id"] == 3, "the old document stays as it is"


def test_merges_that_a_piece_needs():
    """Of two ways to "abc" the one that is taken; what the other makes is not needed."""
    merges = [["b", "c"], ["a", "b"], ["ab", "c"], ["a", "bc"], ["abc", "d"]]
    model = bpe(merges, "a", "b", "c", "d", "ab", "bc", "abc", "abcd")
    pieces = read_pieces(document(model))
    parts = pieces.with_parts(pieces.ids["abcd"])
    assert names(pieces, parts) == {"bc", "abc", "abcd"}
    trimmed = pieces.trimmed(sorted(parts | pieces.indispensable()))
    assert trimmed["model"]["merges"] == [["b", "c"], ["a", "bc"], ["abc", "d"]]


def test_added_tokens_are_not_merged():
    model = bpe([["<", "s"]], "<", "s", ">", "<s", "<s>")
    pieces = read_pieces(document(model, [("<s>", 4)]))
    assert pieces.with_parts(4) == {4}


def test_merges_of_marked_pieces():
    """Where the end of a word is marked, and where pieces that go on with one are."""
    model = bpe([["l", "o</w>"]], "l", "o", "l</w>", "o</w>", "lo</w>", end_of_word_suffix="</w>")
    pieces = read_pieces(document(model))
    assert names(pieces, pieces.indispensable()) == {"l", "o", "l</w>", "o</w>"}
    assert names(pieces, pieces.with_parts(4)) == {"lo</w>"}
    marked = bpe([["a", "##b"], ["ab", "##c"]], "a", "##b", "##c", "ab", "abc")
    pieces = read_pieces(document(marked | {"continuing_subword_prefix": "##"}))
    assert names(pieces, pieces.with_parts(4)) == {"ab", "abc"}


def test_bytes_and_the_lowest_score_stay():
    """The score of what is unknown is reckoned from the lowest one."""
    entries = [("?", 0.0), ("a", -1.0), ("b", -2.0), ("ab", -9.0), ("ba", -3.0), ("<0x41>", -4.0)]
    letters = [(letter, -5.0) for letter in "<0x41>"]
    pieces = read_pieces(document(unigram(*entries, *letters)))
    assert names(pieces, pieces.indispensable()) == {"?", "a", "b", "ab", "<0x41>", *"<0x41>"}
    trimmed = pieces.trimmed([0, 1, 2, 4])["model"]
    assert trimmed["vocab"] == [["?", 0.0], ["a", -1.0], ["b", -2.0], ["ba", -3.0]]
    assert trimmed["unk_id"] == 0


def test_another_kind_is_refused():
    with pytest.raises(InputError, match="WordLevel can't be trimmed; supported: WordPiece, BPE"):
        read_pieces(document({"type": "WordLevel", "vocab": {"a": 0}}))


def test_characters_that_nothing_used_is_spelled_with_are_idle():
    model = wordpiece("a", "é", "##é", "ñ", "##ñ", "éa", "aé", "été", "[É]")
    pieces = read_pieces(document(model, [("[É]", 9)]))
    assert names(pieces, pieces.idle_characters(())) == {"é", "##é", "ñ", "##ñ"}
    assert names(pieces, pieces.idle_characters([pieces.ids["aé"]])) == {"é", "ñ", "##ñ"}
    with pytest.raises(InputError, match="a BPE tokenizer spells by all its characters"):
        read_pieces(document(bpe([], "a"))).idle_characters(())
