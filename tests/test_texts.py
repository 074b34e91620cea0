import pytest

from tinybert.errors import InputError
from tinybert.texts import read_texts


def test_texts_on_the_line():
    assert read_texts(["a", "b"], None, pair=False) == ["a", "b"]
    assert read_texts(["a", "b"], None, pair=True) == [("a", "b")]


def test_texts_in_a_file(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_bytes("\ufeffcafé\r\na man\ta woman\r\n\r\nlast".encode())
    assert read_texts([], str(path), pair=False) == ["café", ("a man", "a woman"), "", "last"]


def test_only_line_ends_end_lines(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("one\u2028still one\x0cstill\u0085one\ntwo\n", encoding="utf-8")
    assert len(read_texts([], str(path), pair=False)) == 2


@pytest.mark.parametrize(
    ("texts", "file", "pair"),
    [([], None, False), (["a"], "f", False), (["a"], None, True), (["a", "b", "c"], None, True)],
)
def test_what_can_not_be(texts, file, pair):
    with pytest.raises(InputError):
        read_texts(texts, file, pair)
