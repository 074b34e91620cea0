"""How texts go on: greedily as Transformers does, or drawn, with a past or without."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from transformers import GPT2LMHeadModel

from tiny_models import tiny_model_dir, tiny_tokenizer
from tinybert.base.errors import InputError
from tinybert.formats.export import write_artifacts
from tinybert.formats.load import load, open_artifact
from tinybert.formats.onnx.convert import convert_whole
from tinybert.formats.quantize import quantize_onnx
from tinybert.modeling.load import load_tokenizer
from tinybert.modeling.torch_model import load_torch
from tinybert.runtime.writing import Writing

PROMPTS = ["a great film", "the cat sat on", "x"]
NEW = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("writer") / "model"
    return tiny_model_dir("gpt2", folder, "causal-lm", n_positions=128, eos_token_id=None)


@pytest.fixture(scope="module")
def artifacts(folder):
    tokenizer = load_tokenizer(folder, 128)
    model = load_torch(folder).module
    path = write_artifacts(model, tokenizer, folder.parent / "out", ["onnx"])["onnx"]
    quantize_onnx(path, path.with_name("model_quantized.onnx"))
    whole = path.with_name("whole.onnx")
    convert_whole(model, tokenizer, whole)
    return path, whole


@pytest.fixture(scope="module")
def wanted(folder):
    stock = GPT2LMHeadModel.from_pretrained(folder).eval()
    tokenizer = tiny_tokenizer("gpt2")
    found = []
    for prompt in PROMPTS:
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        out = stock.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=NEW,
            do_sample=False,
            pad_token_id=0,
            eos_token_id=None,
        )
        assert out.shape[1] == ids.shape[1] + NEW
        found.append(tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True))
    return found


@pytest.mark.parametrize("form", ["pytorch", "past", "whole"])
def test_64_greedy_tokens_are_those_of_transformers(folder, artifacts, wanted, form):
    if form == "pytorch":
        model = load_torch(folder, max_length=128)
    else:
        model = open_artifact(artifacts[form == "whole"], threads=1)
    assert model.write(PROMPTS, Writing(max_new_tokens=NEW)) == wanted
    assert model(PROMPTS) == [{"text": text} for text in wanted]
    assert model.generate(PROMPTS[1], max_new_tokens=NEW) == wanted[1]


def test_a_past_reads_each_token_once(artifacts, monkeypatch):
    model = open_artifact(artifacts[0], threads=1)
    lengths = []
    run = model._run_graph

    def counted(features, past):
        lengths.append(features["input_ids"].shape[1])
        return run(features, past)

    monkeypatch.setattr(model, "_run_graph", counted)
    model.generate("the cat sat on", max_new_tokens=5)
    assert lengths[1:] == [1] * 4


def test_logits_do_not_depend_on_how_a_text_is_read(folder, artifacts):
    ids = np.arange(5, 25)
    model = open_artifact(artifacts[0], threads=1)
    past = None
    for length in (7, 8, 15, 20):
        logits, past = model.read(ids[:length], past)
    with torch.no_grad():
        expected = load_torch(folder).module(torch.from_numpy(ids)[None]).logits[0, -1]
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_an_int8_file_writes_too(artifacts):
    model = load(artifacts[0].parent.parent / "onnx" / "model_quantized.onnx")
    assert model.facts().precision == "int8"
    assert len(model.generate("a great film", max_new_tokens=8)) > 0


def test_the_table_of_words_is_stored_once(folder, artifacts):
    parameters = load_torch(folder).facts().parameters
    for path in (artifacts[0], artifacts[0].with_name("model_quantized.onnx")):
        assert open_artifact(path, 1).facts().parameters == pytest.approx(parameters, rel=0.02)


def test_draws_depend_on_the_seed_alone(artifacts):
    model = open_artifact(artifacts[0], threads=1)
    settings = {"max_new_tokens": 12, "temperature": 1.0}
    first, again, other = (model.generate(PROMPTS[0], **settings, seed=at) for at in (1, 1, 2))
    assert first == again != other
    assert model.write(PROMPTS[::-1], Writing(**settings, seed=1))[-1] == first


def test_few_tokens_to_draw_from_are_the_likeliest(artifacts):
    model = open_artifact(artifacts[0], threads=1)
    greedy = model.generate(PROMPTS[0], max_new_tokens=9)
    for few in ({"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-4}):
        settings = {"temperature": 1.0, **few}
        assert model.generate(PROMPTS[0], max_new_tokens=9, **settings) == greedy


def test_what_is_drawn_is_as_likely_as_it_should_be():
    logits = np.log(np.float32([0.5, 0.3, 0.15, 0.05]))
    generator = np.random.default_rng(0)

    def shares(**settings):
        writing = Writing(temperature=1.0, **settings)
        drawn = [writing.choose(logits, generator) for _ in range(4000)]
        return np.bincount(drawn, minlength=4) / 4000

    np.testing.assert_allclose(shares(), [0.5, 0.3, 0.15, 0.05], atol=0.03)
    np.testing.assert_allclose(shares(top_k=2), [0.625, 0.375, 0, 0], atol=0.03)
    np.testing.assert_allclose(shares(top_p=0.6), [0.625, 0.375, 0, 0], atol=0.03)


def test_a_text_ends_where_the_model_says_so(folder, artifacts, wanted):
    model = open_artifact(artifacts[0], threads=1)
    ids = tiny_tokenizer("gpt2")(wanted[0]).input_ids
    model.config = {**model.config, "eos_token_id": [ids[3]]}
    assert wanted[0].startswith(model.generate(PROMPTS[0]))
    assert len(model.generate(PROMPTS[0])) < len(wanted[0])


def test_a_text_stops_where_the_model_takes_no_more(artifacts):
    model = open_artifact(artifacts[0], threads=1)
    ids = np.arange(5, 125)
    tokens = [*Writing(max_new_tokens=99).tokens(model, ids, 128, frozenset())]
    assert len(tokens) == 8
    assert model.generate("a film " * 40, max_new_tokens=99)


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("", {}, "text 1 has no tokens to go on from"),
        ("a film " * 90, {}, "text 1 is too long: the model takes 128 tokens"),
        ("a", {"max_new_tokens": 0}, "max_new_tokens: expected a whole number from 1 on"),
        ("a", {"temperature": -1}, "temperature: expected 0 or more, got -1"),
        ("a", {"temperature": float("nan")}, "temperature: expected 0 or more"),
        ("a", {"temperature": 1, "top_p": 0}, "top_p: expected a share above 0"),
        ("a", {"temperature": 1, "top_k": 0}, "top_k: expected a whole number from 1 on"),
        ("a", {"top_k": 5}, "top_k has no effect: nothing is drawn at temperature 0"),
        ("a", {"seed": 5}, "seed has no effect"),
        ("a", {"beams": 4}, "generate: it has the settings max_new_tokens, temperature, top_k"),
    ],
)
def test_what_can_not_be_is_refused(artifacts, text, settings, message):
    with pytest.raises(InputError, match=message):
        open_artifact(artifacts[0], threads=1).generate(text, **settings)


def test_a_classifier_writes_nothing(tiny_artifact_dir):
    with pytest.raises(InputError, match="does text-classification, and writes no texts"):
        load(tiny_artifact_dir).generate("a film")


def test_it_needs_no_torch(artifacts):
    code = (
        "import sys, tinybert;"
        f"print(tinybert.load({str(artifacts[0])!r}).generate('a film', max_new_tokens=3));"
        "heavy = {'torch', 'transformers'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
