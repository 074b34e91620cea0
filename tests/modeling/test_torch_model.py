import json
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, BertModel

from tinybert.base.errors import InputError
from tinybert.modeling.torch_model import load_torch

TEXTS = ["a good film", "the plot is dull and the acting is bad", ("a cat", "a dog"), ""]


@pytest.fixture
def folder(tiny_bert_dir, tmp_path):
    """A copy that a test may break."""
    return shutil.copytree(tiny_bert_dir, tmp_path / "model")


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_logits_are_those_of_transformers(tiny_bert_dir):
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert_dir)
    module = BertForSequenceClassification.from_pretrained(tiny_bert_dir).eval()
    with torch.no_grad():
        expected = np.concatenate(
            [
                module(
                    **tokenizer(*([text] if isinstance(text, str) else text), return_tensors="pt")
                ).logits.numpy()
                for text in TEXTS
            ]
        )
    model = load_torch(tiny_bert_dir)
    np.testing.assert_allclose(model.logits(TEXTS), expected, atol=1e-4)
    assert [entry["label"] for entry in model(TEXTS)] == [
        model.config["id2label"][str(row.argmax())] for row in expected
    ]


def test_facts(tiny_bert_dir):
    facts = load_torch(tiny_bert_dir).facts()
    module = BertForSequenceClassification.from_pretrained(tiny_bert_dir)
    assert facts.parameters == module.num_parameters()
    assert facts.bytes == (tiny_bert_dir / "model.safetensors").stat().st_size
    assert (facts.format, facts.precision) == ("pytorch", "fp32")


def test_a_vocabulary_alone_is_a_tokenizer(folder):
    expected = load_torch(folder).logits(TEXTS)
    (folder / "tokenizer.json").unlink()
    np.testing.assert_array_equal(load_torch(folder).logits(TEXTS), expected)


def test_a_bare_encoder_runs_but_does_not_predict(folder):
    config = BertConfig.from_pretrained(folder)
    BertModel(config).save_pretrained(folder)
    model = load_torch(folder)
    ids = np.ones((2, 5), dtype=np.int64)
    assert model.forward({"input_ids": ids})["last_hidden_state"].shape == (2, 5, 32)
    with pytest.raises(InputError, match=str(folder)):
        model(TEXTS)


def test_weights_that_the_file_lacks_are_not_made_up(folder):
    BertModel(BertConfig.from_pretrained(folder)).save_pretrained(folder)
    edit_config(folder, architectures=["BertForSequenceClassification"])
    with pytest.raises(InputError, match=r"classifier\.weight.*fine-tune"):
        load_torch(folder)(TEXTS)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_attention_heads": 5},
        {"hidden_size": "wide"},
        {"hidden_size": 64},
        {"vocab_size": 10},
        {"model_type": "unheard-of"},
    ],
    ids=str,
)
def test_a_config_that_does_not_fit_is_one_line(folder, changes):
    edit_config(folder, **changes)
    with pytest.raises(InputError, match=str(folder)) as caught:
        load_torch(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [0, 4, 1000, -1])
def test_cut_off_weights_are_one_line(folder, keep):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(InputError, match=str(folder)) as caught:
        load_torch(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=name):
        load_torch(folder)


def test_a_missing_tokenizer_fails_only_where_texts_come_in(folder):
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (folder / name).unlink()
    model = load_torch(folder)
    model.forward({"input_ids": np.ones((1, 4), dtype=np.int64)})
    with pytest.raises(InputError, match="tokenizer"):
        model(TEXTS)


@pytest.mark.parametrize("name", ["no-such-owner/no-such-model", "./absent", "bad name !"])
def test_what_is_neither_here_nor_on_the_hub(name, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=name) as caught:
        load_torch(name)
    assert "\n" not in str(caught.value)
