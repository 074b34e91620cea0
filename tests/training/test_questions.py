"""Questions as inputs: what is learned at which token, and how teacher and student compare."""

import random

import pytest
import torch

from tiny_models import WORDS, tiny_model_dir
from tinybert.base.errors import InputError
from tinybert.data import Table
from tinybert.distillation.cache import open_cache
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.distance import distance
from tinybert.distillation.losses import soft_label_loss
from tinybert.distillation.model import DistillationModel
from tinybert.distillation.predictions import as_classes, prediction_kind
from tinybert.distillation.signals import LOGITS, ROW, model_inputs, run
from tinybert.distillation.teacher import Teacher
from tinybert.modeling.load import load_model, load_tokenizer, save_model
from tinybert.modeling.torch_model import load_torch
from tinybert.tasks.question_answering import QuestionAnswering
from tinybert.training.batches import ANSWERED, NO_LABEL, EncodedExamples, PaddingCollator

CONTEXT = "the man sat on the mat and the cat ate it in the first game of the last old team"
ANSWERS = [("the cat", 27), ("the man", 0), None]


def table():
    cells = [
        {"text": [], "answer_start": []}
        if each is None
        else {"text": [each[0]], "answer_start": [each[1]]}
        for each in ANSWERS
    ]
    questions = ["who ate it"] * len(cells)
    columns = {"question": questions, "context": [CONTEXT] * len(cells), "answers": cells}
    return Table(columns, "train.jsonl")


@pytest.fixture
def folder(tmp_path):
    return tiny_model_dir("bert", tmp_path / "model", "question-answering")


@pytest.fixture
def tokenizer(folder):
    return load_tokenizer(folder)


@pytest.fixture
def rows(tokenizer):
    task = QuestionAnswering().fit(table())
    return EncodedExamples(task.examples(table()), tokenizer, 18, task)


@pytest.fixture
def batch(rows, tokenizer):
    return PaddingCollator(tokenizer, of_tokens=True)([rows[at] for at in range(len(rows))])


def models(folder, tmp_path):
    other = tiny_model_dir("bert", tmp_path / "student", "question-answering", seed=1)
    return [load_model(each, QuestionAnswering()) for each in (other, folder)]


def test_starts_and_ends_are_learned_at_the_tokens_of_the_answer(rows, tokenizer):
    assert len(rows) > 2 * len(ANSWERS)  # windows
    found = []
    for at in range(len(rows)):
        row = rows[at]
        assert len(row["input_ids"]) <= 18
        tokens, labels = tokenizer.convert_ids_to_tokens(row["input_ids"]), row["labels"]
        begins = [place for place, label in enumerate(labels) if label > 0 and label & 1]
        ends = [place for place, label in enumerate(labels) if label > 0 and label & 2]
        assert len(begins) == len(ends) == 1
        found.append(" ".join(tokens[begins[0] : ends[0] + 1]))
        # The question and what parts it from the context answer nothing.
        second = tokens.index("[SEP]") + 1
        assert labels[1:second] == [NO_LABEL] * (second - 1)
        assert row[ANSWERED] == [1, *[0] * (second - 1), *[1] * (len(tokens) - second - 1), 0]
    assert {*found} == {"[CLS]", "the cat", "the man"}


def test_a_question_without_room_is_refused_by_its_number(tokenizer):
    task = QuestionAnswering()
    long = Table(
        {"question": ["film", "film " * 40], "context": [CONTEXT] * 2, "answers": [[], []]}, "a"
    )
    with pytest.raises(InputError, match=r"a: text 2: 'film film .* has 40 tokens"):
        EncodedExamples(task.examples(long), tokenizer, 18, task)


def test_they_are_compared_over_the_context_and_the_first_token_alone(batch, folder, tmp_path):
    student, teacher = models(folder, tmp_path)
    assert prediction_kind(student.config) == "spans"
    for name in (ROW, "labels"):
        batch.pop(name)
    pupil = DistillationModel(student, teacher, DistillConfig(temperature=2.0), [])
    signals = run(teacher, model_inputs(batch), [LOGITS])[1]
    loss = pupil(teacher=signals, **batch)["loss"]
    # By hand: each row's starts and ends alone.
    given = run(student, model_inputs(batch), [LOGITS])[1][LOGITS]
    parts = []
    for row, answered in enumerate(batch[ANSWERED].bool()):
        for side in (0, 1):
            one, other = given[row, answered, side], signals[LOGITS][row, answered, side]
            parts.append(soft_label_loss(one[None], other[None], 2.0))
    torch.testing.assert_close(loss, torch.stack(parts).mean())
    elsewhere = {
        LOGITS: torch.where(batch[ANSWERED].bool()[..., None], signals[LOGITS], torch.tensor(99.0))
    }
    torch.testing.assert_close(pupil(teacher=elsewhere, **batch)["loss"], loss)
    loss.backward()
    assert all(each.grad.isfinite().all() for each in student.parameters() if each.grad is not None)
    assert pupil(teacher={LOGITS: given.detach()}, **batch)["loss"].abs() < 1e-6


