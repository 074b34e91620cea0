"""What a trimmed vocabulary promises, for every kind of tokenizer."""

import json
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tinybert.base.errors import InputError
from tinybert.base.progress import Progress
from tinybert.modeling.load import load_tokenizer, save_model
from tinybert.runtime.text import TextEncoder
from tinybert.steps.trim_vocabulary.config import TrimConfig
from tinybert.steps.trim_vocabulary.step import trim_vocabulary
from tinybert.tasks.task import Examples


@pytest.fixture
def trim(family, tiny_context):
    """Trims the family's model to texts; gives the model, the tokenizer and the kept ids."""

    def run(texts, model=None, tokenizer=None, context=None, **settings):
        context = tiny_context(
            tokenizer=tokenizer or family.tokenizer(),
            train=Examples.of_texts(texts, None, "texts"),
            **(context or {}),
        )
        made = trim_vocabulary(TrimConfig(**settings), model or family.model(), context)
        return SimpleNamespace(model=made[0], tokenizer=made[1], kept=made[2])

    return run


@pytest.fixture
def half(family):
    """Sentences of some of the words, and sentences of all of them."""
    return family.sentences(family.words[::3], 40, seed=1), family.sentences(family.words, 300, 2)


def logits(model, tokenizer, texts):
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        return model(**batch).logits


def pieces_of(tokenizer, text):
    return tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])


@pytest.mark.parametrize("settings", [{}, {"min_count": 4}, {"size": 330}])
def test_texts_whose_pieces_stay_are_the_same(family, trim, half, settings):
    if family.kind != "BPE" and "size" in settings:
        settings = {"size": 130}
    old, model = family.tokenizer(), family.model()
    made = trim(half[0], **settings)
    kept = set(made.kept)
    same = [text for text in half[0] + half[1] if kept.issuperset(old(text)["input_ids"])]
    assert 10 < len(same) < len(half[0] + half[1]), "or the test shows nothing"
    for text in same:
        assert pieces_of(made.tokenizer, text) == pieces_of(old, text)
        assert [made.kept[new] for new in made.tokenizer(text)["input_ids"]] == old(text)[
            "input_ids"
        ]
    assert torch.equal(logits(made.model, made.tokenizer, same), logits(model, old, same))
    pairs = [same[:2], same[2:4]]
    assert torch.equal(logits(made.model, made.tokenizer, pairs), logits(model, old, pairs))


def test_a_training_text_is_the_same(family, trim, half):
    """Without a limit all of its pieces stay."""
    old, made = family.tokenizer(), trim(half[0])
    for text in half[0]:
        assert pieces_of(made.tokenizer, text) == pieces_of(old, text)


def test_every_word_can_still_be_read(family, trim):
    old = family.tokenizer()
    made = trim(["walk"])
    letters = sorted({letter for word in family.words for letter in word} | {*"日本語.,:!?"})
    dice = random.Random(0)
    words = ["".join(dice.choices(letters, k=dice.randint(1, 12))) for _ in range(500)]
    readable = [word for word in family.words + words if old.unk_token not in pieces_of(old, word)]
    assert len(readable) > 200
    for word in readable:
        assert made.tokenizer.unk_token not in pieces_of(made.tokenizer, word), word


def test_what_is_unknown_stays_unknown(family, trim, half):
    old, made = family.tokenizer(), trim(half[0])
    text = "walking ☃ walks"
    assert (old.unk_token in pieces_of(old, text)) == (family.kind != "BPE")
    assert pieces_of(made.tokenizer, text).count(old.unk_token) == pieces_of(old, text).count(
        old.unk_token
    )


def test_table_and_files_shrink_together(family, trim, half, tmp_path):
    made = trim(half[0])
    assert made.kept == sorted(made.kept)
    assert len(made.kept) < 0.9 * len(family.tokenizer())
    assert made.model.config.vocab_size == len(made.kept) == len(made.tokenizer)
    table = family.model().get_input_embeddings().weight[made.kept]
    assert torch.equal(made.model.get_input_embeddings().weight, table)
    save_model(made.model, made.tokenizer, tmp_path / "model")
    for name in ("tokenizer.json", "model.safetensors"):
        before, after = (path / name for path in (family.folder, tmp_path / "model"))
        assert after.stat().st_size < before.stat().st_size


def test_files_give_the_same_tokens_with_transformers_and_without(family, trim, half, tmp_path):
    made = trim(half[0])
    save_model(made.model, made.tokenizer, tmp_path / "model")
    files = {file.name for file in (tmp_path / "model").iterdir()}
    assert files == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    family.tokenizer().save_pretrained(tmp_path / "before")
    before, after = (
        json.loads((tmp_path / name / "tokenizer_config.json").read_text())
        for name in ("before", "model")
    )
    assert after == before
    loaded = load_tokenizer(tmp_path / "model")
    assert type(loaded) is type(family.tokenizer())
    assert loaded.get_vocab() == made.tokenizer.get_vocab()
    config = made.model.config.to_dict()
    runtime = TextEncoder.from_folder(tmp_path / "model", config)
    texts = [*half[1], *zip(half[0], half[1], strict=False)]
    encoded = runtime.encode(texts)
    for text, encoding in zip(texts, encoded, strict=True):
        row = [text] if isinstance(text, str) else text
        assert encoding.ids == made.tokenizer(*row)["input_ids"] == loaded(*row)["input_ids"]
    padded = runtime.batch(runtime.encode(["walk", "walk walks longer"]))["input_ids"]
    assert padded[0, -1] == made.tokenizer.pad_token_id


