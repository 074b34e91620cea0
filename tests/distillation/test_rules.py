"""Rules as one more teacher: they change what they know of, and nothing else."""

import pytest
import torch

from tinybert.base.errors import InputError
from tinybert.distillation.check import read_distillation
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.rules import RuleTeacher, matched, rule_teacher
from tinybert.distillation.signals import LOGITS, ROW
from tinybert.distillation.teacher import Teacher
from tinybert.tasks.task import Examples
from tinybert.tasks.text_classification import TextClassification
from tinybert.training.batches import EncodedExamples, PaddingCollator
from tinybert.training.materials import Materials
from tinybert.training.rules import TeachingRuleConfig

TASK = TextClassification(labels=("no", "yes"))
RULES = [
    TeachingRuleConfig(pattern="good|great", label="yes"),
    TeachingRuleConfig(pattern=r"\bnot\b", label="no", weight=2.0),
]


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_soft_labels_are_a_weighted_mean_by_hand(temperature):
    rows = Examples.of_texts(["good", "not good", "a film"], None, "rows")
    rules = rule_teacher(RULES, rows, TASK)
    logits = torch.tensor([[3.0, -1.0]] * 3)
    soft = (logits / temperature).softmax(-1)[0]
    yes, no = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0])
    wanted = [(1.5 * soft + yes) / 2.5, (1.5 * soft + yes + 2 * no) / 4.5, soft]
    given = rules(logits, torch.arange(3), 1.5, temperature)
    torch.testing.assert_close((given / temperature).softmax(-1), torch.stack(wanted))
    assert given[2].tolist() == logits[2].tolist()


def test_of_labels_that_stand_alone_a_rule_says_its_own_and_no_other():
    rules = RuleTeacher(torch.tensor([[0.0, 1.0, 0.0]]), exclusive=False)
    logits = torch.tensor([[2.0, -3.0, 40.0]])
    given = (rules(logits, torch.tensor([0]), 1.0, 2.0) / 2).sigmoid()
    soft = (logits / 2).sigmoid()
    wanted = torch.stack([soft[0, 0], (soft[0, 1] + 1) / 2, soft[0, 2]])[None]
    torch.testing.assert_close(given, wanted)


@pytest.mark.parametrize("exclusive", [True, False])
def test_nothing_overflows_at_a_small_temperature(exclusive):
    rules = RuleTeacher(torch.tensor([[1e6, 0.0], [0.0, 0.0]]), exclusive)
    logits = torch.tensor([[44.0, -36.0], [44.0, -36.0]])
    given = rules(logits, torch.arange(2), 1.0, 0.05)
    assert given.isfinite().all()
    assert given[1].tolist() == logits[1].tolist()


def test_either_text_of_a_pair_may_have_the_pattern():
    rows = Examples.of_texts([("a", "good"), ("good", "b"), ("a", "b")], None, "rows")
    assert matched(RULES[0], rows) == [0, 1]


def test_a_teacher_with_rules_gives_both(teacher, tiny_context):
    context = tiny_context()
    encoded = EncodedExamples(context.train, context.tokenizer, 32)
    batch = PaddingCollator(context.tokenizer)([encoded[place] for place in range(8)])
    rule = TeachingRuleConfig(pattern="film", label=context.task.labels[0], weight=1e6)
    rules = rule_teacher([rule], context.train, context.task)
    alone = Teacher([teacher], temperature=1.0)(batch, [LOGITS])[LOGITS]
    both = Teacher([teacher], temperature=1.0, rules=rules)(batch, [LOGITS])[LOGITS]
    has = [place in matched(rule, context.train) for place in range(8)]
    assert any(has)
    assert not all(has)
    torch.testing.assert_close(both[~torch.tensor(has)], alone[~torch.tensor(has)])
    assert both[torch.tensor(has)].softmax(-1)[:, 0].min() > 0.999
    without = {name: value for name, value in batch.items() if name != ROW}
    torch.testing.assert_close(
        Teacher([teacher], temperature=1.0, rules=rules)(without, [LOGITS])[LOGITS], alone
    )


def materials(context):
    return Materials("teacher", {}, None, context.task, context.train, 32, None, None)


def test_rules_about_no_label_and_of_no_row_are_told(tiny_context, caplog):
    context = tiny_context()
    label = context.task.labels[0]
    read_distillation(
        DistillConfig(rules=[{"pattern": "zebra", "label": label}]), materials(context)
    )
    assert "no training row has 'zebra'" in caplog.text
    settings = DistillConfig(rules=[{"pattern": "film", "label": "other"}])
    with pytest.raises(InputError, match="there is no label 'other'; the task has"):
        read_distillation(settings, materials(context))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prediction": 0, "hidden": 1}, "they are soft labels, and none are compared"),
        ({"prediction_loss": "logits"}, "they are soft labels, and none are compared"),
        ({"rules": [{"pattern": "(", "label": "a"}]}, "is no regular expression"),
        ({"rules": [{"pattern": "a*", "label": "a"}]}, "finds the empty text too"),
        ({"rules": [{"pattern": "a"}]}, "label"),
    ],
)
def test_rules_that_can_not_teach_are_refused(settings, message):
    rules = [{"pattern": "film", "label": "a"}]
    with pytest.raises(ValueError, match=message):
        DistillConfig(**{"rules": rules, **settings})
