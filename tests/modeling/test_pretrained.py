"""What Transformers would drop, draw at random or ignore is refused; what is harmless loads."""

import json
import shutil

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from tinybert.base.errors import InputError
from tinybert.modeling.load import load_model
from tinybert.modeling.torch_model import load_torch
from tinybert.tasks import get_task

KINDS = {  # the prefix of the encoder, and that of its layers
    "bert": "bert.encoder.layer",
    "roberta": "roberta.encoder.layer",
    "distilbert": "distilbert.transformer.layer",
    "electra": "electra.encoder.layer",
    "albert": "albert.encoder.albert_layer_groups.0.albert_layers",
    "mpnet": "mpnet.encoder.layer",
}


@pytest.fixture
def save(make_encoder, tmp_path):
    """Saves a classifier of a model type with some weights added, dropped, and config keys set."""

    def make(kind="bert", add=(), drop=(), config=(), bare=False):
        folder = tmp_path / kind
        model = make_encoder(kind)
        (model.base_model if bare else model).save_pretrained(folder)
        weights = load_file(folder / "model.safetensors")
        weights = {name: values for name, values in weights.items() if not name.startswith(drop)}
        weights |= {name: torch.ones(2) for name in add}
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        change(folder, **dict(config))
        return folder

    return make


def change(folder, **keys):
    settings = json.loads((folder / "config.json").read_text())
    settings = {key: value for key, value in (settings | keys).items() if value is not None}
    (folder / "config.json").write_text(json.dumps(settings))


@pytest.mark.parametrize("kind", KINDS)
def test_weights_that_the_encoder_does_not_know_are_refused(save, kind):
    name = f"{KINDS[kind]}.0.attention.self.distance_embedding.weight"
    with pytest.raises(InputError, match=f"{name}, which a .*leave out"):
        load_torch(save(kind, add=[name]))
    with pytest.raises(InputError, match=r"\.adapter\.up\.weight and 1 more weights, which"):
        load_torch(save(kind, add=[f"{kind}.adapter.up.weight", f"{kind}.adapter.zip.weight"]))


@pytest.mark.parametrize("kind", KINDS)
def test_so_they_are_in_a_file_of_a_bare_encoder(save, kind):
    name = f"{KINDS[kind].partition('.')[2]}.0.attention.self.distance_embedding.weight"
    with pytest.raises(InputError, match=f"{name}, which a "):
        load_torch(save(kind, add=[name], bare=True))
    task = get_task({"kind": "text-classification", "labels": ["a", "b"]})
    with pytest.raises(InputError, match=f"{name}, which a "):
        load_model(save(kind, add=[name], bare=True), task, new_head=True)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_the_encoder_that_are_not_there_are_refused(save, kind):
    """Also where a new head may be drawn at random."""
    folder = save(kind, drop=f"{KINDS[kind]}.0.")
    with pytest.raises(InputError, match=rf"lack {KINDS[kind]}\.0\..* more weights of the encoder"):
        load_torch(folder)
    task = get_task({"kind": "text-classification", "labels": ["a", "b"]})
    with pytest.raises(InputError, match="of the encoder"):
        load_model(folder, task, new_head=True)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_harmless_passes(save, kind):
    names = ["cls.predictions.bias", "fit_denses.0.weight", "lm_head.bias"]
    names += [f"{kind}.embeddings.position_ids", f"{kind}.pooler.dense.old"]
    if kind != "albert":  # whose layers share their weights
        names.append(f"{KINDS[kind]}.2.output.dense.bias")
    folder = save(kind, add=names)
    assert load_torch(folder).untrained == []


@pytest.mark.parametrize("name", ["crf.transitions", "lstm.weight_hh_l0", "classifier2.weight"])
def test_weights_of_a_head_that_is_not_ours_are_refused(save, name):
    folder = save(add=[name])
    with pytest.raises(InputError, match=f"{name}, which a BertFor.* doesn't know"):
        load_torch(folder)


def test_a_chunked_feed_forward_computes_the_same_at_once(save):
    folder = save()
    change(folder, chunk_size_feed_forward=4)
    model = load_torch(folder).module
    assert model(torch.tensor([[2, 5, 3]])).logits.shape[0] == 1  # no multiple of 4


def test_layers_beyond_the_count_pass_and_change_nothing(save):
    folder = save()
    want = load_torch(folder).module.bert.encoder.layer[0].output.dense.weight
    change(folder, num_hidden_layers=1)
    module = load_torch(folder).module
    assert len(module.bert.encoder.layer) == 1
    assert torch.equal(module.bert.encoder.layer[0].output.dense.weight, want)


