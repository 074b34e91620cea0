import pytest
import torch

from tinybert.modeling.load import load_tokenizer
from tinybert.steps.generate.template import Template
from tinybert.steps.generate.vocabulary import read_vocabulary


@pytest.fixture
def tokenizer(tiny_bert_dir):
    return load_tokenizer(tiny_bert_dir)


@pytest.fixture
def make_teacher(tiny_bert_dir):
    """Of random weights wide enough that what it predicts depends on every word."""
    from transformers import BertConfig, BertForSequenceClassification

    def make(labels):
        torch.manual_seed(0)
        config = BertConfig.from_pretrained(tiny_bert_dir, num_labels=labels, initializer_range=0.4)
        return BertForSequenceClassification(config).eval()

    return make


@pytest.fixture
def teacher(make_teacher):
    return make_teacher(2)


@pytest.fixture
def regressor(make_teacher):
    return make_teacher(1)


@pytest.fixture
def tagger(make_teacher):
    """Any of three labels may be right; random texts have few."""
    model = make_teacher(3)
    model.config.problem_type = "multi_label_classification"
    with torch.no_grad():
        model.classifier.bias -= 3
    return model


@pytest.fixture
def masked_lm(tiny_bert_dir, tokenizer):
    """Its head prefers "film" anywhere, whatever stands around it."""
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig.from_pretrained(tiny_bert_dir))
    model.cls.predictions.bias.data[tokenizer.convert_tokens_to_ids("film")] = 20
    return model.eval()


@pytest.fixture
def vocabulary(tokenizer):
    return read_vocabulary(tokenizer, len(tokenizer))


@pytest.fixture
def template(tokenizer):
    return lambda *lengths: Template(tokenizer, lengths, torch.device("cpu"))


@pytest.fixture
def dice():
    return lambda seed=0: torch.Generator().manual_seed(seed)
