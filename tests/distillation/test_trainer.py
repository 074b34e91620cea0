"""What distillation trains, and what it leaves alone."""

import contextlib
import copy
import dataclasses

import pytest
import torch
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    DataCollatorWithPadding,
    TrainingArguments,
    set_seed,
)

from tinybert.base.errors import InputError
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.losses import soft_label_loss
from tinybert.distillation.model import DistillationModel
from tinybert.distillation.on_rows import distill
from tinybert.distillation.signals import LOGITS, run
from tinybert.distillation.terms import ProjectedTerm
from tinybert.distillation.trainer import DistillationTrainer
from tinybert.modeling.last_layer import first_position_alone
from tinybert.modeling.observe import make_batches
from tinybert.tasks.task import Examples
from tinybert.training.batches import EncodedExamples

LOSSES = ("prediction", "embedding", "hidden", "attention", "relations", "label")


def config(**changes):
    weights = dict.fromkeys(LOSSES, 0.0) | {"prediction": 1.0}
    length = {"epochs": 1, "batch_size": 8, "learning_rate": 1e-2, "bf16": False}
    length |= {"relation_heads": 4, "cache": "off"}
    return DistillConfig(**(weights | length | changes))


def encoded(context):
    return EncodedExamples(context.train, context.tokenizer, 32)


def trainer_of(
    student, teacher, context, folder, *, rows=None, settings=None, max_steps=2, **options
):
    """Used as Transformers' own is; the rows are the context's unless given."""
    rows = rows or encoded(context)
    return DistillationTrainer(
        student,
        teacher=teacher,
        settings=settings or config(hidden=1),
        args=TrainingArguments(str(folder), max_steps=max_steps, report_to="none", use_cpu=True),
        train_dataset=rows,
        eval_dataset=rows,
        data_collator=DataCollatorWithPadding(context.tokenizer),
        processing_class=context.tokenizer,
        **options,
    )


def distance(student, teacher, context):
    batches = make_batches(context.train.texts, context.tokenizer, 32, teacher.device)
    with torch.no_grad():
        return sum(
            soft_label_loss(student(**b).logits, teacher(**b).logits).item() for b in batches
        )


def test_the_student_comes_nearer(student, teacher, tiny_context):
    context = tiny_context(teacher=teacher)
    before = distance(student, teacher, context)
    trained = distill(config(epochs=6), student, context)
    assert not trained.training
    assert distance(trained, teacher, context) < 0.5 * before


def test_the_teacher_stays_as_it_is(student, teacher, tiny_context):
    before = copy.deepcopy(teacher.state_dict())
    distill(config(hidden=1, embedding=1, attention=1), student, tiny_context(teacher=teacher))
    assert not teacher.training
    for name, weight in teacher.state_dict().items():
        assert torch.equal(weight, before[name]), name
    assert all(weight.grad is None for weight in teacher.parameters())


def test_fused_attention_stays(student, teacher, tiny_context):
    """Attention is compared without eager attention, which is slower."""
    implementations = [model.config._attn_implementation for model in (student, teacher)]
    assert implementations == ["sdpa", "sdpa"]
    distill(config(attention=1, max_steps=1), student, tiny_context(teacher=teacher))
    assert implementations == [m.config._attn_implementation for m in (student, teacher)]


def features(context):
    batch = make_batches(context.train.texts, context.tokenizer, 32, torch.device("cpu"))[0]
    return batch | {"labels": torch.from_numpy(context.train.labels)}


