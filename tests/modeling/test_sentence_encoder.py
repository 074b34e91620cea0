import json

import numpy as np
import pytest
import torch
from transformers import AutoModel

from tiny_models import KINDS, tiny_config, tiny_model_dir, tiny_tokenizer
from tinybert.base.errors import InputError
from tinybert.formats.export import write_artifacts
from tinybert.formats.load import open_artifact
from tinybert.modeling.heads import find_class, find_head
from tinybert.modeling.load import load_model, load_tokenizer, save_model
from tinybert.modeling.sentence_encoder import sentence_encoder
from tinybert.modeling.torch_model import load_torch
from tinybert.runtime.config import read_config
from tinybert.tasks import get_task
from tinybert.tasks.sentence_embedding import POOLINGS

TEXTS = ["a great film", "the dog sat on the mat and the cat did not", "dull"]


def encoder_dir(folder, kind="bert", pooling="mean", normalize=True, more=()):
    """A bare encoder as Sentence Transformers writes one."""
    torch.manual_seed(0)
    AutoModel.from_config(tiny_config(kind)).save_pretrained(folder)
    tiny_tokenizer(kind).save_pretrained(folder)
    kinds = ["Transformer", "Pooling", *(["Normalize"] if normalize else []), *more]
    modules = [
        {"path": "" if at == 0 else f"{at}_{each}", "type": f"sentence_transformers.models.{each}"}
        for at, each in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    settings = {
        f"pooling_mode_{each}_token{'s' * (each != 'cls')}": each == pooling for each in POOLINGS
    }
    (folder / "1_Pooling/config.json").write_text(json.dumps(settings))
    return folder


def by_hand(folder, texts, pooling, normalize):
    """The vectors by stock Transformers."""
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), load_tokenizer(folder)
    found = []
    with torch.no_grad():
        for text in texts:
            states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
            weights = torch.arange(1.0, len(states) + 1)[:, None]
            vector = {
                "mean": states.mean(0),
                "cls": states[0],
                "weightedmean": (states * weights).sum(0) / weights.sum(),
            }[pooling]
            found.append(vector / vector.norm() if normalize else vector)
    return torch.stack(found).numpy()


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_an_encoder_with_modules_gives_their_vectors(tmp_path, pooling, normalize):
    folder = encoder_dir(tmp_path / "model", pooling=pooling, normalize=normalize)
    model = load_torch(folder)
    assert (model.task.pooling, model.task.normalize) == (pooling, normalize)
    expected = by_hand(folder, TEXTS, pooling, normalize)
    np.testing.assert_allclose(model.outputs(TEXTS).logits, expected, atol=1e-5)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "gpt2"])
def test_every_family_to_onnx_and_back_to_stock_transformers(kind, tmp_path):
    folder = encoder_dir(tmp_path / "model", kind)
    task = load_torch(folder).task
    model, tokenizer = load_model(folder, task), load_tokenizer(folder)
    save_model(model, tokenizer, tmp_path / "saved")
    expected = by_hand(tmp_path / "saved", TEXTS, "mean", True)
    np.testing.assert_allclose(
        load_torch(tmp_path / "saved").outputs(TEXTS).logits, expected, atol=1e-5
    )
    path = write_artifacts(model, tokenizer, tmp_path / "out", ["onnx"])["onnx"]
    np.testing.assert_allclose(open_artifact(path, 1).outputs(TEXTS).logits, expected, atol=1e-4)


