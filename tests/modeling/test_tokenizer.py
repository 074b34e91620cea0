"""How tokenizers are saved."""

import json

import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from tiny_models import KINDS, tiny_config, tiny_tokenizer
from tinybert.modeling.tokenizer import load_fast_tokenizer, save_tokenizer


@pytest.mark.parametrize("kind", KINDS)
def test_one_line_says_what_transformers_says_in_many(kind, tmp_path):
    tokenizer = tiny_tokenizer(kind)
    tokenizer.save_pretrained(tmp_path / "stock")
    tiny_config(kind).save_pretrained(tmp_path / "ours")
    save_tokenizer(tokenizer, tmp_path / "ours")
    ours, stock = (tmp_path / name / "tokenizer.json" for name in ("ours", "stock"))
    assert json.loads(ours.read_text("utf-8")) == json.loads(stock.read_text("utf-8"))
    assert ours.stat().st_size < 0.75 * stock.stat().st_size
    texts = ["A great film, naïve 日本 🙂", "dull"]
    wanted = [tokenizer(text)["input_ids"] for text in texts]
    assert [Tokenizer.from_file(str(ours)).encode(text).ids for text in texts] == wanted
    for load in (load_fast_tokenizer, AutoTokenizer.from_pretrained):
        assert [load(tmp_path / "ours")(text)["input_ids"] for text in texts] == wanted
