import random

import pytest
import torch
from transformers import BertForMaskedLM

from augment_rows import SENTENCES, passages_of, world_of
from tinybert.base.errors import InputError
from tinybert.modeling.load import load_masked_lm, load_tokenizer
from tinybert.steps.augment.candidates import Candidates
from tinybert.steps.augment.make import make
from tinybert.steps.augment.methods.masked_lm import MaskedLMMethod
from tinybert.steps.augment.spots import find_spots
from tinybert.steps.augment.whole_words import whole_words


@pytest.fixture
def model(tiny_masked_lm):
    return Candidates(load_masked_lm(tiny_masked_lm), load_tokenizer(tiny_masked_lm), 5, 0.0)


@torch.no_grad()
def one_by_one(model, text, spot):
    """TinyBERT's way: one word masked in one text."""
    written = f"{text[: spot.start]}[MASK]{text[spot.end :]}"
    inputs = model.tokenizer(written, return_tensors="pt")
    place = inputs["input_ids"][0].tolist().index(model.tokenizer.mask_token_id)
    logits = model.model(**inputs).logits[0, place]
    words = whole_words(model.tokenizer, len(logits))
    order = [words[id_] for id_ in logits.argsort(descending=True).tolist() if id_ in words]
    return [word for word in order if word != text[spot.start : spot.end].lower()][: model.count]


def single(model, text, spots):
    """The words that are one piece each."""
    return [
        spot for spot in spots if len(model.tokenizer.tokenize(text[spot.start : spot.end])) < 2
    ]


def test_all_at_once_as_one_by_one(model):
    wanted = {text: find_spots(text, str.split) for text in SENTENCES}
    found = model.find(wanted)
    for text, spots in wanted.items():
        for spot in single(model, text, spots):
            assert found[text][spot] == one_by_one(model, text, spot)


def test_several_words_of_a_text_are_masked_at_once(model):
    text = "the old man sat on the mat with a young dog and the cat"
    spots = find_spots(text, str.split)
    model.at_once = 0.15
    runs = []
    forward = model.model.base_model.forward

    def watched(input_ids, **inputs):
        runs.append(input_ids)
        return forward(input_ids=input_ids, **inputs)

    model.model.base_model.forward = watched
    found = model.find({text: spots})
    (ids,) = runs
    masked = ids == model.tokenizer.mask_token_id
    assert masked.sum() == len(spots)
    assert masked.sum(1).max() == 2 == round(0.15 * ids.shape[1])
    assert masked.any(0).sum() == len(spots)
    for row in masked:
        places = row.nonzero().flatten()
        assert len(places) < 2 or places.diff().min() > 3, "far apart"
    assert all(len(words) == 5 for words in found[text].values())


def test_the_vocabulary_is_asked_at_masked_places_alone(model):
    shapes = []
    decoder = model.model.cls.predictions.decoder
    decoder.register_forward_hook(lambda module, inputs, output: shapes.append(output.shape))
    wanted = {text: find_spots(text, str.split) for text in SENTENCES}
    model.batch_tokens = 64
    model.find(wanted)
    assert len(shapes) > 1
    asked = sum(len(single(model, text, spots)) for text, spots in wanted.items())
    assert sum(rows for rows, _ in shapes) == asked > 20


def test_words_of_several_pieces_have_neighbours(model):
    text = "an unlikely film"
    (spot,) = (each for each in find_spots(text, str.split) if each.start == 3)
    (words,) = model.find({text: [spot]})[text].values()
    pieces = model.tokenizer.encode("unlikely", add_special_tokens=False)
    assert len(pieces) > 1
    table = model.model.get_input_embeddings().weight
    mean = table[pieces].mean(0)
    known = whole_words(model.tokenizer, len(table))
    nearest = sorted(known, key=lambda id_: -torch.cosine_similarity(table[id_], mean, 0).item())
    assert words == [known[id_] for id_ in nearest[:5]]


def test_words_beyond_what_the_model_reads_stay(model):
    text = "film " * 200 + "story"
    spots = find_spots(text, str.split)
    found = model.find({text: [spots[0], spots[-1]]})[text]
    assert len(found[spots[0]]) == 5
    assert found[spots[-1]] == []


