"""Contrastive fine-tuning: pairs decide, and the head is fitted to what they left."""

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForTokenClassification

from tinybert.base.errors import InputError
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.signals import model_inputs
from tinybert.steps.finetune.config import CONTRASTIVE_EPOCHS, FinetuneConfig
from tinybert.steps.finetune.contrastive import ClassSampler, HeadInputs, contrastive_loss
from tinybert.steps.finetune.fit_head import regression
from tinybert.steps.finetune.step import finetune
from tinybert.tasks.task import Examples
from tinybert.training.batches import EncodedExamples, PaddingCollator


def test_the_loss_is_that_of_each_pair_by_hand():
    torch.manual_seed(0)
    vectors, labels = torch.randn(5, 3), torch.tensor([0, 1, 0, 1, 2])
    kinds = {True: [], False: []}
    for one in range(5):
        for other in range(one + 1, 5):
            alike = bool(labels[one] == labels[other])
            cosine = torch.cosine_similarity(vectors[one], vectors[other], dim=0)
            kinds[alike].append((cosine - float(alike)) ** 2)
    by_hand = sum(torch.stack(each).mean() for each in kinds.values())
    assert contrastive_loss(vectors, labels).item() == pytest.approx(by_hand.item(), rel=1e-5)


@pytest.mark.parametrize("labels", [[0], [0, 0], [0, 1]])
def test_a_batch_without_pairs_of_a_kind_has_a_finite_loss(labels):
    vectors = torch.randn(len(labels), 3, requires_grad=True)
    contrastive_loss(vectors, torch.tensor(labels)).backward()
    assert vectors.grad.isfinite().all()


def test_each_epoch_has_every_row_once_and_no_row_is_the_only_one_of_its_class_nearby():
    labels = np.array([0] * 13 + [1] * 5 + [2] * 2)
    orders = [list(ClassSampler(labels, seed=3, epoch=lambda e=e: e)) for e in (0, 1, 0)]
    assert all(sorted(order) == list(range(20)) for order in orders)
    assert orders[0] == orders[2] != orders[1]
    for order in orders:
        runs = np.split(labels[order], np.flatnonzero(np.diff(labels[order])) + 1)
        assert all(len(run) > 1 for run in runs)


def test_a_class_without_rows_is_never_answered_and_two_are_as_scikit_learn_says():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 4)).astype(np.float32)
    labels = np.where(vectors[:, 0] + 0.3 * vectors[:, 1] > 0, 3, 1)
    weight, bias = regression(vectors, labels, 5)
    logits = vectors @ weight.T + bias
    assert set(logits.argmax(1)) == {1, 3}
    fitted = LogisticRegression(class_weight="balanced", max_iter=2000).fit(vectors, labels)
    odds = logits[:, 3] - logits[:, 1]
    assert odds == pytest.approx(fitted.decision_function(vectors), abs=1e-4)


@torch.no_grad()
def answers(model, context):
    """Class ids, and what the head's last layer was given for them."""
    rows = EncodedExamples(context.train, context.tokenizer, 32)
    batch = PaddingCollator(context.tokenizer)([rows[place] for place in range(len(rows))])
    with HeadInputs(model.eval()) as read:
        return model(**model_inputs(batch)).logits.argmax(-1).numpy(), read.vectors


def test_classes_are_apart_afterwards_and_the_head_tells_them(teacher, tiny_context):
    """Of words alone: what a tiny model of random weights can learn at all."""
    words, rest = ("awful", "funny"), ("the film", "a movie", "this was", "it")
    rows = [{"text": f"{words[at % 2]} {rest[at % 4]}"} for at in range(16)]
    train = Examples(rows, np.arange(16) % 2, "words")
    context = tiny_context(train=train)
    labels = torch.from_numpy(train.labels)
    before = contrastive_loss(answers(teacher, context)[1], labels)
    config = FinetuneConfig(
        method="contrastive", epochs=60, learning_rate=5e-3, batch_size=8, bf16=False
    )
    model = finetune(config, teacher, context)
    found, vectors = answers(model, context)
    assert contrastive_loss(vectors, labels) < before - 0.05
    assert found.tolist() == train.labels.tolist()
    assert not model.training


def test_a_batch_as_large_as_the_groups_of_all_classes_has_rows_of_each():
    labels = np.arange(32) % 2
    order = labels[list(ClassSampler(labels, seed=0, epoch=lambda: 0))].reshape(-1, 8)
    assert (order.sum(1) == 4).all()


def test_it_trains_for_longer_by_itself_and_what_is_given_counts():
    assert FinetuneConfig(method="contrastive").epochs == CONTRASTIVE_EPOCHS
    assert FinetuneConfig(method="contrastive", epochs=5).epochs == 5
    assert FinetuneConfig().epochs == 3


def test_a_head_of_tokens_is_refused():
    model = BertForTokenClassification(
        BertConfig(
            vocab_size=9,
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=8,
        )
    )
    with pytest.raises(InputError, match="reads every token"), HeadInputs(model):
        model(input_ids=torch.ones(1, 3, dtype=torch.int64))


def test_a_batch_of_one_row_has_nothing_to_compare():
    with pytest.raises(ValueError, match="contrastive compares rows of a batch"):
        FinetuneConfig(method="contrastive", batch_size=1)
    with pytest.raises(ValueError, match="similarities are of texts of a batch"):
        DistillConfig(similarities=1, batch_size=1)
