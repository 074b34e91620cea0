"""What the teacher's masked-LM head makes of the last hidden states."""

import copy

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from tinybert.base.errors import InputError
from tinybert.distillation.losses import soft_label_loss
from tinybert.distillation.model import DistillationModel
from tinybert.distillation.signals import run
from tinybert.distillation.teacher import Teacher
from tinybert.distillation.vocabulary import spread
from tinybert.steps.general_distill.config import GeneralDistillConfig
from tinybert.steps.general_distill.step import general_distill


@pytest.fixture
def masked_lm(tiny_bert_dir):
    """Of random weights wide enough that what it predicts depends on every word."""
    torch.manual_seed(0)
    config = BertConfig.from_pretrained(tiny_bert_dir, initializer_range=0.3)
    return BertForMaskedLM(config).eval()


def config(**changes):
    weights = {"prediction": 1.0, "embedding": 0.0, "hidden": 0.0, "attention": 0.0}
    small = {"length": 16, "batch_size": 4, "gradient_accumulation": 2, "bf16": False}
    return GeneralDistillConfig(**(weights | small | changes))


@pytest.fixture
def term(student, masked_lm):
    return DistillationModel(student, masked_lm, config(), [(1, 2)]).terms["vocabulary"]


def states(width, rows=3, length=16):
    return torch.randn(rows, length, width, generator=torch.Generator().manual_seed(width))


def test_equal_states_have_no_loss(term):
    given = states(16)
    projected = term.projection(0)(given)
    mask = torch.ones(3, 16)
    loss = term({("hidden", 1): given}, {("hidden", 2): projected}, mask)
    assert loss.item() == pytest.approx(0, abs=1e-4)
    assert term({("hidden", 1): given}, {("hidden", 2): -projected}, mask).item() > 0.1


def test_every_token_at_a_share_of_1(student, masked_lm, tiny_context):
    """It is the soft-label loss of the model's own logits then."""
    model = DistillationModel(student, masked_lm, config(prediction_share=1.0), [(1, 2)]).eval()
    texts = ["a good film", "the cat sat on the mat and slept"]
    batch = dict(tiny_context().tokenizer(texts, padding=True, return_tensors="pt"))
    with torch.no_grad():
        expected = masked_lm(**batch, output_hidden_states=True)
        wanted = run(masked_lm, batch, [("hidden", 2)])[1]
        own = run(student, batch, [("hidden", 1)])[1]["hidden", 1]
        given = masked_lm.cls(model.terms["vocabulary"].projection(0)(own))
        loss = model(teacher=wanted, **batch)["vocabulary"]
    by_hand = soft_label_loss(given, expected.logits, 5.0, batch["attention_mask"])
    torch.testing.assert_close(loss, by_hand)


def test_neither_padding_nor_unchosen_tokens_matter(term):
    ours, theirs = states(16), states(32)
    mask = torch.ones(3, 16)
    mask[1, 5:] = 0  # and the second row's chosen tokens are its second and its tenth
    before = term({("hidden", 1): ours}, {("hidden", 2): theirs}, mask)
    left_out = mask == 0
    chosen = torch.zeros(3, 16, dtype=torch.bool)
    chosen[spread(mask, 0.125)] = True
    left_out |= ~chosen
    assert 0 < (chosen & (mask == 0)).sum() < chosen.sum()
    changed = [torch.where(left_out[..., None], 99.0, values) for values in (ours, theirs)]
    after = term({("hidden", 1): changed[0]}, {("hidden", 2): changed[1]}, mask)
    torch.testing.assert_close(after, before)
    ours[chosen & (mask == 1)] += 1
    assert term({("hidden", 1): ours}, {("hidden", 2): theirs}, mask) != before


@pytest.mark.parametrize(("rows", "length", "share"), [(8, 16, 0.125), (4, 7, 0.3), (3, 9, 1.0)])
def test_the_share_is_kept_and_a_batch_reaches_every_position(rows, length, share):
    row, places = spread(torch.ones(rows, length), share)
    assert places.shape == (rows, max(1, round(share * length)))
    counts = torch.zeros(rows, length).index_put((row, places), torch.ones(()), accumulate=True)
    assert counts.max() == 1
    assert counts.sum(0).min() > 0
    assert spread(torch.ones(1, 3), 0.01)[1].tolist() == [[0]]


def test_the_head_is_neither_trained_nor_saved(student, masked_lm):
    model = DistillationModel(student, masked_lm, config(), [(1, 2)])
    teacher = Teacher([masked_lm])  # freezes it, as the trainer does
    inputs = {"input_ids": torch.ones(2, 16).long(), "attention_mask": torch.ones(2, 16).long()}
    signals = teacher(inputs, model.teacher_signals(model.weights))
    model(teacher=signals, **inputs)["loss"].backward()
    assert model.terms["vocabulary"].projection(0).weight.grad.abs().sum() > 0
    assert student.base_model.encoder.layer[0].output.dense.weight.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in masked_lm.parameters())
    assert not set(map(id, masked_lm.parameters())) & set(map(id, model.parameters()))
    saved = [name for name in model.state_dict() if not name.startswith("student.")]
    assert saved == [f"terms.vocabulary.projections.0.{part}" for part in ("weight", "bias")]


def test_the_teacher_does_not_predict_every_token(masked_lm):
    """Its logits for a whole batch would take more memory than all else."""
    masked_lm.cls.forward = None  # it can't
    inputs = {"input_ids": torch.ones(2, 16).long(), "attention_mask": torch.ones(2, 16).long()}
    wanted = [("hidden", 2), ("query", 1)]
    assert Teacher([masked_lm])(inputs, wanted).keys() == set(wanted)


@pytest.mark.parametrize("changes", [{}, {"masking": 0.15, "mapping": "nearest"}])
def test_predictions_alone_are_learned(
    student, masked_lm, tiny_context, reviews, tmp_path, changes
):
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(row["sentence"] for row in reviews))
    losses = []
    context = tiny_context(
        teacher=masked_lm,
        unlabeled=(str(corpus),),
        progress=lambda report: losses.append(report.values.get("loss_vocabulary")),
    )
    before = copy.deepcopy(masked_lm.state_dict())
    trained = general_distill(config(epochs=60, learning_rate=1e-2, **changes), student, context)
    assert not trained.training
    seen = list(dict.fromkeys(loss for loss in losses if loss is not None))
    assert seen[-1] < 0.8 * seen[0]
    for name, weight in masked_lm.state_dict().items():
        assert torch.equal(weight, before[name]), name


def test_a_teacher_without_such_a_head(student, teacher):
    with pytest.raises(InputError, match="BertForSequenceClassification has no masked-LM head"):
        DistillationModel(student, teacher, config(), [(1, 2)])
