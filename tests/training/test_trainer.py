"""A run that was stopped and started again ends with the bits of an undisturbed one."""

import random

import pytest
import torch
from transformers import get_scheduler

from tinybert.base.errors import InputError
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.on_rows import distill
from tinybert.modeling.load import load_model
from tinybert.runtime.seal import seal
from tinybert.steps.finetune.config import FinetuneConfig
from tinybert.steps.finetune.step import finetune
from tinybert.steps.general_distill.config import GeneralDistillConfig
from tinybert.steps.general_distill.step import general_distill
from tinybert.steps.student.build import build_student
from tinybert.steps.student.config import StudentConfig
from tinybert.training import trainer
from tinybert.training.batches import EncodedExamples
from tinybert.training.trainer import COMPLETE, last_whole_checkpoint, trainer_options


class Killed(Exception):
    pass


TRAINING = ("finetune", "distill", "general-distill")


def killer(at):
    def progress(report):
        if report.step in TRAINING and report.done == at:
            raise Killed

    return progress


def run_finetune(context, folder, config):
    model = load_model(folder, context.task)
    torch.manual_seed(0)
    return finetune(FinetuneConfig(**config), model, context)


def run_distill(context, folder, config):
    teacher = load_model(folder, context.task)
    torch.manual_seed(0)
    shape = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
    student = build_student(StudentConfig(**shape), teacher)
    losses = {"hidden": 1.0, "embedding": 1.0, "attention": 1.0, "label": 1.0}
    settings = DistillConfig(**config, **losses)
    return distill(settings, student, _with(context, teacher=teacher))


def run_general(context, folder, config):
    """On 40 blocks, masked anew in each epoch."""
    corpus = folder.parent / "corpus-of-40-blocks.txt"
    words = (folder / "vocab.txt").read_text(encoding="utf-8").split()[-20:]
    corpus.write_text(" ".join(random.Random(0).choices(words, k=40 * 14 + 5)), encoding="utf-8")
    teacher = load_model(folder, context.task)
    torch.manual_seed(0)
    shape = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
    student = build_student(StudentConfig(**shape), teacher)
    few = {"length": 16, "masking": 0.3, "gradient_accumulation": 1, "warmup": 0.1} | config
    settings = GeneralDistillConfig(**few)
    context = _with(context, teacher=teacher, unlabeled=(str(corpus),))
    return general_distill(settings, student, context)


def _with(context, **changes):
    return type(context)(**(vars(context) | changes))


# 40 rows in batches of 8 are 5 forward passes an epoch, so checkpoints fall within epochs and,
# at 5 or with accumulation at 3, on their ends.
SETTINGS = {
    "within an epoch": ({"checkpoint_steps": 2}, 4),
    "at the end of an epoch": ({"checkpoint_steps": 5}, 6),
    "before the first checkpoint": ({"checkpoint_steps": 4}, 2),
    "accumulating": ({"checkpoint_steps": 2, "gradient_accumulation": 2}, 3),
    "accumulating, end of epoch": ({"checkpoint_steps": 3, "gradient_accumulation": 2}, 4),
    "a part of an epoch": ({"checkpoint_steps": 2, "epochs": 1.5}, 7),
}


@pytest.mark.parametrize("run", [run_finetune, run_distill, run_general])
@pytest.mark.parametrize(("changes", "kill_at"), SETTINGS.values(), ids=SETTINGS)
def test_a_killed_run_ends_with_the_same_bits(
    run, changes, kill_at, tiny_context, tiny_bert_dir, tmp_path
):
    config = {"epochs": 2, "batch_size": 8, "learning_rate": 1e-3} | changes
    whole = run(tiny_context(folder=tmp_path / "whole"), tiny_bert_dir, config)
    killed = tiny_context(folder=tmp_path / "killed", progress=killer(kill_at))
    with pytest.raises(Killed):
        run(killed, tiny_bert_dir, config)
    done = []
    resumed = tiny_context(
        folder=tmp_path / "killed",
        progress=lambda report: report.step in TRAINING and done.append(report.done),
    )
    again = run(resumed, tiny_bert_dir, config)
    saved = (kill_at - 1) // changes["checkpoint_steps"] * changes["checkpoint_steps"]
    assert done[:2] == [saved, saved + 1], "the run should go on from its last checkpoint"
    for (name, ours), theirs in zip(
        again.state_dict().items(), whole.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs), name


def test_a_run_killed_after_its_last_step_is_only_read(tiny_context, tiny_bert_dir):
    first = run_finetune(tiny_context(), tiny_bert_dir, {"max_steps": 3, "batch_size": 8})
    done = []
    again = tiny_context(progress=lambda report: done.append(report.done))
    second = run_finetune(again, tiny_bert_dir, {"max_steps": 3, "batch_size": 8})
    assert done == []
    for name, weight in second.state_dict().items():
        assert torch.equal(weight, first.state_dict()[name]), name


