import pytest

from augment_rows import SENTENCES, configs, passages_of, world_of
from tinybert.base.errors import InputError
from tinybert.steps.augment.methods.back_translation import BackTranslationMethod
from tinybert.steps.augment.passages import passage_of
from tinybert.steps.augment.translation import Translator


@pytest.fixture
def method(tiny_translators):
    (method,) = configs("", "", tiny_translators, "back-translation").methods
    return method


def test_texts_come_back(method):
    world = world_of()
    made = list(method.make(passages_of(SENTENCES), 4, world))
    assert made == list(method.make(passages_of(SENTENCES), 4, world))
    assert made != list(method.make(passages_of(SENTENCES), 4, world_of(seed=1)))
    assert len(made) > 10
    assert len({each.parts for each in made}) > 5, "each copy is sampled"
    words = {word for text in SENTENCES for word in text.replace(",", "").split()}
    for each in made:
        assert each.edits is None
        assert {*each.parts[0].split()} <= words


def test_of_pairs_one_text_or_both(method):
    pair = passage_of({"text": SENTENCES[0], "pair": SENTENCES[1]})
    which = {
        tuple(new != old for new, old in zip(each.parts, pair.parts, strict=True))
        for each in method.make([pair], 60, world_of())
    }
    assert which == {(True, False), (False, True), (True, True)}


def test_each_text_is_translated_alone(tiny_translators):
    """Without sampling a batch gives what its texts give."""
    translate = Translator.load(tiny_translators[0], longest=32, batch_size=3)
    together = translate([*SENTENCES, None], seed=0)
    assert together[-1] is None
    assert together[:-1] == [translate([text], seed=5)[0] for text in SENTENCES]


def test_texts_that_are_too_long_are_left_out_and_said(method, caplog):
    method = method.model_copy(update={"longest": 9})
    made = list(method.make(passages_of([SENTENCES[0], SENTENCES[1] * 3]), 5, world_of()))
    assert {each.source for each in made} <= {0}
    assert "10 texts are not translated" in caplog.text


def test_what_is_missing_is_said(tiny_translators, tiny_bert_dir, tmp_path):
    there, back = map(str, tiny_translators)
    with pytest.raises(InputError, match="is missing: name two translation models"):
        BackTranslationMethod(there=there).read(None)
    with pytest.raises(InputError, match="can't be loaded as a translation model"):
        BackTranslationMethod(there=str(tiny_bert_dir), back=back).read(None)
    with pytest.raises(InputError, match="there is no such folder"):
        BackTranslationMethod(there=str(tmp_path / "a" / "b" / "c"), back=back).read(None)
    first, second = BackTranslationMethod(there=there, back=back).read(None)
    assert first != second
