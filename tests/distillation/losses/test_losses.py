"""What every loss of distillation must hold, checked on random inputs."""

from functools import partial

import pytest
import torch

from tinybert.base.errors import InputError
from tinybert.distillation.losses import (
    attention_loss,
    attention_score_loss,
    hidden_cosine_loss,
    hidden_state_loss,
    logit_loss,
    relation_loss,
    sigmoid_loss,
    soft_label_loss,
)

BATCH, LENGTH, WIDTH, HEADS = 3, 5, 8, 4
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0]])


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def scores(seed, heads=HEADS):
    return normal(seed, BATCH, heads, LENGTH, LENGTH)


def states(seed, width=WIDTH):
    return normal(seed, BATCH, LENGTH, width)


def logits(seed):
    return normal(seed, BATCH, 4)


relations = partial(relation_loss, heads=2)
# The loss, what makes its inputs, and whether it compares logarithms of probabilities.
MASKED = {
    "hidden": (hidden_state_loss, states),
    "cosine": (hidden_cosine_loss, states),
    "attention": (attention_loss, scores),
    "attention scores": (attention_score_loss, scores),
    "relations": (relations, states),
    "soft labels of tokens": (lambda s, t, mask: soft_label_loss(s, t, 2.0, mask), states),
    "sigmoids of tokens": (lambda s, t, mask: sigmoid_loss(s, t, 2.0, mask), states),
    "logits of tokens": (logit_loss, states),
}
PLAIN = {"soft labels": soft_label_loss, "sigmoids": sigmoid_loss, "logits": logit_loss}
masked = pytest.mark.parametrize(("loss", "make"), MASKED.values(), ids=MASKED)
plain = pytest.mark.parametrize("loss", PLAIN.values(), ids=PLAIN)


@masked
def test_nothing_is_lost_on_what_is_equal(loss, make):
    assert loss(make(0), make(0), MASK).item() == pytest.approx(0, abs=1e-12)
    assert loss(make(0), make(1), MASK).item() > 0.01


@plain
def test_nothing_is_lost_on_equal_logits(loss):
    assert loss(logits(0), logits(0)).item() == pytest.approx(0, abs=1e-12)
    assert loss(logits(0), logits(1)).item() > 0.01


def spoil_padding(values):
    """Whatever belongs to a padded token: rows of states; queries and keys of scores."""
    for row, token in (MASK == 0).nonzero().tolist():
        values[row, ..., token, :] = 1e9
        if values.dim() == 4:
            values[row, ..., token] = 1e9
    return values


@masked
def test_what_stands_in_padding_does_not_matter(loss, make):
    before = loss(make(0), make(1), MASK)
    after = loss(spoil_padding(make(0)), spoil_padding(make(1)), MASK)
    torch.testing.assert_close(after, before)


@masked
def test_more_padding_changes_nothing(loss, make):
    student, teacher = make(0), make(1)
    more = (0, 2, 0, 2) if make is scores else (0, 0, 0, 2)
    wider = [torch.nn.functional.pad(values, more) for values in (student, teacher)]
    longer = torch.nn.functional.pad(MASK, (0, 2))
    torch.testing.assert_close(loss(*wider, longer), loss(student, teacher, MASK))


@masked
def test_a_padded_batch_is_the_mean_over_its_tokens(loss, make):
    """One long and one short row together weigh as their tokens alone would."""
    if loss is attention_score_loss:
        pytest.skip("its mean is over pairs of tokens")
    student, teacher = make(0), make(1)
    together = loss(student, teacher, MASK)
    counts = MASK.sum(1).tolist()
    alone = [
        loss(
            *(cut(values[row : row + 1], count) for values in (student, teacher)),
            torch.ones(1, count),
        )
        for row, count in enumerate(counts)
    ]
    weighted = sum(value * count for value, count in zip(alone, counts, strict=True))
    torch.testing.assert_close(together, weighted / sum(counts))


def cut(values, count):
    return values[..., :count, :count] if values.dim() == 4 else values[:, :count]


@masked
def test_gradients_are_right_and_none_reaches_padding(loss, make):
    student, teacher = make(0).requires_grad_(), make(1)
    assert torch.autograd.gradcheck(lambda given: loss(given, teacher, MASK), [student])
    loss(student, teacher, MASK).backward()
    padded = student.grad.transpose(1, -2)[MASK == 0] if student.dim() == 4 else None
    padded = student.grad[MASK == 0] if padded is None else padded
    assert padded.abs().sum() == 0
    assert student.grad.abs().sum() > 0


@plain
def test_gradients_of_plain_losses_are_right(loss):
    student = logits(0).requires_grad_()
    assert torch.autograd.gradcheck(lambda given: loss(given, logits(1)), [student])


@pytest.mark.parametrize("loss", [soft_label_loss, sigmoid_loss])
def test_gradients_at_a_temperature_are_right(loss):
    student = logits(0).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, logits(1), 3.0), [student])


