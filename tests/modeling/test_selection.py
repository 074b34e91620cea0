import copy

import numpy as np
import onnxruntime
import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

from tinybert.base.errors import InputError
from tinybert.formats.onnx.convert import convert
from tinybert.modeling.last_layer import first_position_alone
from tinybert.modeling.selection import choose, select_in, selection_of
from tinybert.modeling.shape import note_shape, shaped
from tinybert.steps.prune.units import drop_layers

LENGTHS = (23, 9, 6, 1)
"""Of the rows below; some have more than 6 tokens."""


def features():
    torch.manual_seed(1)
    ids = torch.randint(5, 200, (len(LENGTHS), max(LENGTHS)))
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    return {"input_ids": ids, "attention_mask": mask.long()}


@torch.no_grad()
def logits(model, batch):
    return model(**batch).logits


@pytest.fixture
def selecting(make_encoder):
    def make(kind="bert", positions=6, layer=1):
        model = make_encoder(kind)
        selection = select_in(model, layer, positions)
        torch.manual_seed(2)
        selection.weight.normal_()
        return model

    return make


def test_the_highest_scores_stay_and_the_first_token_always():
    scores = torch.tensor([[0.0, 2.0, 1.0, 5.0, 2.0], [0.5, 3.0, 1.0, 0.0, 0.0]])
    real = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]).bool()
    chosen = choose(scores, real, 3)
    assert chosen.shape == (2, 3, 5)
    assert chosen[0].argmax(-1).tolist() == [0, 1, 3]  # of equal ones the earlier
    assert chosen[1].sum(-1).tolist() == [1, 1, 0]
    assert chosen[1, :2].argmax(-1).tolist() == [0, 1]


def test_as_many_as_there_may_be():
    torch.manual_seed(0)
    for tokens in range(1, 40):
        real = torch.ones(2, tokens).bool()
        chosen = choose(torch.rand(2, tokens).round(decimals=1), real, 8)
        assert chosen.shape == (2, min(tokens, 8), tokens)
        assert chosen.sum(-1).eq(1).all()
        assert chosen.argmax(-1).diff().gt(0).all()