@pytest.mark.parametrize("new_head", [False, True])
def test_another_size_of_the_encoder_is_refused_in_a_line(save, new_head):
    folder = save(config={"vocab_size": 100})
    task = get_task({"kind": "text-classification", "labels": ["a", "b"]})
    with pytest.raises(InputError, match=r"word_embeddings\.weight is \[200, 32\].* \[100, 32\]"):
        load_model(folder, task, new_head=new_head)


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "albert"])
@pytest.mark.parametrize("value", ["relative_key", "relative_key_query"])
def test_config_keys_that_are_no_longer_honoured_are_refused(save, kind, value):
    """Alone, as in a file whose weights were stripped, and with a model that is to be trained."""
    folder = save(kind, config={"position_embedding_type": value})
    with pytest.raises(InputError, match=f"position_embedding_type is '{value}'.* no longer hon"):
        load_torch(folder)
    change(folder, position_embedding_type="absolute")
    load_torch(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_finite_numbers_are_refused(save, value):
    folder = save()
    weights = load_file(folder / "model.safetensors")
    name = "bert.encoder.layer.1.output.dense.weight"
    weights[name][3, 4] = value
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=f"{name} has weights that are no finite numbers"):
        load_torch(folder)
    weights[name][:] = 3e38  # whose sum is too large for float32
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    load_torch(folder)


FLAGS = {"output_attentions": True, "output_hidden_states": True, "return_dict": False}


@pytest.mark.parametrize("new_head", [False, True])
def test_output_flags_are_cleared(save, new_head):
    folder, ids = save("roberta"), torch.tensor([[3, 4, 5]])
    labels = ["a", "b"] if new_head else ["LABEL_0", "LABEL_1", "LABEL_2"]
    task = get_task({"kind": "text-classification", "labels": labels})
    want = load_model(folder, task, new_head=new_head).base_model(ids).last_hidden_state
    change(folder, **FLAGS)
    model = load_model(folder, task, new_head=new_head)
    outputs = model(ids)
    assert list(outputs) == ["logits"]
    assert torch.equal(model.base_model(ids).last_hidden_state, want)
    assert not FLAGS.keys() & model.config.to_diff_dict().keys()


@pytest.fixture
def early(tiny_bert_dir, tmp_path):
    """As TinyBERT's own: no model_type, vocab.txt alone, pickled weights, heads of its own."""
    folder = tmp_path / "General_4L"  # no architecture's name: Transformers would look for one
    folder.mkdir()
    model = transformers.AutoModelForPreTraining.from_pretrained(tiny_bert_dir)
    weights = model.state_dict() | {"fit_denses.0.weight": torch.ones(4, 4)}
    torch.save(weights, folder / "pytorch_model.bin")
    shutil.copy(tiny_bert_dir / "vocab.txt", folder)
    settings = json.loads((tiny_bert_dir / "config.json").read_text())
    kept = ["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"]
    kept += ["vocab_size", "type_vocab_size", "max_position_embeddings", "hidden_act"]
    settings = {key: settings[key] for key in kept} | {"cell": {}, "emb_size": 312}
    (folder / "config.json").write_text(json.dumps(settings))
    return folder


def test_checkpoints_of_early_bert_load(early, tiny_bert_dir):
    model, ids = load_torch(early), torch.tensor([[3, 4, 5]])
    want = load_torch(tiny_bert_dir)
    assert torch.equal(model.module(ids).last_hidden_state, want.module.bert(ids).last_hidden_state)
    (ours,), (theirs,) = (each.encoder.encode(["A fine Film"]) for each in (model, want))
    assert ours.ids == theirs.ids
    task = get_task({"kind": "text-classification", "labels": ["a", "b"]})
    assert load_model(early, task, new_head=True).config.model_type == "bert"


def test_a_pickle_with_more_than_weights_is_not_executed(early, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (tmp_path / "executed").mkdir, ()

    torch.save({"bert.x": Bomb()}, early / "pytorch_model.bin")
    with pytest.raises(InputError, match="not a whole Hugging Face model") as caught:
        load_torch(early)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "executed").exists()


def test_a_config_that_names_no_architecture_says_what_to_add(early):
    (early / "vocab.txt").unlink()
    with pytest.raises(InputError, match='add "model_type": "bert"'):
        load_torch(early)


def test_the_weights_of_another_architecture_are_not_taken_for_berts(early):
    weights = torch.load(early / "pytorch_model.bin", weights_only=True)
    renamed = {name.replace("bert.", "electra."): values for name, values in weights.items()}
    torch.save(renamed, early / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"lack .* of the encoder of a BertModel"):
        load_torch(early)
