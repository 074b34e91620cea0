"""A table of words as a product: what it gives, what it costs, what becomes of it."""

import json
from dataclasses import replace

import onnx
import pytest
import torch
from torch import nn

from tiny_models import KINDS, tiny_model, tiny_tokenizer
from tinybert.base.errors import InputError
from tinybert.formats.load import open_artifact
from tinybert.formats.onnx.weights import read_tensors
from tinybert.formats.open import load_student
from tinybert.formats.quantize import quantize_artifact
from tinybert.measure.info import describe
from tinybert.modeling.embedding_rows import keep_pieces
from tinybert.modeling.load import load_model, save_model
from tinybert.modeling.low_rank import LowRankEmbedding, LowRankLinear
from tinybert.modeling.parts import word_table
from tinybert.run.export import export
from tinybert.steps.factorize.config import FactorizeConfig
from tinybert.steps.factorize.embeddings import (
    count_pieces,
    factorize_embeddings,
    low_rank_table,
)
from tinybert.steps.factorize.step import factorize
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.fake import load_fake_quantized
from tinybert.steps.quantize.step import prepare

IDS = torch.arange(5, 17).view(2, 6)
RANK_8 = FactorizeConfig(rank=8, parts=["embeddings"])


@pytest.fixture
def model(tiny_bert_dir, tiny_context):
    return load_model(tiny_bert_dir, tiny_context().task)


def logits(model, ids=IDS):
    with torch.inference_mode():
        return model(input_ids=ids).logits


def second_moment(rows):
    return rows.double().T @ rows.double() / len(rows)


