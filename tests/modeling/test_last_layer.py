import contextlib

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, BertForTokenClassification
from transformers.modeling_outputs import SequenceClassifierOutput

from tinybert.modeling.blocks import blocks
from tinybert.modeling.last_layer import first_position_alone, reads_first_position
from tinybert.modeling.shape import SHAPE_KEY, take_shape


def features():
    """Three rows, two of them padded."""
    torch.manual_seed(1)
    ids = torch.randint(5, 200, (3, 11))
    lengths = torch.tensor([11, 7, 1])
    return {"input_ids": ids, "attention_mask": (torch.arange(11) < lengths[:, None]).long()}


@torch.no_grad()
def logits(model):
    return model(**features()).logits


@pytest.mark.parametrize("kind", ["bert", "roberta", "camembert", "xlm-roberta"])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_logits_are_the_same_and_the_last_layer_gives_one_position(make_encoder, kind, attention):
    model = make_encoder(kind)
    model.set_attn_implementation(attention)
    expected = logits(model)
    shapes = []
    encoder = model.base_model.encoder
    encoder.register_forward_hook(lambda *seen: shapes.append(tuple(seen[2][0].shape)))
    with first_position_alone(model), first_position_alone(model):
        torch.testing.assert_close(logits(model), expected, atol=1e-5, rtol=1e-5)
    logits(model)
    assert shapes == [(3, 1, 32), (3, 11, 32)]


@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradients_are_the_same(make_encoder, checkpointing):
    model = make_encoder("bert")
    for part in model.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    model.train()
    if checkpointing:
        model.gradient_checkpointing_enable()
    gradients = []
    for context in (contextlib.nullcontext(), first_position_alone(model)):
        model.zero_grad()
        with context:
            model(**features()).logits.square().sum().backward()
        gradients.append({name: weight.grad for name, weight in model.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-5, rtol=1e-4, msg=name)


def test_dropout_of_attention_is_kept(make_encoder):
    model = make_encoder("bert")
    whole = logits(model)
    own = blocks(model)[-1].module.attention.self
    own.dropout.p = 0.9
    own.train()
    with first_position_alone(model):
        assert (logits(model) - whole).abs().max() > 0.01


def test_a_last_layer_that_is_watched_stays_whole(make_encoder):
    """By gates of pruning, for one, which are put on its parts."""
    model = make_encoder("bert")
    shapes = []
    dense = blocks(model)[-1].module.output.dense
    handle = dense.register_forward_pre_hook(lambda _, seen: shapes.append(seen[0].shape[1]))
    with first_position_alone(model):
        logits(model)
    assert shapes == [11]
    handle.remove()


def test_uneven_and_low_rank_layers(make_encoder):
    model = make_encoder("bert")
    shape = {
        "attention_heads": [4, 3],
        "intermediate_sizes": [64, 40],
        "ranks": {"encoder.layer.1.attention.self.query": 8},
    }
    setattr(model.config, SHAPE_KEY, shape)
    take_shape(model)
    expected = logits(model)
    with first_position_alone(model):
        torch.testing.assert_close(logits(model), expected, atol=1e-5, rtol=1e-5)


class MeanBertForSequenceClassification(BertForSequenceClassification):
    """A user's own head, which reads every position."""

    def forward(self, input_ids, attention_mask=None, **_):
        states = self.bert(input_ids, attention_mask=attention_mask).last_hidden_state
        return SequenceClassifierOutput(logits=self.classifier(states.mean(1)))


def test_a_users_own_head_may_read_all(make_encoder):
    model = MeanBertForSequenceClassification(make_encoder("bert").config).eval()
    expected = logits(model)
    with first_position_alone(model):
        assert torch.equal(logits(model), expected)


def test_models_that_read_more_stay_as_they_are(make_encoder):
    config = BertConfig(
        vocab_size=200,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
    )
    tokens = BertForTokenClassification(config).eval()
    assert not reads_first_position(tokens)
    assert not reads_first_position(
        make_encoder("modernbert", classifier_pooling="mean", pad_token_id=0)
    )
    with first_position_alone(tokens):
        assert logits(tokens).shape == (3, 11, 2)