def test_copies(tiny_masked_lm):
    texts = [*SENTENCES, "Film it twice; isn't 42 or http://a.b good"]
    method = MaskedLMMethod(model=str(tiny_masked_lm), bf16=False)
    passages = passages_of(texts)
    made = list(method.make(passages, 20, world_of()))
    again = list(method.make(passages, 20, world_of()))
    assert made == again != list(method.make(passages, 20, world_of(seed=1)))
    assert len(made) == 20 * 5, "of one text all words are of grammar"
    shares = []
    for each in made:
        before, after = texts[each.source].split(), each.parts[0].split()
        assert len(before) == len(after)
        changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
        assert changed
        assert not {old for old, _ in changed} & {"a", "the", "42", "isn't", "http://a.b"}
        shares.append(len(changed) / len(find_spots(texts[each.source], str.split)))
        for old, new in changed:
            assert old[:1].isupper() == new[:1].isupper()
    assert 0.15 < sum(shares) / len(shares) < 0.5


def test_only_what_is_drawn_is_asked_for(tiny_masked_lm, monkeypatch):
    asked = []
    find = Candidates.find

    def watched(self, wanted, *rest):
        asked.append(wanted)
        return find(self, wanted, *rest)

    monkeypatch.setattr(Candidates, "find", watched)
    method = MaskedLMMethod(model=str(tiny_masked_lm), probability=0.01, bf16=False)
    list(method.make(passages_of([*SENTENCES, *SENTENCES]), 1, world_of()))
    (wanted,) = asked
    assert len(wanted) == 4, "texts that are there twice once, and none without words"
    assert all(len(spots) <= 2 for spots in wanted.values())


def test_of_pairs_one_text_or_both(tiny_masked_lm):
    from tinybert.steps.augment.passages import passage_of

    pair = passage_of({"text": "the old man sat", "pair": "a funny story was long"})
    method = MaskedLMMethod(model=str(tiny_masked_lm), bf16=False)
    which = {
        tuple(new != old for new, old in zip(each.parts, pair.parts, strict=True))
        for each in method.make([pair], 30, world_of())
    }
    assert which == {(True, False), (False, True), (True, True)}


def test_bfloat16_finds_nearly_the_same(tiny_masked_lm):
    method = MaskedLMMethod(model=str(tiny_masked_lm), bf16=True)
    made = list(make(passages_of(SENTENCES), [(method, 20)], world_of()))
    assert len(made) > 40


def test_models_that_cannot_do_it(tiny_bert_dir, tiny_masked_lm, tmp_path):
    method = MaskedLMMethod()
    with pytest.raises(InputError, match="needs a model with a masked-LM head: name it by --mod"):
        method.read(None)
    with pytest.raises(InputError, match=r"no masked-LM head.*name another by masked_lm\.model"):
        method.read(str(tiny_bert_dir))
    with pytest.raises(InputError, match="no masked-LM head"):
        MaskedLMMethod(model=str(tiny_bert_dir)).read(str(tiny_masked_lm))
    assert method.read(str(tiny_masked_lm))
    encoder = BertForMaskedLM.from_pretrained(tiny_masked_lm).bert
    encoder.save_pretrained(tmp_path)
    load_tokenizer(tiny_masked_lm).save_pretrained(tmp_path)
    with pytest.raises(InputError, match="masked-LM head"):
        method.read(str(tmp_path))


def test_whole_words(tiny_masked_lm):
    tokenizer = load_tokenizer(tiny_masked_lm)
    words = whole_words(tokenizer, len(tokenizer))
    assert {"film", "movie"} <= {*words.values()}
    assert not {"a", ",", "##e", "[MASK]"} & {*words.values()}
    dice = random.Random(0)
    for id_, word in dice.sample(sorted(words.items()), 10):
        assert tokenizer.encode(f"the {word}", add_special_tokens=False)[-1] == id_


@pytest.mark.parametrize(
    "kind", ["roberta", "distilbert", "electra", "albert", "modernbert", "mpnet"]
)
def test_other_families(kind, tmp_path):
    from tiny_models import tiny_model_dir

    tiny_model_dir(kind, tmp_path / kind, "masked-lm")
    method = MaskedLMMethod(model=str(tmp_path / kind), bf16=False, candidates=3)
    assert method.read(None)
    made = list(make(passages_of(SENTENCES), [(method, 5)], world_of()))
    assert len(made) > 5
    for each in made:
        assert len(each.parts[0].split()) == len(SENTENCES[each.source].split())