@pytest.mark.parametrize("names", [["prediction"], ["hidden", "embedding"], [*LOSSES]])
def test_a_loss_of_weight_0_is_left_out(student, teacher, tiny_context, names):
    weights = {"prediction": 0.0} | dict.fromkeys(names, 0.5)
    model = DistillationModel(student, teacher, config(**weights), [(1, 2)]).eval()
    batch = features(tiny_context())
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    signals = run(teacher, inputs, model.teacher_signals(names))[1]
    losses = model(teacher=signals, **batch)
    assert losses.keys() == {"loss", *names}
    total = sum(0.5 * losses[name] for name in names)
    torch.testing.assert_close(losses["loss"], total)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("prediction", {}),
        ("hidden", {}),
        ("attention", {}),
        ("attention", {"attention_loss": "scores"}),
        ("relations", {}),
    ],
)
def test_processes_average_to_the_loss_of_all_their_rows(
    student, teacher, tiny_context, name, settings
):
    """However unevenly tokens are spread over them."""
    weights = {"prediction": 0.0, name: 1.0} | settings
    model = DistillationModel(student, teacher, config(**weights), [(1, 2)]).eval()
    batch = {key: value for key, value in features(tiny_context()).items() if key != "labels"}
    order = batch["attention_mask"].sum(1).argsort()
    batch = {key: value[order] for key, value in batch.items()}
    half, tokens = len(order) // 2, batch["attention_mask"].sum()

    def loss(rows):
        part = {key: value[rows] for key, value in batch.items()}
        share = 1.0 if rows == slice(None) else part["attention_mask"].sum() * 2 / tokens
        signals = run(teacher, part, model.teacher_signals([name]))[1]
        return model(teacher=signals, token_share=share, **part)["loss"]

    mean = (loss(slice(half)) + loss(slice(half, 2 * half))) / 2
    assert len(order) % 2 == 0
    torch.testing.assert_close(mean, loss(slice(None)))


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({"attention": 1, "relations": 1}, 0),
        ({"hidden": 1}, 2),
        ({"hidden": 1, "projection": "shared"}, 1),
        ({"hidden": 1, "embedding": 1}, 3),
    ],
)
def test_projections_only_where_hidden_states_are_compared(student, teacher, changes, count):
    model = DistillationModel(student, teacher, config(**changes), [(1, 1), (2, 2)])
    terms = [term for term in model.terms.values() if isinstance(term, ProjectedTerm)]
    assert sum(len(term.projections) for term in terms) == count


def test_projections_start_at_least_squares(student, teacher, tiny_context, tmp_path):
    context = tiny_context(teacher=teacher)
    settings = config(hidden=1, embedding=1, prediction=0)
    trainer = trainer_of(student, teacher, context, tmp_path, settings=settings)
    batch = features(context)

    def loss():
        with torch.no_grad():
            return trainer.compute_loss(trainer.model.eval(), dict(batch)).item()

    before = loss()
    trainer.fit_projections()
    assert loss() < 0.8 * before


@pytest.mark.parametrize("weights", [{}, {"hidden": 1.0}])
def test_labels_are_not_needed(student, teacher, tiny_context, tmp_path, weights):
    """Nor looked at: with them the same is learned, unless they have a weight."""
    rows = tiny_context().train
    unlabeled = Examples.of_texts(rows.texts, None, rows.source)
    learned = []
    for name, train, label in (("without", unlabeled, 0), ("with", rows, 0), ("by", rows, 1)):
        context = tiny_context(teacher=teacher, train=train, folder=tmp_path / name)
        settings = config(max_steps=2, label=label, **weights)
        set_seed(0)  # of the projections
        learned.append(distill(settings, copy.deepcopy(student), context).state_dict())
    before, (without, with_labels, by_labels) = student.state_dict(), learned
    head = "classifier.weight"
    assert not torch.equal(without[head], before[head])
    assert all(torch.equal(without[name], with_labels[name]) for name in without)
    assert not torch.equal(without[head], by_labels[head])


def test_it_is_a_trainer_like_any_other(student, teacher, tiny_context, tmp_path):
    """A plain data set with a column too many, and the Trainer's own settings."""
    context = tiny_context()
    whole = encoded(context)
    rows = [whole[index] | {"id": index} for index in range(16)]
    before = copy.deepcopy(student.state_dict())
    trainer_of(student, teacher, context, tmp_path, rows=rows, max_steps=3).train()
    changed = [not torch.equal(w, before[name]) for name, w in student.state_dict().items()]
    assert any(changed)


def test_it_evaluates_like_any_other(student, teacher, tiny_context, tmp_path):
    """Also rows whose label is called "label", as the hub's data sets call it."""
    context = tiny_context()
    whole = encoded(context)
    rows = [whole[index] for index in range(8)]
    for row in rows:
        row["label"] = row.pop("labels")
    settings = config(label=1.0, hidden=1.0)
    trainer = trainer_of(student, teacher, context, tmp_path, rows=rows, settings=settings)
    trainer.train()
    assert trainer.evaluate()["eval_loss"] > 0