def test_at_full_rank_it_is_the_table():
    table = nn.Embedding(50, 12)
    product = low_rank_table(table, second_moment(table.weight.detach()), 12)
    torch.testing.assert_close(product.weight, table.weight, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(product(IDS), table(IDS), atol=1e-5, rtol=1e-5)


def test_what_texts_use_loses_least():
    torch.manual_seed(0)
    lost = {}
    for kind in ("as used", "alike"):
        model = tiny_model("bert")
        table, counts = word_table(model), torch.ones(word_table(model).num_embeddings)
        if kind == "as used":
            counts[10:20] = 1000
        factorize_embeddings(model, counts.double(), lambda _: 8)
        change = (model.get_input_embeddings().weight - table.weight).square().sum(1)
        lost[kind] = change[10:20].sum().item()
        assert change.isfinite().all()
    assert lost["as used"] < 0.1 * lost["alike"]


def test_what_no_text_uses_is_still_like_itself():
    model = tiny_model("bert")
    table = word_table(model)
    counts = torch.zeros(table.num_embeddings, dtype=torch.float64)
    counts[5] = 1
    factorize_embeddings(model, counts, lambda _: 20)
    rows = model.get_input_embeddings().weight[20:]
    assert nn.functional.cosine_similarity(rows, table.weight[20:]).min() > 0.5


def test_pieces_are_counted_as_the_model_is_given_them(model, tiny_context):
    context = tiny_context()
    counts = count_pieces(context, word_table(model))
    ids = context.tokenizer(context.train.texts, truncation=True, max_length=context.max_length)
    every = torch.tensor([each for row in ids["input_ids"] for each in row])
    assert torch.equal(counts, every.bincount(minlength=len(counts)).double())
    assert counts[context.tokenizer.cls_token_id] == len(context.train.texts)


@pytest.mark.parametrize("kind", KINDS)
def test_each_family_gets_it_back_from_disk_to_the_bit(kind, tiny_context, tmp_path):
    model = tiny_model(kind)
    rows = word_table(model).num_embeddings
    (name,) = factorize_embeddings(model, torch.ones(rows).double(), lambda _: 4)
    save_model(model, tiny_tokenizer(kind), tmp_path / "model")
    noted = json.loads((tmp_path / "model/config.json").read_text())["tinybert_shape"]
    assert noted == {"ranks": {name: 4}}
    again = load_student(tmp_path / "model")
    assert isinstance(again.get_input_embeddings(), LowRankEmbedding)
    assert torch.equal(logits(again), logits(model))


def test_beside_layers(model, tiny_context):
    config = FactorizeConfig(rank=4, parts=["ffn", "embeddings"])
    low = factorize(config, model, tiny_context())
    found = [part for part in low.modules() if isinstance(part, LowRankLinear)]
    assert len(found) == 2 * model.config.num_hidden_layers
    assert word_table(low).embedding_dim == 4
    with pytest.raises(InputError, match="would make no matrix smaller"):
        factorize(config, low, tiny_context())


def test_more_energy_is_nearer(tiny_bert_dir, tiny_context):
    far = []
    for energy in (0.3, 0.6, 0.9):
        model = load_model(tiny_bert_dir, tiny_context().task)
        expected = logits(model)
        config = FactorizeConfig(energy=energy, multiple=1, parts=["embeddings"])
        far.append((logits(factorize(config, model, tiny_context())) - expected).norm())
    assert far[0] > far[1] > far[2]


def test_a_table_that_would_grow_stays(model, tiny_context):
    config = FactorizeConfig(rank=model.config.hidden_size, parts=["embeddings"])
    with pytest.raises(InputError, match="would make no matrix smaller"):
        factorize(config, model, tiny_context())
    assert isinstance(model.get_input_embeddings(), nn.Embedding)


def test_pieces_may_go_before_or_after(model, tiny_context):
    low = factorize(RANK_8, model, tiny_context())
    expected = logits(low)
    kept = [0, *range(5, 60)]
    keep_pieces(low, kept)
    assert low.config.vocab_size == low.get_input_embeddings().num_embeddings == len(kept)
    assert torch.equal(logits(low, IDS - 4), expected)


def test_the_file_gathers_narrow_rows_and_multiplies_once(model, tiny_context, tmp_path):
    low = factorize(RANK_8, model, tiny_context())
    path = export(low, tiny_context().tokenizer, tmp_path)["onnx"]  # compares the two
    shapes = {tensor.name: tensor.shape for tensor in read_tensors(path)}
    width, rows = low.config.hidden_size, low.config.vocab_size
    assert (rows, width) not in shapes.values()
    tables = [name for name, shape in shapes.items() if shape == (rows, 8)]
    nodes = onnx.load(path).graph.node
    (gather,) = [node for node in nodes if {*node.input} & {*tables}]
    (product,) = [node for node in nodes if gather.output[0] in node.input]
    assert (gather.op_type, product.op_type) == ("Gather", "MatMul")
    embeddings = describe(path)["components"]["embeddings"]["parameters"]
    stored = low.bert.embeddings.named_parameters()
    assert embeddings == sum(w.numel() for name, w in stored if "LayerNorm" not in name)


@pytest.mark.parametrize(
    ("target", "settings"),
    [
        ("onnx", {"method": "static"}),
        ("onnx", {"method": "qat", "bits": 4, "activations": False}),
        ("onnx", {"method": "weight-only", "bits": 4}),
        ("openvino", {"method": "qat", "attention": False}),
    ],
    ids=str,
)
def test_both_factors_are_quantized(target, settings, model, tiny_bert_dir, tiny_context, tmp_path):
    context = tiny_context()
    context = replace(context, teacher=load_model(tiny_bert_dir, context.task))
    low = factorize(FactorizeConfig(rank=24, parts=["embeddings"]), model, context)
    if settings["method"] == "qat":
        settings = settings | {"distill": {"max_steps": 2, "batch_size": 8, "bf16": False}}
    config = QuantizeConfig(**settings)
    prepare(config, low, context)
    save_model(low, context.tokenizer, tmp_path / "model")
    fake = load_fake_quantized(tmp_path / "model")
    path = export(low, context.tokenizer, tmp_path / "out", [target])[target]
    smaller = path.with_stem("model_quantized")
    quantize_artifact(path, smaller, config)
    artifact = open_artifact(smaller, threads=1)
    batch = context.tokenizer(["a great film", "dull"], padding=True, return_tensors="pt")
    given = artifact.forward({name: values.numpy() for name, values in batch.items()})["logits"]
    with torch.inference_mode():
        wanted = fake(**batch).logits
    torch.testing.assert_close(torch.from_numpy(given), wanted, atol=1e-3, rtol=1e-3)
    floats = [t for t in artifact_floats(smaller) if min(t.shape) >= 16]
    assert not floats


def artifact_floats(path):
    from tinybert.measure.weights import stored_weights

    tensors = stored_weights(path).tensors
    return [t for t in tensors if t.precision == "fp32" and len(t.shape) == 2]
