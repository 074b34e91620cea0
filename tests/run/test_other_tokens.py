"""Teachers that read text another way: of another family, with another tokenizer."""

import json

import numpy as np
import pytest
from tests.modeling.test_sentence_encoder import encoder_dir
from tests.tiny_models import tiny_model_dir, tiny_tokenizer
from transformers import AutoModelForSequenceClassification, DebertaV2Config

import tinybert
from tinybert.base.errors import InputError
from tinybert.distillation import on_rows
from tinybert.distillation.signals import LOGITS
from tinybert.modeling.load import load_tokenizer
from tinybert.modeling.other_models import reads_alike
from tinybert.modeling.torch_model import load_torch
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe

SMALL = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
LEARNS = {"max_steps": 3, "batch_size": 8, "bf16": False}


@pytest.fixture(scope="module")
def place(tmp_path_factory, quick_bench):
    """Fine-tuned teachers of three families, and a bare model of a fourth."""
    folder = tmp_path_factory.mktemp("other-tokens")
    for kind in ("bert", "roberta", "modernbert"):
        tiny_model_dir(kind, folder / kind)
    tiny_model_dir("distilbert", folder / "bare", "text-regression")
    tiny_model_dir("bert", folder / "same", "text-regression", hidden_size=48)
    tiny_model_dir("roberta", folder / "words", "token-classification")
    return folder


@pytest.fixture
def values(place, files):
    """Makes a recipe whose student is made of another encoder than its teacher."""

    def make(teacher="roberta", base="bare", distill=(), steps=None, **changes):
        data = str(files / "reviews.jsonl")
        student = {"student": {**SMALL, "base": str(place / base)}}
        return {
            "teacher": str(place / teacher),
            "task": "text-classification",
            "data": {"train": data, "eval": data, "max_length": 32},
            "steps": steps or [student, {"distill": LEARNS | dict(distill)}],
        } | changes

    return make


def read(recipe):
    return read_inputs(Recipe.from_mapping(recipe))


@pytest.fixture
def asked(monkeypatch):
    """The teachers that distillations ask, and what each batch got from them."""
    found = []
    run = on_rows.run_distillation

    def note(trainer, *arguments):
        batch = next(iter(trainer.get_train_dataloader()))
        found.append((trainer.teacher, batch, trainer.teacher(batch, [LOGITS])[LOGITS]))
        return run(trainer, *arguments)

    monkeypatch.setattr(on_rows, "run_distillation", note)
    return found


def expected(folder, texts):
    return load_torch(folder, max_length=32).outputs(texts).logits


@pytest.mark.parametrize("teacher", ["roberta", "modernbert"])
def test_a_student_of_another_family_learns_from_what_the_teacher_reads_itself(
    teacher, values, place, tmp_path, asked, reviews
):
    steps = values()["steps"] + [{"quantize": {"method": "dynamic"}}]
    result = tinybert.compress(values(teacher, steps=steps), tmp_path / "out")
    _, batch, logits = asked[0]
    texts = [reviews[row]["sentence"] for row in batch["row"].tolist()]
    np.testing.assert_allclose(logits, expected(place / teacher, texts), atol=1e-4)
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["model_type"] == "distilbert"
    assert reads_alike(load_tokenizer(tmp_path / "out/student"), tiny_tokenizer("distilbert"))
    teachers = load_torch(place / teacher).facts()
    assert result.report["teacher"]["parameters"] == teachers.parameters


def test_a_teacher_of_a_family_that_nobody_knows(values, place, tmp_path, asked, reviews):
    """Its layers are looked at by nobody."""
    kind, tokenizer = tmp_path / "deberta", tiny_tokenizer("roberta")
    config = DebertaV2Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        id2label={0: "negative", 1: "positive"},
        label2id={"negative": 0, "positive": 1},
        pad_token_id=tokenizer.pad_token_id,
    )
    AutoModelForSequenceClassification.from_config(config).save_pretrained(kind)
    tokenizer.save_pretrained(kind)
    tinybert.compress(values(teacher=str(kind)), tmp_path / "out")
    _, batch, logits = asked[0]
    texts = [reviews[row]["sentence"] for row in batch["row"].tolist()]
    np.testing.assert_allclose(logits, expected(kind, texts), atol=1e-4)


def test_further_teachers_may_have_tokenizers_of_their_own(values, place, tmp_path, asked, reviews):
    others = [{"model": str(place / name)} for name in ("roberta", "bert")]
    distill = {"distill": LEARNS | {"teachers": others, "prediction_loss": "logits"}}
    trim = {"trim-vocabulary": {"size": 150}}
    steps = [trim, {"student": SMALL}, distill]
    tinybert.compress(values("bert", steps=steps), tmp_path / "out")
    teacher, batch, logits = asked[0]
    assert teacher.own_tokens == [False, True, False]
    texts = [reviews[row]["sentence"] for row in batch["row"].tolist()]
    bert, roberta = (expected(place / name, texts) for name in ("bert", "roberta"))
    np.testing.assert_allclose(logits, (2 * bert + roberta) / 3, atol=1e-4)