def test_cached_answers_are_those_of_the_teacher(rows, batch, folder, tokenizer, tmp_path):
    teacher = load_model(folder, QuestionAnswering())
    collate = PaddingCollator(tokenizer, of_tokens=True)
    cache = open_cache(tmp_path / "cache", teacher, rows, collate, [LOGITS], batch_size=2)
    found = Teacher([teacher], caches=[cache])(batch, [LOGITS])[LOGITS]
    wanted = run(teacher, model_inputs(batch), [LOGITS])[1][LOGITS]
    answered = batch[ANSWERED].bool()
    assert 0 < answered.sum() < batch["attention_mask"].sum()
    torch.testing.assert_close(found[answered], wanted[answered], atol=1e-5, rtol=1e-5)


def test_several_teachers_have_the_mean_of_their_logits(batch, folder, tmp_path):
    both = models(folder, tmp_path)
    apart = [run(each, model_inputs(batch), [LOGITS])[1][LOGITS] for each in both]
    found = Teacher(both, weights=[3, 1], temperature=2.0)(batch, [LOGITS])[LOGITS]
    torch.testing.assert_close(found, (3 * apart[0] + apart[1]) / 4)


def test_how_far_two_models_are_apart(folder, tmp_path):
    examples = QuestionAnswering().examples(table())
    student, teacher = (
        load_torch(each, max_length=18)
        for each in (tiny_model_dir("bert", tmp_path / "s", "question-answering", seed=1), folder)
    )
    task = teacher.task
    outputs = [each.outputs(examples.rows) for each in (student, teacher)]
    config = teacher.module.config
    one, other = (task.compared(each) for each in outputs)
    assert distance(config, other, other) == 0
    spans = outputs[0].arrays["spans"]
    window = (spans[:, 0] < 0).cumsum()
    parts = []
    for number in range(1, window[-1] + 1):
        sides = (
            as_classes(torch.from_numpy(each.logits[window == number])[None], torch.ones(1, 1))
            for each in outputs
        )
        parts.append(soft_label_loss(*sides))
    assert distance(config, one, other) == pytest.approx(torch.stack(parts).mean().item(), rel=1e-4)


def test_a_model_learns_and_a_student_learns_from_it(folder, tokenizer, tmp_path):
    """The answer is the word that the question names; some contexts don't have it."""
    dice, rows = random.Random(0), []
    for number in range(48):
        words = dice.sample(WORDS, 8)
        named = dice.choice(words) if number % 4 else dice.choice(sorted({*WORDS} - {*words}))
        start = len(" ".join([*words[: words.index(named)], ""])) if number % 4 else 0
        answers = {"text": [named], "answer_start": [start]}
        none = {"text": [], "answer_start": []}
        rows.append([f"was it {named}", " ".join(words), answers if number % 4 else none])
    names = ("question", "context", "answers")
    columns = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    table = Table(columns, "train.jsonl")
    task = QuestionAnswering().fit(table)
    examples = task.examples(table)
    encoded = EncodedExamples(examples, tokenizer, 32, task)
    batch = PaddingCollator(tokenizer, of_tokens=True)([encoded[at] for at in range(len(encoded))])
    batch.pop(ROW)

    def train(model, loss):
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
        for _ in range(120):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()
        save_model(model, tokenizer, tmp_path / "trained")
        opened = load_torch(tmp_path / "trained", max_length=32)
        outputs = opened.outputs(examples.rows)
        return task.calibrate(outputs, examples.labels).score(outputs, examples.labels)["f1"]

    teacher = load_model(folder, task)
    assert train(teacher, lambda: teacher(**model_inputs(batch), labels=batch["labels"]).loss) > 0.9
    other = tiny_model_dir("bert", tmp_path / "other", "question-answering", seed=3)
    student = load_model(other, task)
    without = {name: values for name, values in batch.items() if name != "labels"}
    signals = run(teacher, model_inputs(without), [LOGITS])[1]
    signals = {name: values.detach() for name, values in signals.items()}
    pupil = DistillationModel(student, teacher, DistillConfig(temperature=1.0), [])
    assert train(student, lambda: pupil(teacher=signals, **without)["loss"]) > 0.9