def test_soft_labels_differ_from_soft_cross_entropy_by_a_constant():
    student, temperature = logits(0), 2.0
    ours = soft_label_loss(student, logits(1), temperature)
    targets = (logits(1) / temperature).softmax(-1)
    log_student = (student / temperature).log_softmax(-1)
    theirs = -(targets * log_student).sum(-1).mean() * temperature**2
    entropy = -(targets * targets.log()).sum(-1).mean() * temperature**2
    torch.testing.assert_close(ours, theirs - entropy)


def test_sigmoids_differ_from_binary_cross_entropy_by_a_constant():
    """As Transformers computes it of the data's own labels, a mean over labels."""
    student, temperature = logits(0), 2.0
    cross_entropy = torch.nn.BCEWithLogitsLoss()
    targets = (logits(1) / temperature).sigmoid()
    ours = sigmoid_loss(student, logits(1), temperature)
    theirs = cross_entropy(student / temperature, targets) * temperature**2
    entropy = cross_entropy(logits(1) / temperature, targets) * temperature**2
    torch.testing.assert_close(ours, theirs - entropy)


def test_labels_of_sigmoids_stand_alone():
    """One more label that both give the same score changes the mean and nothing else."""
    student, teacher = logits(0), logits(1)
    wider = [torch.nn.functional.pad(each, (0, 1), value=1.5) for each in (student, teacher)]
    torch.testing.assert_close(sigmoid_loss(*wider) * 5, sigmoid_loss(student, teacher) * 4)


def test_sigmoids_of_huge_logits_are_finite():
    student = torch.tensor([[500.0, -500.0]], requires_grad=True)
    loss = sigmoid_loss(student, torch.tensor([[-500.0, -500.0]]))
    loss.backward()
    assert loss.item() == pytest.approx(250)
    assert torch.isfinite(student.grad).all()


@pytest.mark.parametrize("loss", [soft_label_loss, sigmoid_loss])
def test_gradients_of_soft_labels_keep_their_size_at_any_temperature(loss):
    """Hinton's reason for T²: at high temperatures the gradient tends to a fixed one."""
    sizes = []
    for temperature in (50.0, 100.0):
        student = logits(0).requires_grad_()
        loss(student, logits(1), temperature).backward()
        sizes.append(student.grad.norm().item())
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


def test_fewer_heads_learn_the_mean_of_their_group():
    teacher = scores(1, heads=12)
    padded = (MASK == 0)[:, None, None, :]
    maps = teacher.masked_fill(padded, -1e30).softmax(-1).unflatten(1, (4, 3)).mean(2)
    assert attention_loss(maps.log(), teacher, MASK).item() == pytest.approx(0, abs=1e-12)
    means = teacher.unflatten(1, (4, 3)).mean(2)
    assert attention_score_loss(means, teacher, MASK).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("loss", [attention_loss, attention_score_loss])
def test_more_heads_than_the_teacher(loss):
    with pytest.raises(InputError, match="use at most 4"):
        loss(scores(0, heads=8), scores(1), MASK)


def test_relations_compare_any_widths():
    """A rotation within relation heads, and zeros beside them, leave relations as they are."""
    student = states(0)
    rotation = torch.linalg.qr(normal(2, 4, 4)).Q
    rotated = (student.unflatten(-1, (2, 4)) @ rotation).flatten(-2)
    assert relations(student, rotated, MASK).item() == pytest.approx(0, abs=1e-12)
    wider = torch.nn.functional.pad(student.unflatten(-1, (2, 4)), (0, 12)).flatten(-2)
    # Four times as wide, so the root of the width doubles: products must too.
    assert relations(student, wider * 2**0.5, MASK).item() == pytest.approx(0, abs=1e-12)


def test_relation_heads_that_do_not_divide_a_width():
    with pytest.raises(ValueError, match="no multiple of 3"):
        relation_loss(states(0), states(1), MASK, heads=3)


def test_the_cosine_does_not_see_lengths():
    assert hidden_cosine_loss(3 * states(0), states(0), MASK).item() == pytest.approx(0, abs=1e-12)
    assert hidden_cosine_loss(-states(0), states(0), MASK).item() == pytest.approx(2)


def test_a_key_that_the_student_never_looks_at_costs_no_infinity():
    student, teacher = scores(0), scores(1)
    student[..., 0] = -1e4
    assert torch.isfinite(attention_loss(student, teacher, MASK))


@pytest.mark.parametrize(
    "loss",
    [hidden_state_loss, hidden_cosine_loss, logit_loss, soft_label_loss, sigmoid_loss, relations],
)
def test_half_precision_is_compared_in_single_precision(loss):
    arguments = [states(0).bfloat16(), states(1).bfloat16()]
    if loss not in (logit_loss, soft_label_loss, sigmoid_loss):
        arguments.append(MASK)
    assert loss(*arguments).dtype == torch.float32
