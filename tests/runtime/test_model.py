from pathlib import Path

import numpy as np
import pytest

from tinybert.base.errors import InputError
from tinybert.formats.load import load
from tinybert.runtime.model import Facts, Model
from tinybert.runtime.text import TextEncoder

CONFIG = {
    "architectures": ["BertForSequenceClassification"],
    "problem_type": "single_label_classification",
    "id2label": {"0": "even", "1": "odd"},
    "label2id": {"even": 0, "odd": 1},
}


class LengthModel(Model):
    """Its outputs are the number of tokens and the width of the batch that the row was in."""

    format = "test"

    def __init__(self, folder, config):
        super().__init__(Path("test-model"), config)
        self._folder = folder

    def forward(self, features):
        mask = features["attention_mask"]
        widths = np.full(len(mask), mask.shape[1])
        return {"any": np.stack([mask.sum(axis=1), widths], axis=1).astype(np.float32)}

    def facts(self):
        return Facts("test", "fp32", 0, 0)

    def _load_encoder(self):
        return TextEncoder.from_folder(self._folder, self.config)


@pytest.fixture
def model(tiny_tokenizer_dir):
    return LengthModel(tiny_tokenizer_dir, CONFIG)


def test_rows_come_back_in_order_from_batches_of_like_length(model):
    lengths = np.random.default_rng(0).integers(1, 20, size=50).tolist()
    logits = model.logits(["film " * length for length in lengths], batch_size=5)
    assert logits[:, 0].tolist() == [length + 2 for length in lengths]
    padding = logits[:, 1].sum() / logits[:, 0].sum()
    assert padding < 1.1


def test_it_names_its_outputs(tiny_artifact_dir):
    assert load(tiny_artifact_dir).labels == ("negative", "positive")


def test_one_text_gives_a_list_of_one(model):
    assert model("film") == model(["film"])
    assert model(("film", "cat")) == model([("film", "cat")])
    assert len(model(["film", "cat"])) == 2


def test_no_texts_give_no_predictions(model):
    assert model([]) == []
    assert model.logits([]).shape[0] == 0


def test_an_empty_text_is_a_text(model):
    assert len(model([""])) == 1


def test_batch_size_must_be_positive(model):
    with pytest.raises(InputError, match="batch_size"):
        model.logits(["film"], batch_size=0)


def test_a_model_without_a_task_says_so(tiny_tokenizer_dir):
    model = LengthModel(tiny_tokenizer_dir, {"architectures": ["BertModel"]})
    with pytest.raises(InputError, match="test-model"):
        model(["film"])