def test_where_tokens_agree_layers_are_compared(values, tmp_path, asked):
    recipe = values("bert", "same", {"hidden": 1.0})
    tinybert.compress(recipe, tmp_path / "out")
    teacher, batch, _ = asked[0]
    assert teacher.own_tokens == [False]
    assert ("hidden", 1) in teacher(batch, [("hidden", 1)])


def test_steps_after_the_student_read_its_vocabulary(values, tmp_path):
    steps = values()["steps"] + [
        {"trim-vocabulary": {"size": 120}},
        {"prune": {"heads": 0.5, "distill": LEARNS}},
        {"quantize": {"method": "qat", "calibration_rows": 16, "distill": LEARNS}},
    ]
    tinybert.compress(values(steps=steps), tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["vocab_size"] <= 120


def test_what_tokens_must_agree_for_is_refused(values, place, tmp_path):
    student = values()["steps"][0]
    distill, corpus = {"distill": LEARNS}, tmp_path / "corpus.txt"
    corpus.write_text("a film\n" * 50)
    unlabeled = values()["data"] | {"unlabeled": [str(corpus)]}
    nowhere = {"student": {**SMALL, "base": str(tmp_path / "nowhere")}}
    for recipe, said in (
        (values(distill={"hidden": 1.0}), r"steps\.1\.distill\.hidden: .*are others; set 0"),
        (values(distill={"embedding": 1.0}), r"distill\.embedding: .*are others"),
        (values(distill={"cache": "off"}), r"distill\.cache: .*answers are kept"),
        (values(steps=[nowhere, distill]), r"student\.base: .*nowhere"),
        (
            values(steps=[{"student": SMALL}, student, distill]),
            r"student\.base: begins anew, and what `student` made is lost",
        ),
        (
            values(steps=[{"trim-vocabulary": {}}, student, distill]),
            r"base: begins anew, and what `trim-vocabulary` made",
        ),
        (
            values(steps=[student, {"general-distill": {}}, distill], data=unlabeled),
            r"general-distill: compares tokens",
        ),
        (values(steps=[{"student": {"base": str(place / "bare")}}, distill]), "312 is more than"),
    ):
        with pytest.raises(InputError, match=said):
            read(recipe)


def test_a_search_is_refused(values):
    with pytest.raises(InputError, match=r"student\.base: .*`budget\.search: false`"):
        tinybert.compress(values(budget={"size": "1MB"}), "never")
    assert read(values(budget={"size": "1MB", "search": False}))


def test_words_need_the_same_tokens(values, place, tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"tokens": ["a", "film"], "tags": ["O", "B-X"]}) + "\n")
    data = {"train": str(rows), "eval": str(rows), "max_length": 32}
    recipe = values("words", task="token-classification", data=data)
    with pytest.raises(InputError, match=r"student\.base: .*answered token by token"):
        read(recipe)


def test_tokenizers_are_compared_by_what_they_give():
    bert, cased = tiny_tokenizer("bert"), tiny_tokenizer("bert")
    assert reads_alike(bert, cased)
    cased.backend_tokenizer.normalizer = None
    assert not reads_alike(bert, cased)
    assert not reads_alike(bert, tiny_tokenizer("roberta"))


def test_merges_in_another_order_make_other_tokens(tmp_path):
    tiny_tokenizer("roberta").save_pretrained(tmp_path)
    path = tmp_path / "tokenizer.json"
    content = json.loads(path.read_text())
    content["model"]["merges"].reverse()
    path.write_text(json.dumps(content))
    assert not reads_alike(load_tokenizer(tmp_path), tiny_tokenizer("roberta"))


def test_vectors_are_learned_by_an_encoder_that_had_no_head_for_them(place, values, tmp_path):
    teacher = encoder_dir(tmp_path / "encoder", "roberta")
    texts = tmp_path / "texts.txt"
    texts.write_text("".join(f"a film {number}\n" for number in range(40)))
    data = {"train": str(texts), "eval": str(texts), "max_length": 32}
    recipe = values(str(teacher), task="sentence-embedding", data=data)
    report = tinybert.compress(recipe, tmp_path / "out").report
    assert -1 <= report["artifacts"][0]["metric"] <= 1


def test_a_student_that_nothing_trains_is_told(values, caplog):
    read(values(steps=values()["steps"][:1]))
    assert "no step trains the student" in caplog.text
