"""Heads for answers to questions: stock models that give one output more, and learn from labels."""

import inspect

import pytest
import torch
import transformers

from tiny_models import KINDS, tiny_config, tiny_model, tiny_model_dir
from tinybert.base.errors import InputError
from tinybert.modeling.heads import find_class, find_head
from tinybert.modeling.load import load_model, load_tokenizer, save_model
from tinybert.modeling.parts import head_layers, input_names
from tinybert.modeling.question_answering import span_loss
from tinybert.modeling.torch_model import load_torch
from tinybert.tasks.question_answering import QuestionAnswering

ENCODERS = [kind for kind in KINDS if kind != "gpt2"]
TASK = "question-answering"


def batch_of(model, rows=2, length=7):
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 90, (rows, length), generator=generator)
    mask = torch.ones_like(ids)
    mask[0, -2:] = 0
    return {"input_ids": ids, "attention_mask": mask}


@pytest.mark.parametrize("kind", ENCODERS)
def test_it_computes_what_the_stock_one_does(kind, tmp_path):
    folder = tiny_model_dir(kind, tmp_path / "stock", TASK)
    stock = transformers.AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    ours = load_model(folder, QuestionAnswering())
    assert type(ours).__name__ == type(stock).__name__
    assert isinstance(ours, type(stock))
    batch = batch_of(ours)
    given, wanted = ours(**batch), stock(**batch)
    torch.testing.assert_close(given.logits[..., 0], wanted.start_logits)
    torch.testing.assert_close(given.logits[..., 1], wanted.end_logits)
    assert head_layers(ours).out.out_features == 2
    # What is saved is a stock model again.
    save_model(ours, load_tokenizer(folder), tmp_path / "again")
    again = transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path / "again").eval()
    assert type(again) is type(stock)
    torch.testing.assert_close(again(**batch).start_logits, wanted.start_logits, rtol=0, atol=0)


@pytest.mark.parametrize("kind", ENCODERS)
def test_it_takes_what_the_stock_one_takes_and_labels(kind):
    stock = tiny_model(kind, TASK)
    ours = find_head("AutoModelForQuestionAnswering").from_config(tiny_config(kind, TASK))
    assert input_names(ours) == input_names(stock) | {"labels"}
    *_, last = inspect.signature(type(ours).forward).parameters.values()
    assert last.kind == last.VAR_KEYWORD


def test_the_loss_is_transformers_own_where_there_is_no_padding():
    model = find_class("BertForQuestionAnswering")(tiny_config("bert", TASK)).eval()
    ids = torch.randint(5, 90, (3, 9))
    labels = torch.full((3, 9), -100)
    labels[:, 2:] = 0
    labels[0, 3], labels[0, 5], labels[1, 4], labels[2, 0] = 1, 2, 3, 3
    starts, ends = torch.tensor([3, 4, 0]), torch.tensor([5, 4, 0])
    wanted = model(input_ids=ids, start_positions=starts, end_positions=ends).loss
    mask = torch.ones_like(ids)
    torch.testing.assert_close(model(input_ids=ids, labels=labels).loss, wanted)
    found = model(input_ids=ids, attention_mask=mask, labels=labels)
    torch.testing.assert_close(found.loss, wanted)
    padded = torch.cat([found.logits, torch.full((3, 4, 2), 50.0)], dim=1)
    longer = torch.cat([labels, torch.full((3, 4), -100)], dim=1)
    mask = torch.cat([mask, torch.zeros(3, 4, dtype=torch.int64)], dim=1)
    torch.testing.assert_close(span_loss(padded, longer, mask), wanted)


def test_a_new_head_is_made_of_any_model(tmp_path):
    folder = tiny_model_dir("bert", tmp_path / "other", id2label={0: "x", 1: "y", 2: "z"})
    model = load_model(folder, QuestionAnswering(), new_head=True)
    assert model.qa_outputs.out_features == 2
    save_model(model, load_tokenizer(folder), tmp_path / "made")
    assert load_torch(tmp_path / "made").task == QuestionAnswering()
    with pytest.raises(InputError, match="reads pairs, and text 1 is one text"):
        load_torch(tmp_path / "made")("a film")


def test_models_without_such_a_head_are_refused():
    config = transformers.AutoConfig.for_model("vit")
    with pytest.raises(InputError, match="no head for answers to questions for vit"):
        find_head("AutoModelForQuestionAnswering").from_config(config)
