import pytest

from tinybert.steps.augment.passages import Edit, changed_row, edited, moved
from tinybert.steps.augment.spots import find_spots, written_like


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a good film", ["good", "film"]),
        ("'Good' \"film\", (story)!", ["Good", "film", "story"]),
        ("isn't o'clock films' 'tis", ["films", "tis"]),
        ("3rd 10mg COVID-19 x_y", ["COVID"]),
        ("see http://a.com/film, me@film.org or www.film.org", ["see", "or"]),
        ("well-made", ["well", "made"]),
        ("über naïve Straße", ["über", "naïve", "Straße"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("ภาพยนตร์เรื่องนี้สนุกมาก", []),
        ("", []),
    ],
)
def test_words_that_may_be_replaced(text, words):
    assert [text[start:end] for start, end in find_spots(text, str.split)] == words


def test_what_is_fixed_stays():
    text = "a good old film"
    found = find_spots(text, str.split, [(3, 6)])
    assert [text[start:end] for start, end in found] == ["old", "film"]


def test_case():
    assert written_like("movie", "FILM") == "MOVIE"
    assert written_like("iPhone", "film") == "iPhone"
    assert written_like("movie", "Film") == "Movie"


def test_places_move_with_what_stands_before_them():
    text = "The EU rejects a German call"
    made = edited(0, "x", [text], [[Edit(7, 14, "turns down"), Edit(24, 28, "cry")]])
    (after,) = made.parts
    assert after == "The EU turns down a German cry"
    for start, end in ((4, 6), (17, 23)):
        places = [moved(place, made.edits[0]) for place in (start, end)]
        assert after[slice(*places)] == text[start:end]


def test_words_of_a_row():
    row = {"words": ["a", "well-made", "film", ""], "id": 3}
    made = edited(0, "x", ["a well-made film "], [[Edit(7, 11, "done"), Edit(12, 16, "movie")]])
    assert changed_row(row, made) == {"words": ["a", "well-done", "movie", ""], "id": 3}
    pair = {"text": "a", "pair": "b"}
    assert changed_row(pair, edited(0, "x", ["a", "b"], [[], [Edit(0, 1, "c")]])) == {
        "text": "a",
        "pair": "c",
    }
