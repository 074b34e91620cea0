"""Students of many shapes, and how near to their teacher each way to begin leaves them."""

import copy
import random

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, BertTokenizerFast

from tinybert.base.errors import InputError
from tinybert.distillation.losses import soft_label_loss
from tinybert.modeling.load import save_model
from tinybert.modeling.observe import make_batches
from tinybert.modeling.selection import select_in, selection_of
from tinybert.runtime.config import max_positions
from tinybert.steps.student.build import build_student
from tinybert.steps.student.config import StudentConfig
from tinybert.steps.student.step import student
from tinybert.tasks.task import Examples
from tinybert.training.calibration import first_tokens

SAME = {"layers": 2, "hidden_size": 32, "attention_heads": 4, "intermediate_size": 64}
SHAPES = {
    "the teacher's": {},
    "narrower": {"hidden_size": 16, "intermediate_size": 32},
    "shallower": {"layers": 1},
    "fewer heads": {"attention_heads": 2},
    "one wide head": {"attention_heads": 1, "hidden_size": 16},
    "all at once": {
        "layers": 1,
        "hidden_size": 24,
        "attention_heads": 2,
        "intermediate_size": 40,
    },
}


@pytest.fixture(scope="module", params=["bert", "roberta"])
def teacher(request, tiny_tokenizer_dir, reviews):
    """A tiny model that has learned the reviews: random weights have no structure to keep."""
    torch.manual_seed(0)
    tokenizer = BertTokenizerFast.from_pretrained(tiny_tokenizer_dir)
    config = AutoConfig.for_model(
        request.param,
        vocab_size=len(tokenizer),
        num_hidden_layers=2,
        hidden_size=32,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=80,
        type_vocab_size=2,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.1,
    )
    model = AutoModelForSequenceClassification.from_config(config)
    batch = tokenizer([row["sentence"] for row in reviews], padding=True, return_tensors="pt")
    labels = torch.tensor([int(row["label"] == "positive") for row in reviews])
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(60):
        loss = model(**batch, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.1
    return model.eval()


@torch.no_grad()
def logits(model, context, texts):
    batches = make_batches(texts, context.tokenizer, 32, model.device)
    return torch.cat([model(**batch).logits for batch in batches])


def make(teacher, context, **changes):
    torch.manual_seed(0)
    return student(StudentConfig(**(SAME | changes)), teacher, context)


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_a_start_from_the_teacher_is_near_it(teacher, tiny_context, changes):
    context = tiny_context()
    wanted = logits(teacher, context, context.train.texts)
    ours = logits(make(teacher, context, **changes), context, context.train.texts)
    start = make(teacher, context, init="random", **changes)
    from_random = soft_label_loss(logits(start, context, context.train.texts), wanted)
    assert soft_label_loss(ours, wanted) < 0.01 * from_random


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_it_is_near_on_rows_it_was_not_fitted_to(teacher, tiny_context, reviews, changes):
    """The sentiment is the last word; the words before it are shuffled."""
    context, dice = tiny_context(), random.Random(1)
    texts = []
    for _ in range(5):
        for row in reviews:
            *words, sentiment = row["sentence"].split()
            texts.append(" ".join([*dice.sample(words, len(words)), sentiment]))
    wanted = logits(teacher, context, texts).argmax(1)
    ours = logits(make(teacher, context, **changes), context, texts).argmax(1)
    assert (ours == wanted).float().mean() > 0.9


def test_the_teacher_stays_as_it_is(teacher, tiny_context):
    before = copy.deepcopy(teacher.state_dict())
    make(teacher, tiny_context(), **SHAPES["all at once"])
    for name, weight in teacher.state_dict().items():
        assert torch.equal(weight, before[name]), name


def test_labels_are_not_needed(teacher, tiny_context):
    rows = tiny_context().train
    unlabeled = tiny_context(train=Examples.of_texts(rows.texts, None, rows.source))
    with_labels, without = make(teacher, tiny_context()), make(teacher, unlabeled)
    for name, weight in without.state_dict().items():
        assert torch.equal(weight, with_labels.state_dict()[name]), name


def test_no_weight_is_infinite_on_few_rows(teacher, tiny_context):
    """Fewer tokens than unknowns."""
    rows = tiny_context().train
    few = tiny_context(train=Examples.of_texts(rows.texts[:1], None, rows.source))
    model = make(teacher, few, **SHAPES["all at once"])
    assert all(torch.isfinite(weight).all() for weight in model.state_dict().values())


@pytest.mark.parametrize("init", ["teacher", "random"])
@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_a_student_of_any_shape_loads_in_stock_transformers(
    teacher, tiny_context, tmp_path, init, changes
):
    model = make(teacher, tiny_context(), init=init, **changes)
    model.save_pretrained(tmp_path)
    loaded, loading = AutoModelForSequenceClassification.from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert not any(loading.values())
    for name, theirs in {
        "hidden_size": "hidden_size",
        "layers": "num_hidden_layers",
        "attention_heads": "num_attention_heads",
        "intermediate_size": "intermediate_size",
    }.items():
        assert getattr(loaded.config, theirs) == (SAME | changes)[name]
    batch = {"input_ids": torch.tensor([[2, 9, 3]]), "attention_mask": torch.ones(1, 3)}
    torch.testing.assert_close(loaded(**batch).logits, model(**batch).logits)


def test_a_start_from_a_checkpoint(teacher, tiny_context, tmp_path):
    shape = SHAPES["all at once"]
    source = make(teacher, tiny_context(), **shape)
    source.save_pretrained(tmp_path)
    model = make(teacher, tiny_context(), init=str(tmp_path), **shape)
    for name, weight in model.base_model.state_dict().items():
        assert torch.equal(weight, source.base_model.state_dict()[name]), name
    assert not torch.equal(
        next(model.classifier.parameters()), next(source.classifier.parameters())
    )


def test_a_start_from_a_shortened_checkpoint_computes_every_token(teacher, tiny_context, tmp_path):
    source = make(teacher, tiny_context(), **SHAPES["all at once"])
    select_in(source, 0, 4)
    save_model(source, tiny_context().tokenizer, tmp_path)
    model = make(teacher, tiny_context(), init=str(tmp_path), **SHAPES["all at once"])
    assert selection_of(model) is None


@pytest.mark.parametrize("changes", [{"layers": 1}, {"hidden_size": 16}])
def test_a_checkpoint_of_another_shape_is_refused(teacher, tiny_context, tmp_path, changes):
    make(teacher, tiny_context(), init="random").save_pretrained(tmp_path)
    with pytest.raises(InputError, match="does not fit the student"):
        make(teacher, tiny_context(), init=str(tmp_path), **changes)


def test_fewer_positions_are_the_teachers_first_ones(teacher, tiny_context, tmp_path):
    few = make(teacher, tiny_context(), positions=24)
    many = make(teacher, tiny_context())
    first = many.config.max_position_embeddings - max_positions(many.config.to_dict())
    assert few.config.max_position_embeddings == first + 24
    batch = tiny_context().tokenizer(["a great film " * 6], return_tensors="pt")
    torch.testing.assert_close(few(**batch).logits, many(**batch).logits)
    save_model(few, tiny_context().tokenizer, tmp_path)
    again = make(teacher, tiny_context(), positions=24, init=str(tmp_path))
    assert again.config.max_position_embeddings == first + 24
    with pytest.raises(InputError, match="max_position_embeddings"):
        StudentConfig(**SAME, init=str(tmp_path))._check_checkpoint(
            tmp_path, teacher.config.to_dict()
        )


def test_random_starts_follow_the_seed(teacher):
    shape = StudentConfig(**SAME)
    weights = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        weights.append(next(build_student(shape, teacher).parameters()))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_calibration_stops_at_a_number_of_tokens(tiny_context):
    context = tiny_context()
    texts, tokenizer = context.train.texts, context.tokenizer
    few = first_tokens(texts, tokenizer, 32, 40)
    encoded = tokenizer(few, truncation=True, max_length=32)["input_ids"]
    assert few == texts[: len(few)]
    assert 1 <= len(few) < len(texts)
    assert sum(map(len, encoded)) <= 40
    assert first_tokens(texts, tokenizer, 32, 1) == texts[:1]
    assert first_tokens(texts, tokenizer, 32, 10**6) == texts
