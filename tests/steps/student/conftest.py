import pytest
import torch

from tinybert.steps.student.build import build_student
from tinybert.steps.student.config import StudentConfig


@pytest.fixture(params=["bert", "roberta"])
def big(request, make_encoder):
    """A teacher of 2 layers of 32 with 4 heads and 64 neurons, for three classes."""
    model = make_encoder(request.param)
    torch.manual_seed(1)
    for name, weight in model.named_parameters():  # biases and gains that differ from 0 and 1
        if weight.dim() == 1:
            torch.nn.init.normal_(weight, mean=float("LayerNorm.weight" in name), std=0.1)
    return model


@pytest.fixture
def small(big):
    """Makes a student of random weights, of the teacher's shape but for what is given."""

    def make(**changes):
        same = {"layers": 2, "hidden_size": 32, "attention_heads": 4, "intermediate_size": 64}
        torch.manual_seed(2)
        return build_student(StudentConfig(**(same | changes)), big)

    return make


@pytest.fixture
def rows():
    """Two batches of random tokens, half of the rows padded; ids from 5 on are words."""

    def make(seed=0, padding=3):
        generator = torch.Generator().manual_seed(seed)
        batches = []
        for length in (9, 14):
            ids = torch.randint(5, 200, (16, length), generator=generator)
            mask = torch.ones_like(ids)
            mask[::2, length - padding :] = 0
            ids = torch.where(mask.bool(), ids, 1)
            batches.append({"input_ids": ids, "attention_mask": mask})
        return batches

    return make


@pytest.fixture
def same_basis(monkeypatch):
    """Lets students keep the teacher's first dimensions as they are, without a rotation."""
    monkeypatch.setattr(
        "tinybert.steps.student.from_teacher.principal_basis",
        lambda moment, gains, width: torch.eye(len(moment), dtype=moment.dtype)[:, :width],
    )
