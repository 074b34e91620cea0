import json
import shutil

import pytest
import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForTokenClassification,
    BertModel,
    CamembertConfig,
    CamembertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    RobertaConfig,
    RobertaForMaskedLM,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from tinybert.base.errors import InputError
from tinybert.modeling.load import load_masked_lm, load_model, masked_lm_head, save_model
from tinybert.tasks import get_task

SHAPE = {"vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 2}
SHAPE |= {"num_attention_heads": 2, "intermediate_size": 8}
MASKED_LMS = {
    BertForMaskedLM: BertConfig,
    RobertaForMaskedLM: RobertaConfig,
    XLMRobertaForMaskedLM: XLMRobertaConfig,
    CamembertForMaskedLM: CamembertConfig,
}


@pytest.mark.parametrize("kind", MASKED_LMS)
def test_the_head_makes_the_model_s_own_logits(kind):
    model = kind(MASKED_LMS[kind](**SHAPE)).eval()
    with torch.no_grad():
        outputs = model(torch.tensor([[3, 4, 5]]), output_hidden_states=True)
        logits = masked_lm_head(model)(outputs.hidden_states[-1])
    torch.testing.assert_close(logits, outputs.logits)


def test_models_without_such_a_head():
    with pytest.raises(InputError, match="BertModel has no masked-LM head"):
        masked_lm_head(BertModel(BertConfig(**SHAPE)))
    with pytest.raises(InputError, match="a gpt2 model: it writes from left to right"):
        masked_lm_head(GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=8, n_head=2, n_layer=1)))


def test_a_head_that_is_not_in_the_files(tiny_bert_dir, tmp_path):
    """It would be drawn at random, and its predictions taken for a teacher's."""
    folder = shutil.copytree(tiny_bert_dir, tmp_path / "model")
    BertModel.from_pretrained(tiny_bert_dir).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["BertForMaskedLM"]}))
    with pytest.raises(InputError, match=r"lack cls\.predictions"):
        load_masked_lm(folder)


def test_what_is_saved_does_not_depend_on_the_last_call(tiny_bert_dir, tiny_context, tmp_path):
    context = tiny_context()
    model = load_model(tiny_bert_dir, context.task)
    before = json.loads((tiny_bert_dir / "tokenizer.json").read_text())
    context.tokenizer(["a film", "a longer film"], padding=True, truncation=True, max_length=3)
    save_model(model, context.tokenizer, tmp_path / "saved")
    after = json.loads((tmp_path / "saved" / "tokenizer.json").read_text())
    assert (after["truncation"], after["padding"]) == (before["truncation"], before["padding"])


@pytest.mark.parametrize("outputs", [2, 5])
def test_the_head_of_another_task_is_drawn_anew(
    tiny_bert_dir, tiny_tokenizer_dir, tmp_path, outputs
):
    """Whether its shape is that of the new one or not; the encoder is kept."""
    config = BertConfig.from_pretrained(tiny_bert_dir, num_labels=outputs, problem_type=None)
    other = BertForTokenClassification(config)
    torch.nn.init.constant_(other.classifier.weight, 3.0)
    other.save_pretrained(tmp_path)
    task = get_task({"kind": "text-classification", "labels": ["negative", "positive"]})
    model = load_model(tmp_path, task, new_head=True)
    assert model.classifier.weight.shape == (2, 32)
    assert 0 < model.classifier.weight.abs().max() < 1
    assert not model.classifier.bias.any()
    query = "bert.encoder.layer.0.attention.self.query.weight"
    assert torch.equal(model.get_parameter(query), other.get_parameter(query))