def test_a_mapping_that_can_not_be(student, teacher, tiny_context):
    with pytest.raises(InputError, match="1 layers of the teacher's 2"):
        distill(config(mapping=[3], hidden=1), student, tiny_context(teacher=teacher))


def test_regression_compares_values(tiny_bert_dir, tiny_context, student, teacher):
    student.config.problem_type = "regression"
    model = DistillationModel(student, teacher, config(), [(1, 2)])
    ours, theirs = {LOGITS: torch.tensor([[1.0], [2.0]])}, {LOGITS: torch.tensor([[3.0], [2.0]])}
    assert model.terms["prediction"](ours, theirs, torch.ones(2, 1)).item() == 2.0


@pytest.mark.parametrize("losses", [{}, {"hidden": 1, "attention": 1, "relations": 1}])
def test_gradient_checkpointing_changes_nothing_but_memory(student, teacher, tiny_context, losses):
    results = []
    for number, checkpointing in enumerate((False, True)):
        torch.manual_seed(0)
        trained = distill(
            config(max_steps=3, gradient_checkpointing=checkpointing, **losses),
            copy.deepcopy(student),
            dataclasses.replace(
                tiny_context(teacher=teacher), folder=tiny_context().folder / str(number)
            ),
        )
        assert not trained.is_gradient_checkpointing
        results.append(trained.state_dict())
    for name, values in results[0].items():
        torch.testing.assert_close(values, results[1][name], rtol=1e-4, atol=1e-5)


def test_a_schedule_that_leaves_nothing(student, teacher, tiny_context):
    """The article's schedule begins with embeddings and hidden states."""
    with pytest.raises(InputError, match=r"leaves no loss at epoch 0\.00"):
        distill(config(weights_schedule="ramp"), student, tiny_context(teacher=teacher))


@pytest.mark.parametrize("name", ["two-phase", "ramp"])
def test_schedules_change_the_weights(student, teacher, tiny_context, name):
    seen = []
    weights = {"hidden": 1, "embedding": 1, "weights_schedule": name, "epochs": 12}
    context = tiny_context(
        teacher=teacher, progress=lambda report: seen.append(frozenset(report.values))
    )
    distill(config(**weights), student, context)
    with_losses = [values for values in seen if values]
    if name == "two-phase":
        assert "loss_prediction" not in with_losses[0]
    assert "loss_prediction" in with_losses[-1]


def test_stock_regression_models_learn_values(tiny_context, tmp_path):
    """Whose config.json, as Transformers saves it, does not say that they are regressions."""
    shape = {"vocab_size": 200, "hidden_size": 16, "num_hidden_layers": 1, "num_labels": 1}
    stock = BertConfig(**shape, num_attention_heads=2, intermediate_size=16)
    teacher, student = (BertForSequenceClassification(stock) for _ in range(2))
    assert stock.problem_type is None
    context = tiny_context()
    before = copy.deepcopy(student.state_dict())
    rows = EncodedExamples(
        Examples.of_texts(context.train.texts, None, "texts"), context.tokenizer, 32
    )
    trainer_of(student, teacher, context, tmp_path, rows=rows, settings=config()).train()
    assert any(not torch.equal(weight, before[name]) for name, weight in student.named_parameters())


@pytest.mark.parametrize(
    ("changes", "whole"),
    [
        ({}, False),
        ({"label": 1.0}, False),
        ({"embedding": 1.0}, False),
        ({"hidden": 1.0}, True),
        ({"attention": 1.0}, True),
        ({"relations": 1.0, "mapping": "last"}, True),
    ],
)
@pytest.mark.parametrize("checkpointing", [False, True])
def test_what_no_loss_reads_of_the_last_layer_is_not_computed(
    student, teacher, tiny_context, monkeypatch, changes, whole, checkpointing
):
    """And the same is learned, as if it had been."""
    settings = config(max_steps=3, gradient_checkpointing=checkpointing, **changes)
    lengths, trained = [], []

    def watched(model):
        encoder = model.base_model.encoder
        handle = encoder.register_forward_hook(
            lambda *seen: lengths.append(seen[2].last_hidden_state.shape[1])
        )
        return handle

    for alone in (first_position_alone, contextlib.nullcontext):
        monkeypatch.setattr("tinybert.distillation.training.first_position_alone", alone)
        pupil = copy.deepcopy(student)
        with watched(pupil):
            distill(settings, pupil, tiny_context(teacher=teacher))
        trained.append(pupil.state_dict())
        if alone is first_position_alone:
            assert (set(lengths) == {1}) != whole
    for name, weight in trained[0].items():
        torch.testing.assert_close(weight, trained[1][name], atol=1e-4, rtol=1e-3, msg=name)


