"""Weights of labels, balanced sampling and early stopping: what each promises."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from tinybert.base.errors import InputError
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.on_rows import distill
from tinybert.modeling.load import load_model
from tinybert.steps.finetune.config import FinetuneConfig
from tinybert.steps.finetune.step import finetune
from tinybert.tasks import get_task
from tinybert.training.batches import EncodedExamples
from tinybert.training.class_weights import WeightedLoss, balanced_weights
from tinybert.training.early_stopping import EarlyStopping
from tinybert.training.materials import Materials
from tinybert.training.row_choice import choose_rows
from tinybert.training.row_order import LengthBucketedSampler, balanced_order
from tinybert.training.rows_check import check_rows

TRAINING = {"batch_size": 8, "bf16": False}


def test_weights_are_those_of_pytorch_and_count_rare_labels_as_much_as_others():
    torch.manual_seed(0)
    targets = np.array([0] * 6 + [1] * 3 + [2])
    loss = WeightedLoss("balanced", ("a", "b", "c"), targets)
    logits, labels = torch.randn(10, 3), torch.from_numpy(targets)
    by_hand = sum(
        loss.weights[label] * -row.log_softmax(-1)[label]
        for row, label in zip(logits, labels, strict=True)
    )
    assert loss(logits, labels).item() == pytest.approx(
        (by_hand / loss.weights[labels].sum()).item(), rel=1e-5
    )
    shares = [loss.weights[labels[labels == label]].sum().item() for label in range(3)]
    assert shares == pytest.approx([10 / 3] * 3)
    alike = WeightedLoss({"a": 1.0}, ("a", "b", "c"), targets)
    assert torch.equal(alike(logits, labels), functional.cross_entropy(logits, labels))


def test_weights_of_several_labels_are_those_of_the_ones():
    targets = np.array([[1, 0], [1, 0], [1, 1], [0, 0]], np.float32)
    loss = WeightedLoss("balanced", ("often", "rare"), targets)
    assert loss.weights.tolist() == pytest.approx([1 / 3, 3.0])
    logits, labels = torch.randn(4, 2), torch.from_numpy(targets)
    ones = loss.weights * labels * functional.softplus(-logits)
    by_hand = (ones + (1 - labels) * functional.softplus(logits)).mean()
    assert loss(logits, labels).item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_tokens_without_a_label_weigh_nothing():
    loss = WeightedLoss({"b": 5.0}, ("a", "b"), np.array([0, 1]))
    logits, labels = torch.randn(1, 4, 2), torch.tensor([[0, -100, 1, -100]])
    kept = functional.cross_entropy(logits[0, [0, 2]], torch.tensor([0, 1]), loss.weights)
    assert loss(logits, labels).item() == pytest.approx(kept.item())
    assert loss(logits, torch.full((1, 4), -100)).item() == 0
    assert balanced_weights(np.array([0, -100, 0, 1]), 3).tolist() == pytest.approx([0.75, 1.5, 1])


@pytest.mark.parametrize("counts", [(50, 3), (7, 1, 100), (10, 10)])
def test_sampling_gives_each_class_the_same_share_and_repeats_none_needlessly(counts):
    classes = np.repeat(np.arange(len(counts)), counts)
    total = np.zeros(len(counts), int)
    for seed in range(20):
        order = balanced_order(classes, torch.Generator().manual_seed(seed))
        assert len(order) == len(classes)
        own = np.bincount(classes[order.numpy()], minlength=len(counts))
        assert own.max() - own.min() <= 1
        times = np.bincount(order.numpy(), minlength=len(classes))
        for label in range(len(counts)):
            assert np.ptp(times[classes == label]) <= 1
        total += own
    assert total / total.sum() == pytest.approx(1 / len(counts), abs=0.01)


def test_sampling_depends_on_seed_and_epoch_alone():
    classes, lengths = np.array([0] * 30 + [1] * 3), list(range(33))

    def order(seed, epoch):
        options = {"seed": seed, "epoch": lambda: epoch, "classes": classes}
        return list(LengthBucketedSampler(lengths, 4, **options))

    assert order(0, 1) == order(0, 1)
    assert len({tuple(order(seed, epoch)) for seed in (0, 1) for epoch in (0, 1)}) == 4


@pytest.fixture
def uneven(tiny_context):
    """A context with 36 rows of one class and 4 of the other."""

    def make(**changes):
        context = tiny_context(**changes)
        rows = context.train
        order = np.argsort(rows.labels, kind="stable")
        few = np.concatenate([order[:20], order[:16], order[-4:]])
        return dataclasses.replace(context, train=rows.take(few))

    return make


def test_a_model_learns_the_rare_class_sooner_with_weights_or_sampling(
    uneven, tiny_bert_dir, tmp_path
):
    shares = {}
    for name, settings in {
        "plain": {},
        "weights": {"class_weights": "balanced"},
        "sampling": {"sampling": "balanced"},
    }.items():
        context = uneven(folder=tmp_path / name)
        torch.manual_seed(0)
        config = FinetuneConfig(epochs=2, learning_rate=1e-3, **TRAINING, **settings)
        model = finetune(config, load_model(tiny_bert_dir, context.task), context)
        inputs = context.tokenizer(context.train.texts, padding=True, return_tensors="pt")
        with torch.no_grad():
            shares[name] = model(**inputs).logits.softmax(-1)[:, 1].mean().item()
    assert min(shares["weights"], shares["sampling"]) > shares["plain"] + 0.05, shares


def test_weights_of_one_change_nothing_and_others_do(tiny_context, tiny_bert_dir, tmp_path):
    def train(name, **settings):
        context = tiny_context(folder=tmp_path / name)
        torch.manual_seed(0)
        config = FinetuneConfig(max_steps=3, learning_rate=1e-3, **TRAINING, **settings)
        return finetune(config, load_model(tiny_bert_dir, context.task), context).classifier.weight

    first = tiny_context().task.labels[0]
    plain, alike, other = (
        train("plain"),
        train("alike", class_weights={first: 1.0}),
        train("other", class_weights={first: 9.0}),
    )
    assert torch.allclose(plain, alike, atol=1e-6)
    assert not torch.allclose(plain, other, atol=1e-4)


def student_of(teacher):
    from tinybert.steps.student.build import build_student
    from tinybert.steps.student.config import StudentConfig

    torch.manual_seed(0)
    shape = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
    return build_student(StudentConfig(**shape), teacher)


def test_distillation_weighs_its_loss_of_labels(uneven, tiny_bert_dir, tmp_path):
    def train(name, **settings):
        context = uneven(folder=tmp_path / name)
        teacher = load_model(tiny_bert_dir, context.task)
        context = dataclasses.replace(context, teacher=teacher)
        config = DistillConfig(max_steps=3, label=1.0, learning_rate=1e-3, **TRAINING, **settings)
        return distill(config, student_of(teacher), context).classifier.weight

    names = uneven().task.labels
    plain = train("plain")
    alike = train("alike", class_weights=dict.fromkeys(names, 1.0))
    assert torch.allclose(plain, alike, atol=1e-6)
    assert not torch.allclose(plain, train("balanced", class_weights="balanced"), atol=1e-5)
    assert not torch.allclose(plain, train("sampled", sampling="balanced"), atol=1e-5)


class Killed(Exception):
    pass


STOPS = {"epochs": 12, "learning_rate": 5e-3, "checkpoint_steps": 3}
STOPPING = {"patience": 2, "hold_out": 0.25, "every": 2}


def run_finetune(context, folder, **stopping):
    torch.manual_seed(0)
    config = FinetuneConfig(**TRAINING, **STOPS, early_stopping=STOPPING | stopping)
    return finetune(config, load_model(folder, context.task), context)


def run_distill(context, folder, **stopping):
    teacher = load_model(folder, context.task)
    context = dataclasses.replace(context, teacher=teacher)
    config = DistillConfig(
        **TRAINING, **STOPS, label=1.0, hidden=1.0, early_stopping=STOPPING | stopping
    )
    return distill(config, student_of(teacher), context)


def noise(context):
    """Labels that nothing can learn: the loss on held-out rows soon rises."""
    rows = context.train
    labels = np.random.default_rng(1).integers(0, 2, len(rows))
    return dataclasses.replace(context, train=dataclasses.replace(rows, labels=labels))


@pytest.mark.parametrize("run", [run_finetune, run_distill])
def test_it_stops_says_why_and_keeps_the_best_weights(
    run, tiny_context, tiny_bert_dir, tmp_path, monkeypatch
):
    told, losses, kept = [], {}, {}
    look = EarlyStopping.on_evaluate

    def note(self, args, state, control, **given):
        look(self, args, state, control, **given)
        losses[state.global_step] = state.log_history[-1]["eval_loss"]
        model = self.trainer.model
        kept[state.global_step] = {k: v.clone() for k, v in model.state_dict().items()}

    monkeypatch.setattr(EarlyStopping, "on_evaluate", note)
    context = noise(tiny_context(folder=tmp_path / "work", progress=told.append))
    model = run(context, tiny_bert_dir)
    best = min(losses, key=losses.get)
    last = max(losses)
    assert last < told[-1].total, "it should stop before the end"
    assert f"than that of step {best}" in told[-1].note
    assert "2 looks" in told[-1].note
    assert [step for step in losses if step > best] == [best + 2, best + 4]
    prefix = "student." if run is run_distill else ""
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, kept[best][prefix + name]), name


@pytest.mark.parametrize("run", [run_finetune, run_distill])
@pytest.mark.parametrize("kill_at", [2, 5, "end"])
def test_a_killed_run_stops_where_it_would_have_with_the_same_bits(
    run, kill_at, tiny_context, tiny_bert_dir, tmp_path
):
    ends = {}

    def note(name):
        return lambda report: ends.__setitem__(name, report.done)

    def killer(report):
        over = kill_at == "end" and report.note.startswith("stopped")
        if over or (report.step in ("finetune", "distill") and report.done == kill_at):
            raise Killed

    def context(name, progress):
        return noise(tiny_context(folder=tmp_path / name, progress=progress))

    whole = run(context("whole", note("whole")), tiny_bert_dir)
    with pytest.raises(Killed):
        run(context("killed", killer), tiny_bert_dir)
    again = run(context("killed", note("killed")), tiny_bert_dir)
    # What stopped with a checkpoint has nothing left to do.
    assert ends.get("killed", ends["whole"]) == ends["whole"]
    for name, weight in again.state_dict().items():
        assert torch.equal(weight, whole.state_dict()[name]), name


def test_a_checkpoint_of_the_step_that_it_stopped_at_is_its_end(
    tiny_context, tiny_bert_dir, tmp_path, monkeypatch
):
    monkeypatch.setitem(STOPS, "checkpoint_steps", 1)
    done = []
    first = run_finetune(noise(tiny_context(folder=tmp_path / "work")), tiny_bert_dir)
    context = noise(tiny_context(folder=tmp_path / "work", progress=lambda r: done.append(r.done)))
    second = run_finetune(context, tiny_bert_dir)
    assert done == []
    for name, weight in second.state_dict().items():
        assert torch.equal(weight, first.state_dict()[name]), name


def test_held_out_rows_are_not_learned_from_nor_rows_of_their_text(tiny_context):
    context = tiny_context()
    twice = context.train.take([*range(40), *range(40)])
    inputs = EncodedExamples(twice, context.tokenizer, 32, context.task)
    config = FinetuneConfig(early_stopping={"hold_out": 0.25}, sampling="balanced")
    learned, held = choose_rows(config, inputs, twice, seed=0)
    rows = [{each["row"] for each in part} for part in (learned, held)]
    assert rows[0] | rows[1] == set(range(80))
    texts = [{twice.texts[row] for row in part} for part in rows]
    assert not texts[0] & texts[1]
    assert 10 <= len(held) <= 20
    assert choose_rows(config, inputs, twice, seed=0)[1]._places.tolist() == held._places.tolist()
    assert learned.classes.tolist() == [twice.labels[row["row"]] for row in learned]


def test_windows_of_a_row_are_held_out_together(tiny_context):
    from tinybert.tasks.spans import Span
    from tinybert.tasks.task import Examples

    context = tiny_context()
    task = dataclasses.replace(get_task("token-classification"), labels=("O", "B-X", "I-X"))
    spans = np.empty(40, object)
    for row in range(40):
        spans[row] = [Span(0, 1, "X")]
    rows = Examples([{"words": ["a"] * 30 + [f"x{row}"]} for row in range(40)], spans, "words")
    inputs = EncodedExamples(rows, context.tokenizer, 16, task)
    assert len(inputs) > 40
    assert sorted({*inputs.row_of.tolist()}) == list(range(40))
    config = FinetuneConfig(early_stopping={"hold_out": 0.3})
    learned, held = choose_rows(config, inputs, rows, seed=0)
    parts = [{int(inputs.row_of[each["row"]]) for each in part} for part in (learned, held)]
    assert not parts[0] & parts[1]


def materials(context, task=None, train=None):
    config, tokenizer = {}, context.tokenizer
    rows = context.train if train is None else train
    own = task or context.task
    return Materials("t", config, tokenizer, own, rows, 32, lambda *_: None, None)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("text-regression", {"class_weights": "balanced"}, "text-regression has no such"),
        ("text-regression", {"sampling": "balanced"}, "have not; leave it out"),
        ("multi-label-classification", {"sampling": "balanced"}, "class_weights may do"),
        ("token-classification", {"sampling": "balanced"}, "class_weights may do"),
        ("question-answering", {"class_weights": "balanced"}, "has no such"),
        (None, {"class_weights": {"nobody": 2.0}}, "no label 'nobody'; known: "),
        (None, {"early_stopping": {"hold_out": 0.05}}, "holds out 2 of 40 training rows"),
    ],
)
def test_what_rows_cannot_be_trained_with_is_refused(tiny_context, kind, settings, message):
    context = tiny_context()
    given = materials(context, None if kind is None else get_task(kind))
    with pytest.raises(InputError, match=message):
        check_rows(FinetuneConfig(**settings), given)


def test_soft_labels_have_no_weights(tiny_context):
    context = tiny_context()
    soft = np.full((40, 2), 0.5, np.float32)
    given = materials(context, train=dataclasses.replace(context.train, soft_labels=soft))
    config = FinetuneConfig(class_weights="balanced")
    with pytest.raises(InputError, match="soft ones"):
        check_rows(config, given, soft=True)
    check_rows(config, given)


@pytest.mark.parametrize(
    ("config", "settings", "message"),
    [
        (DistillConfig, {"class_weights": "balanced"}, "label has weight 0"),
        (FinetuneConfig, {"class_weights": {"a": 0}}, "greater than or equal to 0.000001"),
        (FinetuneConfig, {"method": "contrastive", "sampling": "balanced"}, "pairs"),
        (
            DistillConfig,
            {"early_stopping": {}, "weights_schedule": "two-phase"},
            "changes what they are",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(config, settings, message):
    with pytest.raises(ValueError, match=message):
        config(**settings)


@pytest.mark.parametrize("step", ["prune", "quantize"])
def test_steps_that_change_the_model_while_it_trains_refuse_to_stop_early(step):
    from tinybert.recipe.recipe import Recipe

    own = {"prune": {"heads": 0.5}, "quantize": {"method": "qat"}}[step]
    within = {step: own | {"distill": {"early_stopping": {}}}}
    steps = [{"finetune": {}}, {"student": {}}, {"distill": {}}, within]
    recipe = {"teacher": "t", "task": "glue/sst-2", "data": {"train": "SST-2"}, "steps": steps}
    with pytest.raises(InputError, match=f"early_stopping: `{step}` changes the model"):
        Recipe.from_mapping(recipe)


def test_rows_that_a_step_made_have_no_labels_to_balance():
    from tinybert.recipe.recipe import Recipe

    steps = [{"student": {}}, {"augment": {}}, {"distill": {"sampling": "balanced"}}]
    recipe = {"teacher": "t", "task": "glue/sst-2", "data": {"train": "SST-2"}, "steps": steps}
    with pytest.raises(InputError, match="needs labels, and the rows of `augment` have none"):
        Recipe.from_mapping(recipe)
