import pytest

from tinybert.base.errors import LONGEST_QUOTE, InputError, cut, said, short

BROKEN_LINES = ["a\nb", "a\r\nb", "a\x00b", "a\u2028b", "a\ud800b", "\x1b[31mred"]


@pytest.mark.parametrize("text", BROKEN_LINES, ids=ascii)
def test_a_message_is_one_line_that_can_be_printed(text):
    message = str(InputError(f"data.tsv: unknown label {text}"))
    assert len(message.splitlines()) == 1
    assert "\x1b" not in message
    message.encode()
    assert message.startswith("data.tsv: unknown label ")


def test_a_message_keeps_what_everyone_writes():
    assert str(InputError("café: 'é 中 😀\u200d'")) == "café: 'é 中 😀\u200d'"


LONG = {
    "text": "x" * 10**6,
    "digits": 10**5000,
    "lists": [["x" * 100] * 100] * 100,
    "mapping": {str(number): number for number in range(10**5)},
    "bytes": b"x" * 999,
}


@pytest.mark.parametrize("value", LONG.values(), ids=LONG)
def test_a_value_is_quoted_short(value):
    assert 0 < len(short(value)) <= LONGEST_QUOTE


def test_a_path_that_no_system_has_is_cut():
    assert len(str(InputError(f"{'a' * 5000}: can't be read"))) < 400
    whole = f"/{'folder/' * 50}model.onnx: damaged"
    assert str(InputError(whole)) == whole


def test_lists_of_lists_that_stand_for_a_billion_values():
    bomb = ["x"]
    for _ in range(30):
        bomb = [bomb] * 10
    assert len(short(bomb)) <= LONGEST_QUOTE


def test_begin_and_end_of_a_long_text_are_kept():
    assert cut("begin" + "x" * 999 + "end", 20) == "beginxxxx…xxxxxxxend"


def test_an_exception_without_words():
    assert said(KeyError()) == "KeyError"
    assert said(ValueError("a\n   b")) == "a b"
