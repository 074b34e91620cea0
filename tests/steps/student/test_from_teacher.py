"""A start from the teacher depends on real tokens alone, and not on how they come in batches."""

import copy

import pytest
import torch

from tinybert.steps.student.from_teacher import initialize_from_teacher


def started(small, big, batches, layers=1, mapping=(2,)):
    student = small(layers=layers, hidden_size=16, attention_heads=2, intermediate_size=32)
    initialize_from_teacher(student, big, list(mapping), batches)
    return student


@torch.no_grad()
def logits(model, batches):
    return torch.cat([model(**batch).logits for batch in batches])


def test_embeddings_are_the_teachers_seen_in_fewer_directions(big, small, rows):
    student = started(small, big, rows())
    ours = student.base_model.embeddings.word_embeddings.weight
    theirs = big.base_model.embeddings.word_embeddings.weight
    basis = torch.linalg.lstsq(theirs, ours).solution
    torch.testing.assert_close(basis.T @ basis, torch.eye(16), atol=1e-4, rtol=0)
    torch.testing.assert_close(theirs @ basis, ours, atol=1e-5, rtol=0)


def test_padding_counts_for_nothing(big, small, rows):
    padded = [
        {name: torch.nn.functional.pad(part, (0, 5)) for name, part in batch.items()}
        for batch in rows()
    ]
    if big.config.pad_token_id:  # by which RoBERTa tells positions of padding
        for batch in padded:
            batch["input_ids"][batch["attention_mask"] == 0] = big.config.pad_token_id
    plain, other = started(small, big, rows()), started(small, big, padded)
    torch.testing.assert_close(logits(other, rows()), logits(plain, rows()), atol=1e-2, rtol=1e-2)


def test_how_rows_are_batched_counts_for_nothing(big, small, rows):
    halves = [
        {name: part[half] for name, part in batch.items()}
        for batch in rows()
        for half in (slice(0, 8), slice(8, 16))
    ]
    plain, other = started(small, big, rows()), started(small, big, halves)
    torch.testing.assert_close(logits(other, rows()), logits(plain, rows()), atol=1e-2, rtol=1e-2)


def test_it_is_the_same_twice_and_changes_no_teacher(big, small, rows):
    before = copy.deepcopy(big.state_dict())
    first, second = started(small, big, rows()), started(small, big, rows())
    for name, weight in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], weight), name
    for name, weight in big.state_dict().items():
        assert torch.equal(before[name], weight), name


@pytest.mark.parametrize("mapping", [(1,), (2,)])
def test_it_is_nearer_than_a_random_start(big, small, rows, mapping):
    student = started(small, big, rows(), mapping=mapping)
    random = small(layers=1, hidden_size=16, attention_heads=2, intermediate_size=32)
    wanted = logits(big, rows(seed=1))
    ours, theirs = (logits(model, rows(seed=1)) - wanted for model in (student, random))
    assert ours.square().mean() < 0.5 * theirs.square().mean()
