import json
import shutil

import numpy as np
import pytest
from tokenizers import Tokenizer

from tinybert.base.errors import InputError
from tinybert.runtime.config import max_length, max_positions, read_object
from tinybert.runtime.text import TextEncoder


@pytest.fixture
def tokenizer(tiny_tokenizer_dir):
    return Tokenizer.from_file(str(tiny_tokenizer_dir / "tokenizer.json"))


def test_encodes_as_transformers_does(tiny_tokenizer_dir):
    from transformers import AutoTokenizer

    texts = ["The film is good", ("a cat", "the dog sat on the mat"), "", "Zürich 1,000!"]
    encoder = TextEncoder.from_folder(tiny_tokenizer_dir, {})
    ours = encoder.batch(encoder.encode(texts))
    theirs = AutoTokenizer.from_pretrained(tiny_tokenizer_dir)
    for row, text in enumerate(texts):
        expected = theirs(*([text] if isinstance(text, str) else text))
        used = ours["attention_mask"][row] == 1
        assert ours["input_ids"][row][used].tolist() == expected["input_ids"]
        assert ours["token_type_ids"][row][used].tolist() == expected["token_type_ids"]


def test_pads_to_the_longest_row_with_the_padding_token(tokenizer):
    encoder = TextEncoder(tokenizer, max_length=None, pad_id=3)
    features = encoder.batch(encoder.encode(["film", "a good film"]))
    assert {values.shape for values in features.values()} == {(2, 5)}
    assert {values.dtype for values in features.values()} == {np.dtype(np.int64)}
    assert features["input_ids"][0, 3:].tolist() == [3, 3]
    assert features["attention_mask"].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]


def test_cuts_the_longer_text_of_a_pair(tokenizer):
    encoder = TextEncoder(tokenizer, max_length=10)
    (encoding,) = encoder.encode([("good film", "the " * 50)])
    assert len(encoding) == 10
    assert encoding.tokens[1:3] == ["good", "film"]


@pytest.mark.parametrize("side", ["left", "right"])
def test_cuts_at_the_end_that_the_tokenizer_is_set_to(tiny_bert_dir, tmp_path, side):
    """In artifacts and in PyTorch, as in training."""
    from transformers import AutoTokenizer

    from tinybert.modeling.load import tokenize
    from tinybert.modeling.torch_model import load_torch

    folder = shutil.copytree(tiny_bert_dir, tmp_path / "model")
    AutoTokenizer.from_pretrained(folder, truncation_side=side).save_pretrained(folder)
    text = "good film the cat sat on the mat bad dog"
    (expected,) = tokenize([text], AutoTokenizer.from_pretrained(folder), 6)["input_ids"]
    for encoder in (
        TextEncoder.from_folder(folder, {"max_position_embeddings": 6}),
        load_torch(folder, max_length=6).encoder,
    ):
        assert encoder.encode([text])[0].ids == expected


def test_an_unknown_end_is_refused(tiny_tokenizer_dir, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes((tiny_tokenizer_dir / "tokenizer.json").read_bytes())
    (tmp_path / "tokenizer_config.json").write_text('{"truncation_side": "middle"}')
    with pytest.raises(InputError, match="truncation_side is 'middle'"):
        TextEncoder.from_folder(tmp_path, {})


def test_settings_stored_in_the_file_do_not_count(tiny_tokenizer_dir, tokenizer, tmp_path):
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=16)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    encoder = TextEncoder.from_folder(tmp_path, {"max_position_embeddings": 8})
    lengths = [len(encoding) for encoding in encoder.encode(["film", "the " * 50])]
    assert lengths == [3, 8]


def test_padding_token_comes_from_the_tokenizer_then_from_the_config(tiny_tokenizer_dir, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes((tiny_tokenizer_dir / "tokenizer.json").read_bytes())

    def padding(config):
        encoder = TextEncoder.from_folder(tmp_path, config)
        return encoder.batch(encoder.encode(["a", "a b"]))["input_ids"][0, -1]

    assert padding({"pad_token_id": 7}) == 7
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"pad_token": "[SEP]"}))
    assert padding({"pad_token_id": 7}) == 3


@pytest.mark.parametrize(
    "text", [None, 3, ("a",), ("a", "b", "c"), ("a", None), ["a", "b"], "\ud800"], ids=repr
)
def test_refuses_what_is_no_text(tokenizer, text):
    with pytest.raises(InputError) as caught:
        TextEncoder(tokenizer, max_length=8).encode(["fine", text])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\x00\xff", b'{"version": "1.0"'])
def test_broken_tokenizer_file_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(InputError, match=r"tokenizer\.json"):
        TextEncoder.from_folder(tmp_path, {})


@pytest.mark.parametrize("content", [None, b"", b"[]", b"\xff\xfe", b'{"a": '])
def test_broken_json_is_named(tmp_path, content):
    path = tmp_path / "config.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"config\.json"):
        read_object(path)


def test_no_limit_anywhere_cuts_nothing():
    assert max_length({}, 1e30) is None
    assert max_length({}, None) is None
    assert max_positions({}) is None
