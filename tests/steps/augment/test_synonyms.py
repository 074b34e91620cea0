import pytest

from augment_rows import passages_of, world_of
from tinybert.base.errors import InputError
from tinybert.steps.augment.inflection import form_of, inflect
from tinybert.steps.augment.methods import synonyms
from tinybert.steps.augment.methods.synonyms import DEBIAN, SynonymsMethod
from tinybert.steps.augment.passages import passage_of
from tinybert.steps.augment.speech import guess_part
from tinybert.steps.augment.thesaurus import read_thesaurus
from tinybert.steps.augment.wordnet import WordNet


@pytest.fixture
def replaced(tiny_wordnet):
    """All words that stand for the only word of a text which has others."""

    def find(text, in_place=False, source=None, **settings):
        method = SynonymsMethod(source=str(source or tiny_wordnet), **settings)
        passage = passage_of({"text": text}, [[], []], in_place=in_place)
        made = list(method.make([passage], 60, world_of()))
        assert all(len(each.edits[0]) == 1 for each in made)
        return {each.edits[0][0].text for each in made}

    return find


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("the film", {"movie", "picture", "motion picture"}),
        ("the films", {"movies", "pictures", "motion pictures"}),
        ("Films", {"Movies", "Pictures", "Motion pictures"}),
        ("THE FILM!", {"MOVIE", "PICTURE", "MOTION PICTURE"}),
        ("to film", {"shoot"}),
        ("we were filming", {"shooting"}),
        ("they filmed it", {"shot"}),
        ("the children", {"kids"}),
        ("two kids", {"children"}),
        ("two dogs", {"hounds"}),
        ("it stopped", {"halted"}),
        ("stopping", {"halting"}),
        ("it traveled", set()),  # went or gone: nothing says which
        ("it travels", {"goes"}),
        ("big", {"large"}),
        ("bigger", set()),  # no rule has two g, and the tiny WordNet no exception
        ("very fast", {"quick"}),
        ("it is good", {"sound"}),  # fine(p) stands in some places only
        ("quickly", {"rapidly"}),
        ("with 42 aardvarks", set()),
        ("an old, not good", {"sound"}),
    ],
)
def test_forms_stay(replaced, text, others):
    assert replaced(text) == others


def test_the_article_fits(replaced, tmp_path):
    (tmp_path / "own.txt").write_text("film, epic, movie", encoding="utf-8")
    assert replaced("a film", source=tmp_path / "own.txt") == {"movie"}
    assert replaced("the film", source=tmp_path / "own.txt") == {"epic", "movie"}


def test_words_that_have_a_label_stay_one_word(replaced):
    assert replaced("the film", in_place=True) == {"movie", "picture"}


def test_names_stay(replaced):
    assert replaced("we saw Film") == set()
    assert replaced("Film. Film") == {"Movie", "Picture", "Motion picture"}


def test_a_share_of_the_words(tiny_wordnet):
    text = " ".join(["the film and the dog"] * 4)
    for share, count in ((0.1, 2), (0.3, 6), (0.01, 1)):
        method = SynonymsMethod(source=str(tiny_wordnet), share=share)
        for each in method.make(passages_of([text]), 5, world_of()):
            assert len(each.edits[0]) == count


def test_the_part_of_speech():
    counts = {"noun": 1, "verb": 5}
    assert guess_part("film", "the", False, counts) == "noun"
    assert guess_part("film", "", False, counts) == "verb"
    assert guess_part("fast", "a", False, {"noun": 1, "adj": 9}) == "noun"
    assert guess_part("fast", "a", True, {"noun": 1, "adj": 9}) == "adj"


@pytest.mark.parametrize(
    ("base", "part", "form", "word"),
    [
        ("box", "noun", "s", "boxes"),
        ("city", "noun", "s", "cities"),
        ("day", "noun", "s", "days"),
        ("motion picture", "noun", "s", "motion pictures"),
        ("lie", "verb", "ing", "lying"),
        ("see", "verb", "ing", "seeing"),
        ("make", "verb", "ing", "making"),
        ("carry on", "verb", "past", "carried on"),
        ("happy", "adj", "est", "happiest"),
        ("large", "adj", "er", "larger"),
        ("beautiful", "adj", "er", None),
        ("slow", "adj", "base", "slow"),
    ],
)
def test_inflection(base, part, form, word):
    assert inflect(base, part, form) == word
    if word is not None and " " not in base:
        assert form_of(word, base, part) == form


def test_a_thesaurus_of_ones_own(tmp_path, replaced):
    path = tmp_path / "words.txt"
    path.write_text("# cars\nCar, automobile\n\nbeemer => BMW, bimmer\n", encoding="utf-8")
    assert read_thesaurus(path) == {
        "car": ["automobile"],
        "automobile": ["Car"],
        "beemer": ["BMW", "bimmer"],
    }
    assert replaced("the beemer", source=path) == {"BMW", "bimmer"}
    path.write_text("car, auto\nalone\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"words\.txt: line 2: expected words with commas"):
        read_thesaurus(path)
    with pytest.raises(InputError, match="none"):
        SynonymsMethod(source=str(tmp_path / "none")).read(None)
    with pytest.raises(InputError, match=r"has no index\.noun"):
        SynonymsMethod(source=str(tmp_path)).read(None)


def test_nltk_s_corpus_is_found(tiny_wordnet, tmp_path, monkeypatch):
    monkeypatch.setattr(synonyms, "DEBIAN", tmp_path / "none")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InputError, match="no WordNet is installed: apt install wordnet-base"):
        SynonymsMethod().read(None)
    (tmp_path / "nltk" / "corpora").mkdir(parents=True)
    (tmp_path / "nltk" / "corpora" / "wordnet").symlink_to(tiny_wordnet)
    monkeypatch.setenv("NLTK_DATA", str(tmp_path / "nltk"))
    assert SynonymsMethod().read(None) == SynonymsMethod(source=str(tiny_wordnet)).read(None)


@pytest.mark.skipif(not (DEBIAN / "index.noun").is_file(), reason="needs wordnet-base")
def test_debian_s_wordnet():
    words = WordNet.read(DEBIAN)
    assert words.base_form("children", "noun") == "child"
    assert words.base_form("wolves", "noun") == "wolf"
    assert words.base_form("sang", "verb") == "sing"
    assert words.base_form("the", "verb") is None
    assert {"movie", "picture"} <= {*words.synonyms("film", "noun", 1)}
    assert words.often("film", "noun") > words.often("film", "verb") >= 0