def test_special_pieces_keep_their_places(family, trim, half):
    """Positions depend on where RoBERTa's padding is."""
    old, made = family.tokenizer(), trim(half[0])
    for name in ("pad", "unk", "cls", "sep", "mask"):
        before, after = (getattr(each, f"{name}_token_id") for each in (old, made.tokenizer))
        assert made.kept[after] == before
        assert made.tokenizer.convert_ids_to_tokens(after) == old.convert_ids_to_tokens(before)
    assert made.tokenizer.pad_token_id == old.pad_token_id == made.model.config.pad_token_id
    assert made.model.get_input_embeddings().padding_idx == old.pad_token_id
    if family.kind != "WordPiece":
        assert made.kept[:4] == [0, 1, 2, 3]


def test_more_uses_are_asked_of_a_piece(family, trim, half):
    sizes = [len(trim(half[0], min_count=count).kept) for count in (1, 3, 30, 10**6)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) > 2
    assert set(trim(half[0], min_count=30).kept) < set(trim(half[0]).kept)


def test_size_is_a_limit_and_the_most_used_stay(family, trim, half):
    everything, fewest = trim(half[0]), trim(half[0], min_count=10**6)
    assert len(fewest.kept) + 20 < len(everything.kept)
    for size in (len(fewest.kept), len(fewest.kept) + 7):
        assert len(trim(half[0], size=size).kept) == size
    assert trim(half[0], size=10**6).kept == everything.kept
    rows = family.tokenizer()(half[0], add_special_tokens=False)["input_ids"]
    counts = np.bincount(np.concatenate(rows))
    some = set(trim(half[0], size=len(fewest.kept) + 7).kept) - set(fewest.kept)
    left = set(everything.kept) - some - set(fewest.kept)
    if family.kind != "BPE":  # there parts stay too
        assert min(counts[list(some)]) >= max(counts[list(left)])


def test_an_impossible_size_is_refused_with_the_smallest(family, trim, half):
    fewest = len(trim(half[0], min_count=10**6).kept)
    with pytest.raises(InputError, match=rf"alphabet are {fewest}, the smallest"):
        trim(half[0], size=fewest - 1)


def test_trimming_twice(family, trim, half):
    once = trim(half[0])
    twice = trim(half[0][:5], once.model, once.tokenizer)
    at_once = trim(half[0][:5])
    assert [once.kept[number] for number in twice.kept] == at_once.kept
    assert twice.tokenizer.get_vocab() == at_once.tokenizer.get_vocab()
    texts = half[1][:20]
    assert torch.equal(
        logits(twice.model, twice.tokenizer, texts), logits(at_once.model, at_once.tokenizer, texts)
    )


def test_both_texts_of_a_pair_and_the_corpus_count(family, trim, tmp_path):
    word, other, third = "walking", "longest", "filmness"
    (tmp_path / "corpus.txt").write_text(third + "\n", encoding="utf-8")
    corpus = [str(tmp_path / "corpus.txt")]
    together = trim([word, other, third]).kept
    assert trim([(word, other)]).kept == trim([word, other]).kept != together
    assert trim([(word, other)], corpus=corpus).kept == together
    assert trim([(word, other)], context={"unlabeled": tuple(corpus)}).kept == together
    assert trim([(word, other)], context={"unlabeled": ("no",)}, corpus=corpus).kept == together
    assert trim([], corpus=corpus).kept == trim([third]).kept


def test_progress_is_reported(trim, half):
    seen = []
    trim(half[0], context={"progress": seen.append})
    assert seen[-1] == Progress("trim-vocabulary", 40, 41)


def test_characters_of_no_text_may_go(family, trim, half):
    """Those of its own texts stay, by which all of them can still be read at any size."""
    if family.kind != "WordPiece":
        with pytest.raises(InputError, match="is for WordPiece"):
            trim(half[0], characters="used")
        return
    text = ["a short film", "naïve films"]
    size = len(trim(text, characters="used").kept) - 3
    made, every = trim(text, characters="used", size=size), trim(text)
    assert len(made.kept) == size < len(every.kept)
    gone = {*every.tokenizer.get_vocab()} - {*made.tokenizer.get_vocab()}
    assert {"日", "ε"} <= gone
    assert not any(piece.isascii() and len(piece) == 1 for piece in gone)
    for each in text:
        assert made.tokenizer.unk_token not in pieces_of(made.tokenizer, each)
    assert pieces_of(made.tokenizer, "日本語")[1] == made.tokenizer.unk_token
