import pytest
import torch

from tinybert.tasks.task import Examples
from tinybert.training.batches import EncodedExamples
from tinybert.training.row_order import LengthBucketedSampler

LENGTHS = torch.randint(2, 60, (1000,), generator=torch.Generator().manual_seed(0)).tolist()


def order(seed=0, epoch=0, lengths=LENGTHS, batch_size=32):
    sampler = LengthBucketedSampler(lengths, batch_size, seed=seed, epoch=lambda: epoch)
    assert len(sampler) == len(lengths)
    return list(sampler)


@pytest.mark.parametrize("count", [1, 31, 32, 33, 1000])
def test_every_row_comes_once(count):
    assert sorted(order(lengths=LENGTHS[:count])) == list(range(count))


def test_the_order_depends_on_seed_and_epoch_alone():
    torch.manual_seed(1)
    first = order()
    torch.manual_seed(2)
    assert order() == first
    assert order(epoch=1) != first
    assert order(seed=1) != first
    assert order(seed=1) != order(epoch=1)


def test_rows_of_a_batch_are_of_like_length():
    rows = order()
    batches = [rows[at : at + 32] for at in range(0, 1000, 32)]
    spreads = [max(LENGTHS[row] for row in b) - min(LENGTHS[row] for row in b) for b in batches]
    # Each batch spans about 1/31 of all lengths.
    assert sum(spreads) / len(spreads) < 6


def test_long_batches_do_not_come_last():
    """Batches are shuffled after sorting, or each bucket would go from short to long."""
    rows = order()[:960]
    firsts = [LENGTHS[rows[at]] for at in range(0, 960, 32)]
    assert firsts != sorted(firsts)


def encoded(tokenizer, texts, labels=None, max_length=16):
    return EncodedExamples(Examples.of_texts(texts, labels, "rows"), tokenizer, max_length)


@pytest.fixture
def tokenizer(tiny_bert_dir):
    from tinybert.modeling.load import load_tokenizer

    return load_tokenizer(tiny_bert_dir)


def test_rows_are_cut_and_not_padded(tokenizer):
    rows = encoded(tokenizer, ["good", "a film " * 50])
    assert rows.lengths == [3, 16]
    assert [len(rows[index]["input_ids"]) for index in range(2)] == [3, 16]
    assert "labels" not in rows[0]


def test_pairs_are_pairs(tokenizer):
    rows = encoded(tokenizer, [("a man", "a woman"), ("a cat", "a dog")])
    row = rows[1]
    assert tokenizer.decode(row["input_ids"]) == "[CLS] a cat [SEP] a dog [SEP]"
    assert row["token_type_ids"] == [0, 0, 0, 0, 1, 1, 1]


def test_labels_keep_their_type(tokenizer):
    import numpy as np

    classes = encoded(tokenizer, ["good", "bad"], np.array([1, 0], np.int64))
    values = encoded(tokenizer, ["good", "bad"], np.array([2.5, 1.0], np.float32))
    assert classes[0]["labels"] == 1
    assert isinstance(classes[0]["labels"], int)
    assert values[0]["labels"] == 2.5


def test_many_rows_are_those_of_a_few_at_a_time(tokenizer, monkeypatch):
    texts = ["good", "a film about a cat", "bad", "dull plot"]
    whole = encoded(tokenizer, texts)
    monkeypatch.setattr("tinybert.training.batches._ROWS_AT_A_TIME", 3)
    parts = encoded(tokenizer, texts)
    expected = tokenizer(texts)
    for rows in (whole, parts):
        assert [rows[index]["input_ids"] for index in range(4)] == expected["input_ids"]
        assert rows.hash() == whole.hash()
    assert encoded(tokenizer, [*texts[:3], "dull film"]).hash() != whole.hash()
    assert len(encoded(tokenizer, [])) == 0
    with pytest.raises(IndexError):
        whole[4]
