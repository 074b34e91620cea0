"""What every loss of distillation must hold, checked on random inputs."""

import pytest
import torch

from tinybert.distill.losses import (
    attention_loss,
    hidden_state_loss,
    soft_label_loss,
    value_loss,
)
from tinybert.distill.losses.attention import merge_heads

BATCH, LENGTH, WIDTH, HEADS = 3, 5, 4, 4
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0]])


def maps(seed, heads=HEADS, mask=MASK):
    """Attention probabilities as a model computes them: no weight on padded keys."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(len(mask), heads, mask.shape[1], mask.shape[1], generator=generator)
    hidden = mask[:, None, None, :] == 0
    return scores.double().masked_fill(hidden, -1e9).softmax(-1)


def states(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(BATCH, LENGTH, WIDTH, generator=generator).double()


MASKED = {"hidden": (hidden_state_loss, states), "attention": (attention_loss, maps)}
PLAIN = {"soft labels": soft_label_loss, "values": value_loss}


def logits(seed):
    return torch.randn(BATCH, 4, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize(("loss", "make"), MASKED.values(), ids=MASKED)
def test_nothing_is_lost_on_what_is_equal(loss, make):
    assert loss(make(0), make(0), MASK).item() == 0
    assert loss(make(0), make(1), MASK).item() > 0


@pytest.mark.parametrize("loss", PLAIN.values(), ids=PLAIN)
def test_nothing_is_lost_on_equal_logits(loss):
    assert loss(logits(0), logits(0)).item() == pytest.approx(0, abs=1e-12)
    assert loss(logits(0), logits(1)).item() > 0


@pytest.mark.parametrize(("loss", "make"), MASKED.values(), ids=MASKED)
def test_what_stands_in_padding_does_not_matter(loss, make):
    student, teacher = make(0), make(1)
    before = loss(student, teacher, MASK)
    # Padded tokens are rows of hidden states, and queries of attention maps.
    padded = (MASK == 0).nonzero().tolist()
    for row, token in padded:
        student[row, ..., token, :] = torch.rand_like(student[row, ..., token, :])
        teacher[row, ..., token, :] = torch.rand_like(teacher[row, ..., token, :])
    torch.testing.assert_close(loss(student, teacher, MASK), before)


@pytest.mark.parametrize(("loss", "make"), MASKED.values(), ids=MASKED)
def test_more_padding_changes_nothing(loss, make):
    student, teacher = make(0), make(1)
    before = loss(student, teacher, MASK)
    more = (0, 2, 0, 2) if loss is attention_loss else (0, 0, 0, 2)
    wider = [torch.nn.functional.pad(values, more) for values in (student, teacher)]
    mask = torch.nn.functional.pad(MASK, (0, 2))
    torch.testing.assert_close(loss(*wider, mask), before)


@pytest.mark.parametrize(("loss", "make"), MASKED.values(), ids=MASKED)
def test_gradients_of_masked_losses_are_right(loss, make):
    # Away from zero, where the attention loss clamps and has a kink.
    full = torch.ones_like(MASK)
    student = make(0) if make is states else maps(0, mask=full)
    teacher = make(1) if make is states else maps(1, mask=full)
    mask = MASK if make is states else full
    student.requires_grad_()
    assert torch.autograd.gradcheck(lambda given: loss(given, teacher, mask), [student])


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_gradients_of_soft_labels_are_right(temperature):
    student = logits(0).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda given: soft_label_loss(given, logits(1), temperature), [student]
    )


def test_gradients_of_values_are_right():
    student = logits(0).requires_grad_()
    assert torch.autograd.gradcheck(lambda given: value_loss(given, logits(1)), [student])


def test_no_loss_lets_gradients_reach_padding():
    student = states(0).requires_grad_()
    hidden_state_loss(student, states(1), MASK).backward()
    assert student.grad[MASK == 0].abs().sum() == 0
    assert student.grad[MASK == 1].abs().min() > 0


def test_soft_labels_differ_from_soft_cross_entropy_by_a_constant():
    student, temperature = logits(0).requires_grad_(), 2.0
    ours = soft_label_loss(student, logits(1), temperature)
    targets = (logits(1) / temperature).softmax(-1)
    log_student = (student / temperature).log_softmax(-1)
    theirs = -(targets * log_student).sum(-1).mean() * temperature**2
    entropy = -(targets * targets.log()).sum(-1).mean() * temperature**2
    torch.testing.assert_close(ours, theirs - entropy)


def test_gradients_of_soft_labels_keep_their_size_at_any_temperature():
    """Hinton's reason for T²: at high temperatures the gradient tends to a fixed one."""
    sizes = []
    for temperature in (50.0, 100.0):
        student = logits(0).requires_grad_()
        soft_label_loss(student, logits(1), temperature).backward()
        sizes.append(student.grad.norm().item())
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


def test_fewer_heads_learn_the_mean_of_their_group():
    teacher = maps(1, heads=12)
    merged = merge_heads(teacher, 4)
    torch.testing.assert_close(merged, teacher.unflatten(1, (4, 3)).mean(2))
    torch.testing.assert_close(merged.sum(-1), torch.ones_like(merged.sum(-1)))
    assert attention_loss(merged, teacher, MASK).item() == pytest.approx(0, abs=1e-12)
    torch.testing.assert_close(
        attention_loss(maps(0), teacher, MASK), attention_loss(maps(0), merged, MASK)
    )


def test_a_key_that_the_student_never_looks_at_costs_no_infinity():
    student, teacher = maps(0), maps(1)
    student[..., 0] = 0
    assert torch.isfinite(attention_loss(student, teacher, MASK))


@pytest.mark.parametrize("loss", [hidden_state_loss, value_loss, soft_label_loss])
def test_half_precision_is_compared_in_single_precision(loss):
    arguments = [states(0).bfloat16(), states(1).bfloat16()]
    if loss is hidden_state_loss:
        arguments.append(MASK)
    assert loss(*arguments).dtype == torch.float32