def test_it_predicts_and_measures_like_any_other(student, teacher, tiny_context, tmp_path):
    def accuracy(given):
        return {"accuracy": float((given.predictions.argmax(1) == given.label_ids).mean())}

    context = tiny_context()
    trainer = trainer_of(student, teacher, context, tmp_path, compute_metrics=accuracy)
    predicted = trainer.predict(trainer.eval_dataset)
    assert predicted.predictions.shape == (len(context.train), 2)
    assert trainer.evaluate()["eval_accuracy"] == predicted.metrics["test_accuracy"]


def test_what_it_saves_is_the_student(student, teacher, tiny_context, tmp_path):
    trainer = trainer_of(student, teacher, tiny_context(), tmp_path / "run")
    trainer.train()
    trainer.save_model(str(tmp_path / "saved"))
    saved = BertForSequenceClassification.from_pretrained(tmp_path / "saved")
    for name, weight in student.state_dict().items():
        assert torch.equal(saved.state_dict()[name], weight), name
    assert (tmp_path / "saved" / "tokenizer.json").exists()


def test_its_settings_are_all_heard(student, teacher, tiny_context, tmp_path):
    settings = config(hidden=1, weights_schedule="two-phase", dropout=0.0)
    trainer = trainer_of(student, teacher, tiny_context(), tmp_path, settings=settings)
    assert trainer._weights_now() == {"hidden": 1.0}
    own = [module for module in student.modules() if isinstance(module, torch.nn.Dropout)]
    before, seen = [module.p for module in own], []
    student.register_forward_hook(lambda *_: seen.extend(module.p for module in own))
    assert any(before)
    trainer.train()
    assert set(seen) == {0.0}
    assert [module.p for module in own] == before


def test_without_losses_of_layers_a_student_may_have_more(teacher, tiny_context, tmp_path):
    shape = copy.deepcopy(teacher.config)
    shape.num_hidden_layers = 4
    deep = BertForSequenceClassification(shape)
    trainer_of(deep, teacher, tiny_context(), tmp_path, settings=config()).train()
    with pytest.raises(InputError, match="4 layers can't learn from a teacher of 2"):
        trainer_of(deep, teacher, tiny_context(), tmp_path)


def test_several_labels_may_be_right(student, teacher):
    student.config.problem_type = "multi_label_classification"
    term = DistillationModel(student, teacher, config(), [(1, 2)]).terms["prediction"]
    all_of_them, none = {LOGITS: torch.full((1, 3), 3.0)}, {LOGITS: torch.full((1, 3), -3.0)}
    mask = torch.ones(1, 2)
    assert term(all_of_them, all_of_them, mask) == 0
    assert term(none, all_of_them, mask) > 1


def test_predictions_of_tokens_are_a_mean_over_tokens(tiny_context, tiny_bert_dir):
    """So processes, whose rows are longer or shorter, average to that of all of them."""
    models = [BertForTokenClassification.from_pretrained(tiny_bert_dir) for _ in range(2)]
    torch.nn.init.normal_(models[0].classifier.weight)
    model = DistillationModel(*models, config(), []).eval()
    batch = {key: value for key, value in features(tiny_context()).items() if key != "labels"}
    signals = run(models[1], batch, [LOGITS])[1]
    whole, half = (
        model(teacher=signals, answer_share=share, **batch)["loss"] for share in (1.0, 0.5)
    )
    assert whole > 0
    torch.testing.assert_close(half, whole / 2)


def test_a_model_without_logits(tiny_bert_dir, teacher, tiny_context, tmp_path):
    student = BertForQuestionAnswering.from_pretrained(tiny_bert_dir)
    with pytest.raises(InputError, match="BertForQuestionAnswering gives no logits"):
        trainer_of(student, teacher, tiny_context(), tmp_path, settings=config()).train()
