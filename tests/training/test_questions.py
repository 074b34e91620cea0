"""Questions as inputs: what is learned at which token, and how teacher and student compare."""

import pytest
import torch

from tiny_models import tiny_model_dir
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
from tinybert.modeling.load import load_model, load_tokenizer
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
