"""Causal language models as a task: each token is predicted once, and what that comes to."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import GPT2LMHeadModel

from tiny_models import WORDS, tiny_model_dir, tiny_tokenizer
from tinybert.base.errors import InputError
from tinybert.data.table import Table
from tinybert.measure.evaluate import evaluate
from tinybert.measure.guess import constant_guess
from tinybert.modeling.torch_model import load_torch
from tinybert.tasks import get_task, task_from_config
from tinybert.tasks.causal_lm import CausalLM
from tinybert.tasks.next_tokens import NEXT, next_token_inputs, next_token_scores
from tinybert.tasks.outputs import Outputs

TEXTS = ["a great film", "the cat sat on the mat and it was not good", "x", " ".join(WORDS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model_dir("gpt2", tmp_path_factory.mktemp("writer"), "causal-lm")


def encoded(text, length, context):
    tokenizer = tiny_tokenizer("gpt2").backend_tokenizer
    tokenizer.enable_truncation(length, stride=context)
    return tokenizer.encode_batch([text])


@pytest.mark.parametrize("context", [1, 3, 5])
@pytest.mark.parametrize("length", [8, 11, 80])
@pytest.mark.parametrize("side", ["right", "left"])
def test_each_token_but_the_first_is_predicted_once(context, length, side):
    tokenizer = tiny_tokenizer("gpt2").backend_tokenizer
    whole = tokenizer.encode(TEXTS[-1]).ids
    tokenizer.enable_truncation(length, stride=context, direction=side)
    inputs = next_token_inputs(tokenizer.encode_batch([TEXTS[-1], "a"]), context)
    assert inputs.beside[NEXT][:, 0].tolist() == whole[1:]
    assert inputs.ends.tolist() == [len(whole) - 1] * 2
    for number, (window, (tokens, positions)) in enumerate(
        zip(inputs.encodings, inputs.places, strict=True)
    ):
        ids = np.array(window.ids)
        assert ids[tokens + 1].tolist() == inputs.beside[NEXT][positions, 0].tolist()
        if number and len(tokens):
            assert tokens[0] >= context - 1


def test_what_a_tokenizer_adds_at_the_end_is_not_predicted():
    tokenizer = tiny_tokenizer("roberta").backend_tokenizer  # <s> and </s>
    whole = tokenizer.encode(TEXTS[1], add_special_tokens=False).ids
    tokenizer.enable_truncation(9, stride=2)
    inputs = next_token_inputs(tokenizer.encode_batch([TEXTS[1]]), 2)
    assert inputs.beside[NEXT][:, 0].tolist() == whole  # the first one too, from <s>


def test_perplexity_is_that_of_transformers(folder):
    stock = GPT2LMHeadModel.from_pretrained(folder).eval()
    tokenizer = tiny_tokenizer("gpt2")
    losses, tokens, right = 0.0, 0, 0
    for text in TEXTS:
        ids = tokenizer(text, return_tensors="pt").input_ids
        if ids.shape[1] > 1:
            with torch.no_grad():
                out = stock(ids, labels=ids)
            losses += float(out.loss) * (ids.shape[1] - 1)
            tokens += ids.shape[1] - 1
            right += int((out.logits[0, :-1].argmax(-1) == ids[0, 1:]).sum())
    model = load_torch(folder)
    task = model.task
    assert (task.kind, task.vocabulary) == ("causal-lm", len(tokenizer))
    found = evaluate(model, task.examples(Table({"text": TEXTS}, "texts.txt")))
    assert found["metrics"]["perplexity"] == pytest.approx(math.exp(losses / tokens), rel=1e-5)
    assert found["metrics"]["token_accuracy"] == pytest.approx(right / tokens)
    assert found["metric_low"] <= found["metric"] <= found["metric_high"]


def test_windows_without_overlap_are_those_of_a_model_that_reads_no_more(folder):
    model = load_torch(folder, max_length=16)
    outputs = model.outputs(TEXTS[-1:])
    ids = tiny_tokenizer("gpt2")(TEXTS[-1]).input_ids
    stock = GPT2LMHeadModel.from_pretrained(folder).eval()
    wanted = []
    for start in range(0, len(ids) - 1, 15):
        window = torch.tensor([ids[start : start + 16]])
        with torch.no_grad():
            scores = stock(window).logits.log_softmax(-1)[0, :-1]
        wanted += scores.gather(1, window[0, 1:, None])[:, 0].tolist()
    np.testing.assert_allclose(outputs.logits[:, 0], wanted, atol=1e-5)


def test_batches_change_nothing(folder):
    model = load_torch(folder)
    one, all_ = (model.outputs(TEXTS, batch_size=size) for size in (1, 4))
    np.testing.assert_allclose(one.logits, all_.logits, atol=1e-5)
    assert (one.ends == all_.ends).all()


def test_scores_are_log_probabilities():
    logits = np.random.default_rng(0).normal(size=(2, 3, 5)).astype(np.float32)
    ids = np.array([[0, 1, 2], [4, 4, 4]])
    found = next_token_scores(logits, ids)
    log = torch.from_numpy(logits).log_softmax(-1).numpy()
    np.testing.assert_allclose(found["logits"][1, 1], [log[1, 1, 4], log[1, 1].max()], rtol=1e-5)
    assert (found["best"][..., 0] == logits.argmax(-1)).all()


def test_a_lower_perplexity_is_the_better_one():
    task = replace(CausalLM(), vocabulary=50)
    assert not task.higher_is_better
    assert CausalLM(metrics=("token_accuracy",)).higher_is_better
    examples = task.examples(Table({"text": ["a b", "c"]}, "texts.txt"))
    assert constant_guess(task, examples) == pytest.approx(50)


def test_two_models_agree_where_the_same_token_is_the_likeliest():
    def outputs(best):
        arrays = {"logits": np.zeros((3, 2), np.float32), "best": np.array(best)[:, None]}
        return Outputs(arrays, ends=np.array([2, 2, 3]))

    task = CausalLM()
    found = task.agreement(outputs([1, 2, 3]), outputs([1, 5, 3]))
    assert found.tolist() == [[1, 2], [0, 0], [1, 1]]


def test_what_is_compared_is_the_chance_of_what_came_next():
    outputs = Outputs({"logits": np.log(np.float32([[0.25, 0.5], [1, 1]]))}, np.array([2]))
    shares = np.exp(CausalLM().compared(outputs))
    np.testing.assert_allclose(shares, [[0.25, 0.75], [1, 0]], atol=1e-5)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"text": ["a", "b"]}, "text: expected one column, got 2"),
        ({"context": 0}, "context: expected a number of tokens, got 0"),
        ({"context": "3"}, "context: expected a number of tokens"),
        ({"label": "y"}, "causal-lm has no option 'label'"),
        ({"metrics": "accuracy"}, "no metric 'accuracy' for causal-lm"),
    ],
)
def test_options_that_can_not_be_are_refused(spec, message):
    with pytest.raises(InputError, match=message):
        get_task({"kind": "causal-lm", **spec})


def test_windows_that_have_no_token_of_their_own_are_refused(folder):
    model = load_torch(folder, max_length=8)
    model.task = replace(model.task, context=7)
    with pytest.raises(InputError, match="context: windows of 8 tokens that share 7"):
        model.outputs(["a film"])


def test_texts_of_one_token_tell_nothing(folder):
    model = load_torch(folder)
    examples = model.task.examples(Table({"text": ["x", "y"]}, "texts.txt"))
    with pytest.raises(InputError, match="no text has two tokens"):
        evaluate(model, examples)


def test_a_damaged_config_is_refused():
    config = {"tinybert": {"task": {"kind": "causal-lm", "context": "x"}}}
    with pytest.raises(InputError, match="task is broken"):
        task_from_config(config)


def test_a_stock_model_is_known_by_its_class():
    config = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": 9}
    assert task_from_config(config).vocabulary == 9
    saved = json.loads(json.dumps(CausalLM(context=3).model_config()))
    assert task_from_config(saved) == CausalLM(context=3)
    with pytest.raises(InputError, match="the next word"):
        task_from_config({"architectures": ["BertLMHeadModel"], "model_type": "bert"})