@pytest.mark.parametrize("kind", ["bert", "roberta", "camembert", "xlm-roberta"])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("layer", [0, 1])
def test_rows_of_few_tokens_are_as_before_and_padding_changes_nothing(
    make_encoder, selecting, kind, attention, layer
):
    plain, model = make_encoder(kind), selecting(kind, layer=layer)
    for each in (plain, model):
        each.set_attn_implementation(attention)
    before, after = logits(plain, features()), logits(model, features())
    torch.testing.assert_close(after[2:], before[2:], atol=1e-5, rtol=1e-5)
    assert ((after[:2] - before[:2]).abs().amax(-1) > 1e-5).all()
    for row, length in enumerate(LENGTHS):
        alone = {name: values[row : row + 1, :length] for name, values in features().items()}
        torch.testing.assert_close(logits(model, alone), after[row : row + 1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("layer", [0, 1])
def test_it_is_the_tokens_of_the_highest_scores(make_encoder, selecting, layer):
    model = selecting(layer=layer)
    row = {name: values[:1] for name, values in features().items()}
    with torch.no_grad():
        states = make_encoder("bert")(**row, output_hidden_states=True).hidden_states[layer]
    scores = states[0] @ selection_of(model).weight
    scores[0] = 1e3
    wanted = scores.topk(6).indices.sort().values
    seen = []
    model.bert.encoder.layer[layer].register_forward_pre_hook(lambda _, given: seen.append(given))
    logits(model, row)
    torch.testing.assert_close(seen[0][0], states[:, wanted], atol=1e-5, rtol=1e-5)


def test_without_scores_the_first_tokens_go_on(make_encoder):
    model = make_encoder("bert")
    select_in(model, 0, 6)
    cut = {name: values[:, :6] for name, values in features().items()}
    expected = logits(make_encoder("bert"), cut)
    torch.testing.assert_close(logits(model, features()), expected, atol=1e-5, rtol=1e-5)


def test_with_the_first_position_alone(selecting):
    model = selecting()
    expected = logits(model, features())
    with first_position_alone(model):
        torch.testing.assert_close(logits(model, features()), expected, atol=1e-5, rtol=1e-5)


def test_no_mask_and_masks_of_all_kinds_say_the_same(selecting):
    selection = selection_of(selecting())
    states, real = torch.randn(2, 9, selection.weight.numel()), torch.ones(2, 9).bool()
    real[1, 7:] = False
    asked = real[:, None, None].expand(2, 1, 9, 9)
    kinds = (real.long(), asked, (~asked).float() * -1e9)
    wanted, left = selection(states, real)
    for mask in kinds:
        found, mask = selection(states, mask)
        torch.testing.assert_close(found, wanted)
        assert (mask if mask.dim() == 2 else mask[:, 0, 0] >= 0).bool().equal(left.bool())
    found, none = selection(states[:1], None)
    torch.testing.assert_close(found, wanted[:1])
    assert none is None


@pytest.mark.parametrize("checkpointing", [False, True])
def test_every_token_gets_a_gradient_through_the_layers_before(selecting, checkpointing):
    model = selecting().train()
    if checkpointing:
        model.gradient_checkpointing_enable()
    embeddings = model.get_input_embeddings()(features()["input_ids"]).detach().requires_grad_()
    mask = features()["attention_mask"]
    model(inputs_embeds=embeddings, attention_mask=mask).logits.sum().backward()
    assert (embeddings.grad.abs().sum(-1) > 0).equal(mask.bool())


def test_copies_are_models_of_their_own(selecting):
    model = selecting()
    expected = logits(model, features())
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    torch.testing.assert_close(logits(copied, features()), expected)
    assert selection_of(copied).positions == 6


def test_scores_are_saved_with_the_shape(selecting, tmp_path):
    model = selecting()
    note_shape(model)
    model.save_pretrained(tmp_path)
    config = BertConfig.from_pretrained(tmp_path)
    loaded = shaped(BertForSequenceClassification, config).from_pretrained(tmp_path)
    assert selection_of(loaded).weight.equal(selection_of(model).weight)
    torch.testing.assert_close(logits(loaded.eval(), features()), logits(model, features()))


@pytest.mark.parametrize(("layer", "positions"), [(-1, 6), (2, 6), (1, 1)])
def test_what_can_not_be(make_encoder, layer, positions):
    with pytest.raises(ValueError, match="can't select"):
        select_in(make_encoder("bert"), layer, positions)


def test_not_a_decoder(make_encoder):
    with pytest.raises(ValueError, match="decoder"):
        select_in(make_encoder("bert", is_decoder=True), 1, 6)


def test_layers_of_a_selecting_model_stay(selecting):
    with pytest.raises(InputError, match="put it before `shorten`"):
        drop_layers(selecting(), {1})


def test_autocast_does_not_round_what_is_selected(selecting):
    model = selecting(layer=0)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        states = model.bert.embeddings(features()["input_ids"])
        seen = []
        model.bert.encoder.layer[0].register_forward_pre_hook(
            lambda _, given: seen.append(given[0])
        )
        model(**features())
    assert seen[0].shape[1] == 6
    assert seen[0][2].equal(states[2, :6])  # the row of six tokens keeps them all


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_one_graph_for_any_length(selecting, kind, layer, tiny_tokenizer_dir, tmp_path):
    model = selecting(kind, layer=layer)
    convert(model, AutoTokenizer.from_pretrained(tiny_tokenizer_dir), tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    wanted = {each.name for each in session.get_inputs()}
    for length in (1, 5, 6, 7, 23):
        batch = {name: values[:, :length] for name, values in features().items()}
        batch["token_type_ids"] = torch.zeros_like(batch["input_ids"])
        given = {name: values.numpy() for name, values in batch.items() if name in wanted}
        found = session.run(["logits"], given)[0]
        np.testing.assert_allclose(found, logits(model, batch).numpy(), atol=1e-4)
