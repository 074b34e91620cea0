"""General distillation on a small corpus."""

import copy

import numpy as np
import pytest
import torch

from tinybert.base.errors import InputError
from tinybert.base.progress import silent
from tinybert.steps.general_distill.config import GeneralDistillConfig
from tinybert.steps.general_distill.step import general_distill, packed_corpus


@pytest.fixture
def corpus(reviews, tmp_path):
    file = tmp_path / "corpus.txt"
    file.write_text("\n".join(row["sentence"] for row in reviews))
    return str(file)


def config(**changes):
    small = {"length": 16, "batch_size": 4, "gradient_accumulation": 2, "epochs": 2, "bf16": False}
    return GeneralDistillConfig(**(small | changes))


@pytest.mark.parametrize("changes", [{}, {"masking": 0.15}, {"mapping": "last"}])
def test_the_encoder_comes_nearer(student, teacher, tiny_context, corpus, changes):
    losses = []
    context = tiny_context(
        teacher=teacher,
        unlabeled=(corpus,),
        progress=lambda report: losses.append(report.values.get("loss_attention")),
    )
    trained = general_distill(config(epochs=60, learning_rate=1e-2, **changes), student, context)
    assert not trained.training
    seen = list(dict.fromkeys(loss for loss in losses if loss is not None))
    assert seen[-1] < 0.8 * seen[0]


def test_the_head_stays_as_it_is(student, teacher, tiny_context, corpus):
    before = copy.deepcopy(student.classifier.state_dict())
    context = tiny_context(teacher=teacher, unlabeled=(corpus,))
    general_distill(config(weight_decay=0.0), student, context)
    for name, weight in student.classifier.state_dict().items():
        assert torch.equal(weight, before[name])


@pytest.mark.parametrize(
    ("limits", "steps"),
    [
        ({"epochs": 1}, "all"),
        ({"max_steps": 2}, 2),
        ({"max_tokens": 3 * 4 * 2 * 16}, 3),
        ({"max_tokens": 10**9, "epochs": 1}, "all"),
    ],
)
def test_it_stops_at_the_first_limit(student, teacher, tiny_context, corpus, limits, steps):
    seen = []
    context = tiny_context(
        teacher=teacher,
        unlabeled=(corpus,),
        progress=lambda report: report.step == "general-distill" and seen.append(report),
    )
    general_distill(config(**limits), student, context)
    path = packed_corpus((corpus,), context.tokenizer, config(**limits), silent)
    blocks = len(np.load(path))
    assert seen[-1].done == seen[-1].total == (-(-blocks // 8) if steps == "all" else steps)


def test_a_corpus_is_packed_once(tiny_context, corpus, monkeypatch):
    from tinybert.steps.general_distill import step as general

    tokenizer = tiny_context().tokenizer
    first = packed_corpus((corpus,), tokenizer, config(), silent)
    monkeypatch.setattr(general, "pack", None)
    assert packed_corpus((corpus,), tokenizer, config(epochs=9), silent) == first
    with pytest.raises(TypeError):
        packed_corpus((corpus,), tokenizer, config(length=8), silent)
    with open(corpus, "a") as file:
        file.write("\nanother passage")
    with pytest.raises(TypeError):
        packed_corpus((corpus,), tokenizer, config(), silent)


def test_a_cache_folder_that_can_not_be_written(tiny_context, corpus, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("TINYBERT_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"file.*can't keep the packed corpus.*TINYBERT_CACHE"):
        packed_corpus([corpus], tiny_context().tokenizer, config(), silent)
