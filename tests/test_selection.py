import copy

import numpy as np
import onnxruntime
import pytest
import torch
from transformers import AutoTokenizer

from tinybert.errors import InputError
from tinybert.export.onnx import convert
from tinybert.first_position import first_position_alone
from tinybert.merging import merge, merge_after, merging_of
from tinybert.prune.units import drop_layers

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
def merging(make_encoder):
    def make(kind="bert", positions=6):
        model = make_encoder(kind)
        merge_after(model, 1, positions)
        return model

    return make


def test_neighbours_are_averaged_and_the_first_position_stays_alone():
    states = torch.arange(7.0)[None, :, None]
    merged, mask = merge(states, None, 3)
    assert merged.flatten().tolist() == [0.0, 2.0, 5.0]  # 0; 1, 2, 3; 4, 5, 6
    assert mask is None


def test_groups_are_as_equal_as_can_be():
    for tokens in range(2, 60):
        weights = merge(torch.eye(tokens)[None], None, 8)[0][0]
        assert weights.shape == (min(tokens, 8), tokens)
        torch.testing.assert_close(weights.sum(-1), torch.ones(len(weights)))
        sizes = (weights > 0).sum(-1)
        assert sizes[0] == 1
        assert sizes.sum() == tokens
        assert sizes[1:].max() - sizes[1:].min() <= 1
        owners = weights.argmax(0)
        assert (owners.diff() >= 0).all()


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("kind", ["tokens", "bool", "scores"])
def test_padding_is_in_no_group(kind, left):
    real = torch.tensor([[1, 1, 1, 1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0, 0, 0, 0]])
    real = real.flip(1) if left else real
    masks = {
        "tokens": real,
        "bool": real.bool()[:, None, None].expand(2, 1, 9, 9),
        "scores": (1.0 - real[:, None, None]) * torch.finfo(torch.float32).min,
    }
    states = torch.where(real.bool(), real.cumsum(1) - 1.0, 9e9)
    merged, mask = merge(states[..., None], masks[kind], 3)
    assert merged[..., 0].tolist() == [[0, 2, 5], [0, 1, 0]]
    assert mask.dtype == masks[kind].dtype
    kept = {
        "tokens": mask,
        "bool": mask[:, 0, 0] if mask.dim() == 4 else mask,
        "scores": mask[:, 0, 0] == 0 if mask.dim() == 4 else mask,
    }[kind]
    assert kept.int().tolist() == [[1, 1, 1], [1, 1, 0]]


@pytest.mark.parametrize("kind", ["bert", "roberta", "camembert", "xlm-roberta"])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_rows_of_few_tokens_are_as_before_and_padding_changes_nothing(
    make_encoder, merging, kind, attention
):
    plain, model = make_encoder(kind), merging(kind)
    for each in (plain, model):
        each.set_attn_implementation(attention)
    before, after = logits(plain, features()), logits(model, features())
    torch.testing.assert_close(after[2:], before[2:], atol=1e-5, rtol=1e-5)
    assert ((after[:2] - before[:2]).abs().amax(-1) > 1e-4).all()
    for row, length in enumerate(LENGTHS):
        alone = {name: values[row : row + 1, :length] for name, values in features().items()}
        torch.testing.assert_close(logits(model, alone), after[row : row + 1], atol=1e-5, rtol=1e-5)


def test_with_the_first_position_alone(merging):
    model = merging()
    expected = logits(model, features())
    with first_position_alone(model):
        torch.testing.assert_close(logits(model, features()), expected, atol=1e-5, rtol=1e-5)


def test_every_token_gets_a_gradient(merging):
    model = merging().train()
    embeddings = model.get_input_embeddings()(features()["input_ids"]).detach().requires_grad_()
    model(
        inputs_embeds=embeddings, attention_mask=features()["attention_mask"]
    ).logits.sum().backward()
    moved = embeddings.grad.abs().sum(-1) > 0
    assert moved.equal(features()["attention_mask"].bool())


def test_copies_are_models_of_their_own(merging):
    model = merging()
    expected = logits(model, features())
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    torch.testing.assert_close(logits(copied, features()), expected)
    assert merging_of(copied) == {"after_layer": 1, "positions": 6}


@pytest.mark.parametrize(("layer", "positions"), [(0, 6), (2, 6), (1, 1)])
def test_what_can_not_be(make_encoder, layer, positions):
    with pytest.raises(ValueError, match="can't merge to"):
        merge_after(make_encoder("bert"), layer, positions)


def test_not_a_decoder(make_encoder):
    with pytest.raises(ValueError, match="decoder"):
        merge_after(make_encoder("bert", is_decoder=True), 1, 6)


def test_layers_of_a_merging_model_stay(merging):
    with pytest.raises(InputError, match="put it before `shorten`"):
        drop_layers(merging(), {1})


def test_autocast_does_not_round_what_is_merged():
    states = torch.rand(1, 6, 2)
    with torch.autocast("cpu", torch.bfloat16):
        merged = merge(states, None, 6)[0]
    assert merged.equal(states)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_one_graph_for_any_length(merging, kind, tiny_tokenizer_dir, tmp_path):
    model = merging(kind)
    convert(model, AutoTokenizer.from_pretrained(tiny_tokenizer_dir), tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    wanted = {each.name for each in session.get_inputs()}
    for length in (1, 5, 6, 7, 23):
        batch = {name: values[:, :length] for name, values in features().items()}
        batch["token_type_ids"] = torch.zeros_like(batch["input_ids"])
        given = {name: values.numpy() for name, values in batch.items() if name in wanted}
        found = session.run(["logits"], given)[0]
        np.testing.assert_allclose(found, logits(model, batch).numpy(), atol=1e-4)
