from itertools import combinations

import pytest
import torch

from tinybert.distillation.nearest import Alignment, best_increasing, nearest_layers
from tinybert.modeling.observe import make_batches
from tinybert.steps.student.build import build_student
from tinybert.steps.student.config import StudentConfig


@pytest.mark.parametrize("seed", range(5))
def test_the_best_of_all_increasing_choices(seed):
    similarity = torch.rand(3, 6, generator=torch.Generator().manual_seed(seed)).tolist()

    def total(columns):
        return sum(row[column - 1] for row, column in zip(similarity, columns, strict=True))

    best = max(combinations(range(1, 7), 3), key=total)
    assert best_increasing(similarity) == list(best)


def test_similarity_does_not_see_rotation_scale_or_shift():
    x = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
    rotation = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(1))).Q
    assert cka(x, 3 * x @ rotation + 5) == pytest.approx(1, abs=1e-5)
    other = torch.randn(200, 8, generator=torch.Generator().manual_seed(2))
    assert cka(x, other) < 0.3


def cka(x, y):
    alignment = Alignment()
    for rows in range(0, len(x), 64):
        alignment.add(x[rows : rows + 64], y[rows : rows + 64])
    return alignment.cka()


def test_layers_find_themselves(teacher, tiny_context):
    """The student is the lower half of its teacher."""
    shape = {"hidden_size": 32, "attention_heads": 4, "intermediate_size": 64}
    torch.manual_seed(0)
    deep = build_student(StudentConfig(layers=4, **shape), teacher)
    student = build_student(StudentConfig(layers=2, **shape), teacher)
    for weight in deep.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    missing = student.load_state_dict(deep.state_dict(), strict=False).missing_keys
    assert not missing
    context = tiny_context()
    batches = make_batches(context.train.texts, context.tokenizer, 32, torch.device("cpu"))
    assert nearest_layers(student, deep, batches) == [(1, 1), (2, 2)]