def test_seeds_differ(tiny_context, tiny_bert_dir, tmp_path):
    config = {"max_steps": 2, "batch_size": 8}
    models = [
        run_finetune(tiny_context(folder=tmp_path / str(seed), seed=seed), tiny_bert_dir, config)
        for seed in (0, 1)
    ]
    first, second = (model.classifier.weight for model in models)
    assert not torch.equal(first, second)


def test_a_torn_checkpoint_is_removed(tmp_path):
    for step in (10, 20, 30, 40):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "weights").write_text("whole")
        if step != 30:
            (folder / COMPLETE).touch()
            seal(folder)
    (folder / "weights").write_text("w")
    assert last_whole_checkpoint(tmp_path) == str(tmp_path / "checkpoint-20")
    assert not (tmp_path / "checkpoint-30").exists()


def test_no_folder_has_no_checkpoint(tmp_path):
    assert last_whole_checkpoint(tmp_path / "none") is None


def test_training_says_nothing_on_stdout(tiny_context, tiny_bert_dir, capsys):
    run_finetune(tiny_context(), tiny_bert_dir, {"max_steps": 1})
    assert capsys.readouterr().out == ""


def test_the_model_is_trained_and_in_eval_mode(tiny_context, tiny_bert_dir):
    context = tiny_context()
    before = load_model(tiny_bert_dir, context.task)
    after = run_finetune(context, tiny_bert_dir, {"max_steps": 3})
    assert not after.training
    assert not torch.equal(before.classifier.weight, after.classifier.weight)


def test_loss_curves_are_beside_the_checkpoints(tiny_bert_dir, tiny_context):
    context = tiny_context()
    config = FinetuneConfig(max_steps=1, bf16=False, tensorboard=True)
    finetune(config, load_model(tiny_bert_dir, context.task), context)
    (events,) = (context.folder.parent / "tensorboard").iterdir()
    assert events.stat().st_size > 100


def test_without_tensorboard(monkeypatch):
    monkeypatch.setattr("tinybert.training.config.find_spec", lambda name: None)
    FinetuneConfig()
    with pytest.raises(ValueError, match=r"pip install 'tinybert\[tensorboard\]'"):
        FinetuneConfig(tensorboard=True)


def test_accumulated_batches_have_the_loss_of_one(tiny_context, tiny_bert_dir, tmp_path):
    losses = []
    for accumulation in (1, 4):
        context = tiny_context(
            folder=tmp_path / str(accumulation),
            progress=lambda report: losses.append(report.values.get("loss")),
        )
        # Too slow to learn anything: the loss is that of the model as it was.
        config = {"epochs": 9, "batch_size": 8 // accumulation, "learning_rate": 1e-9}
        run_finetune(context, tiny_bert_dir, config | {"gradient_accumulation": accumulation})
    whole, accumulated = losses[45], losses[91]  # 45 steps each, and where they begin
    assert accumulated == pytest.approx(whole, rel=0.2)


def test_a_cap_on_steps_does_not_lengthen_epochs(tiny_context, tiny_bert_dir):
    done = []
    context = tiny_context(progress=lambda report: done.append(report.total))
    run_finetune(context, tiny_bert_dir, {"epochs": 1, "batch_size": 8, "max_steps": 1000})
    assert done[-1] == 5


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_every_schedule_warms_up(tiny_context, schedule):
    context = tiny_context()
    rows = EncodedExamples(context.train, context.tokenizer, 32)
    settings = FinetuneConfig(schedule=schedule, warmup=0.5, batch_size=8, learning_rate=1.0)
    options = trainer_options(
        settings, rows, context.tokenizer, context.folder, seed=0, step="finetune"
    )
    weight = torch.nn.Parameter(torch.zeros(1))
    found = get_scheduler(
        options["args"].lr_scheduler_type,
        torch.optim.SGD([weight], lr=1.0),
        num_warmup_steps=options["args"].get_warmup_steps(10),
        num_training_steps=10,
    )
    rates = []
    for _ in range(10):
        rates.append(found.get_last_lr()[0])
        found.optimizer.step()
        found.step()
    assert rates[:5] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    assert (rates[-1] == 1.0) == (schedule == "constant")


def test_a_run_of_other_processes_is_not_gone_on_with(tiny_context, tiny_bert_dir, monkeypatch):
    """Its steps had other rows: what is left to do, and the learning rate, would be wrong."""
    config = {"max_steps": 4, "batch_size": 8, "checkpoint_steps": 2}
    with pytest.raises(Killed):
        run_finetune(tiny_context(progress=killer(3)), tiny_bert_dir, config)
    monkeypatch.setattr(trainer, "rows_a_step", lambda arguments: 16)
    with pytest.raises(InputError, match="its steps had 8 rows, those of 1 processes have 16"):
        run_finetune(tiny_context(), tiny_bert_dir, config)
