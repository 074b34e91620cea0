"""Losses of vectors of texts: what they see, and what not."""

import pytest
import torch

from tinybert.distillation.losses import similarity_loss, vector_cosine_loss


def drawn(rows=5, width=8):
    torch.manual_seed(0)
    return torch.randn(rows, width)


def test_nothing_is_lost_on_what_is_equal():
    vectors = drawn()
    assert vector_cosine_loss(vectors, vectors).item() == pytest.approx(0, abs=1e-6)
    assert similarity_loss(vectors, vectors).item() == pytest.approx(0, abs=1e-12)


def test_similarities_do_not_see_a_turn_nor_lengths_and_widths_may_differ():
    vectors = drawn()
    turn = torch.linalg.qr(torch.randn(16, 8))[0]  # orthonormal columns: cosines stay
    turned = (vectors @ turn.T) * torch.linspace(1, 3, 5)[:, None]
    assert similarity_loss(turned, vectors).item() == pytest.approx(0, abs=1e-10)
    assert vector_cosine_loss(vectors, turned[:, :8]).item() > 0.1


def test_similarities_are_those_of_each_pair_by_hand():
    student, teacher = drawn(3, 4), drawn(4, 6)[1:]
    cosine = torch.nn.functional.cosine_similarity
    errors = [
        (cosine(student[i], student[j], dim=0) - cosine(teacher[i], teacher[j], dim=0)) ** 2
        for i in range(3)
        for j in range(3)
        if i != j
    ]
    assert similarity_loss(student, teacher).item() == pytest.approx(torch.stack(errors).mean())


def test_first_numbers_must_say_the_same_by_themselves():
    vectors = drawn()
    alone = similarity_loss(vectors[:, :3], vectors)
    both = similarity_loss(vectors, vectors, [3])
    assert both.item() == pytest.approx(alone.item() / 2)


def test_a_single_text_has_no_pair():
    one = drawn(1).requires_grad_()
    similarity_loss(one, drawn(1)).backward()
    assert one.grad.abs().sum() == 0