def test_a_weighted_mean_is_exported_and_kept(tmp_path):
    folder = encoder_dir(tmp_path / "model", pooling="weightedmean")
    model, tokenizer = load_model(folder, load_torch(folder).task), load_tokenizer(folder)
    save_model(model, tokenizer, tmp_path / "saved")
    expected = by_hand(folder, TEXTS, "weightedmean", True)
    np.testing.assert_allclose(
        load_torch(tmp_path / "saved").outputs(TEXTS).logits, expected, atol=1e-5
    )
    for path in write_artifacts(model, tokenizer, tmp_path / "out", ["onnx", "openvino"]).values():
        found = open_artifact(path, 1).outputs(TEXTS).logits
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_what_sentence_transformers_reads_is_beside_it(tmp_path):
    folder = encoder_dir(tmp_path / "model")
    model, tokenizer = load_model(folder, load_torch(folder).task), load_tokenizer(folder)
    save_model(model, tokenizer, tmp_path / "saved")
    modules = json.loads((tmp_path / "saved/modules.json").read_text())
    kinds = [each["type"].rpartition(".")[2] for each in modules]
    assert kinds == ["Transformer", "Pooling", "Dense", "Normalize"]
    dense = json.loads((tmp_path / "saved/2_Dense/config.json").read_text())
    assert (dense["in_features"], dense["out_features"]) == (32, 32)
    assert (tmp_path / "saved/2_Dense/model.safetensors").is_file()
    assert read_config(tmp_path / "saved")["architectures"] == ["BertForSentenceEmbedding"]


@pytest.mark.parametrize("more", [["Dense"], ["LSTM"]])
def test_modules_that_change_the_vector_make_it_a_bare_encoder(tmp_path, more):
    folder = encoder_dir(tmp_path / "model", more=more)
    assert read_config(folder)["architectures"] == ["BertModel"]


def test_a_pooling_that_we_do_not_have_makes_it_a_bare_encoder(tmp_path):
    folder = encoder_dir(tmp_path / "model", pooling="none")
    assert read_config(folder)["architectures"] == ["BertModel"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("sentence_bert_config.json", {"do_lower_case": True}),
        ("config_sentence_transformers.json", {"default_prompt_name": "query"}),
        (
            "modules.json",
            [{"path": "0_Transformer", "type": "x.Transformer"}, {"type": "x.Pooling"}],
        ),
        ("modules.json", [{"path": "", "type": "x.Transformer"}, {"type": "x.Pooling"}]),
        (
            "modules.json",
            [{"path": "", "type": "x.Transformer"}, {"path": "../1_Pooling", "type": "x.Pooling"}],
        ),
    ],
)
def test_what_is_not_done_here_makes_it_a_bare_encoder(tmp_path, name, content):
    folder = encoder_dir(tmp_path / "model")
    (folder / name).write_text(json.dumps(content))
    assert read_config(folder)["architectures"] == ["BertModel"]


@pytest.mark.parametrize("content", ["{}", "[1]", "["])
def test_broken_modules_are_refused(tmp_path, content):
    folder = encoder_dir(tmp_path / "model")
    (folder / "modules.json").write_text(content)
    with pytest.raises(InputError, match=r"modules\.json"):
        read_config(folder)


def test_a_classifier_beside_modules_stays_one(tmp_path):
    folder = tiny_model_dir("bert", tmp_path / "model")
    (folder / "modules.json").write_text("[]")
    assert load_torch(folder).task.kind == "text-classification"


def test_classes_are_made_once_and_found_by_name():
    assert find_class("BertForSentenceEmbedding") is find_class("BertForSentenceEmbedding")
    assert find_class("NoneForSentenceEmbedding") is None
    made = find_head("AutoModelForSentenceEmbedding").from_config(tiny_config("distilbert"))
    assert type(made).__name__ == "DistilBertForSentenceEmbedding"
    assert made.base_model is made.distilbert
    assert issubclass(sentence_encoder(type(made.base_model)), type(made).__mro__[1])


def test_a_forgotten_projection_is_not_taken_for_the_identity(tmp_path):
    folder = encoder_dir(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    task = {"kind": "sentence-embedding", "pooling": "mean", "normalize": True, "vector": 8}
    config |= {"architectures": ["BertForSentenceEmbedding"], "tinybert": {"task": task}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"lack projection\.weight"):
        _ = load_torch(folder).task


def test_a_labeled_task_takes_the_encoder_as_bare(tmp_path):
    folder = encoder_dir(tmp_path / "model")
    task = get_task({"kind": "text-classification", "labels": ["no", "yes"]})
    model = load_model(folder, task, new_head=True)
    assert type(model).__name__ == "BertForSequenceClassification"


def test_the_width_of_vectors_is_as_the_family_names_it(tmp_path):
    task = load_torch(encoder_dir(tmp_path / "model", "gpt2")).task
    assert task.vector == tiny_config("gpt2").n_embd
