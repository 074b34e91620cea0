"""A corpus goes into blocks and comes back whole but for its tail; masks come back the same."""

import itertools
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tinybert.base.errors import InputError
from tinybert.modeling.load import load_tokenizer
from tinybert.training import packing
from tinybert.training.packing import EpochSampler, PackedTokens, pack

PASSAGES = [" ".join(["a good film about the old bank"] * (1 + number % 7)) for number in range(60)]


@pytest.fixture
def bert(tiny_tokenizer_dir):
    return load_tokenizer(tiny_tokenizer_dir)


@pytest.fixture(scope="session")
def roberta():
    """A byte-level BPE tokenizer without merges, its special tokens named as RoBERTa's are."""
    from tokenizers import pre_tokenizers
    from transformers import RobertaTokenizerFast

    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*specials, *alphabet])}
    return RobertaTokenizerFast(vocab=vocabulary, merges=[])


def ids_of(passages, tokenizer):
    return [tokenizer(passage, add_special_tokens=False)["input_ids"] for passage in passages]


def joined(passages, tokenizer):
    stream = []
    for ids in ids_of(passages, tokenizer):
        stream += [*([tokenizer.sep_token_id] if stream else []), *ids]
    return stream


@pytest.fixture(params=["one batch", "many batches"])
def batches(request, monkeypatch):
    if request.param == "many batches":
        monkeypatch.setattr(packing, "CHARACTERS_PER_BATCH", 50)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
@pytest.mark.parametrize("length", [3, 16, 100])
def test_blocks_hold_all_tokens_but_the_tail(tmp_path, request, batches, kind, length):
    tokenizer = request.getfixturevalue(kind)
    pack(PASSAGES, tokenizer, length, tmp_path / "tokens.npy")
    blocks = np.load(tmp_path / "tokens.npy")
    stream = joined(PASSAGES, tokenizer)
    whole = len(stream) // (length - 2)
    assert blocks.shape == (whole, length)
    assert set(blocks[:, 0]) == {tokenizer.cls_token_id}
    assert set(blocks[:, -1]) == {tokenizer.sep_token_id}
    assert blocks[:, 1:-1].ravel().tolist() == stream[: whole * (length - 2)]
    assert tokenizer.pad_token_id not in blocks
    assert os.listdir(tmp_path) == ["tokens.npy"]


def test_a_passage_of_no_tokens_leaves_no_second_separator(tmp_path, bert, batches):
    passages = ["\u200b", *itertools.chain.from_iterable((text, "\u200b") for text in PASSAGES)]
    assert ids_of(passages[:1], bert) == [[]]
    pack(passages, bert, 16, tmp_path / "odd.npy")
    pack(PASSAGES, bert, 16, tmp_path / "plain.npy")
    assert (tmp_path / "odd.npy").read_bytes() == (tmp_path / "plain.npy").read_bytes()


def test_a_tokenizer_of_only_begin_and_end_will_do(tmp_path, bert):
    bert.cls_token = bert.sep_token = None
    bert.add_special_tokens({"bos_token": "[BOS]", "eos_token": "[EOS]"})
    pack(PASSAGES, bert, 16, tmp_path / "tokens.npy")
    blocks = np.load(tmp_path / "tokens.npy")
    assert set(blocks[:, 0]) == {bert.bos_token_id}
    assert set(blocks[:, -1]) == {bert.eos_token_id}


def test_a_large_vocabulary_takes_four_bytes(tmp_path, bert):
    pack(PASSAGES, bert, 16, tmp_path / "tokens.npy")
    assert np.load(tmp_path / "tokens.npy").dtype == np.uint16
    bert.add_tokens([f"token{number}" for number in range(2**16)])
    pack(["token65535 " * 14], bert, 16, tmp_path / "tokens.npy")
    blocks = np.load(tmp_path / "tokens.npy")
    assert blocks.dtype == np.uint32
    assert set(blocks[0, 1:-1]) == {len(bert) - 1}


def test_long_passages_are_not_cut_and_nothing_is_said(tmp_path, bert, caplog, capsys):
    bert.model_max_length = 8
    pack(["a " * 2000], bert, 12, tmp_path / "tokens.npy")
    assert len(np.load(tmp_path / "tokens.npy")) == 200
    assert (caplog.text, capsys.readouterr()) == ("", ("", ""))


@pytest.mark.parametrize(("max_tokens", "blocks"), [(16, 1), (47, 2), (10**9, None)])
def test_the_cap_counts_tokens_of_whole_blocks(tmp_path, bert, batches, max_tokens, blocks):
    pack(PASSAGES, bert, 16, tmp_path / "all.npy")
    pack(PASSAGES, bert, 16, tmp_path / "some.npy", max_tokens=max_tokens)
    expected = np.load(tmp_path / "all.npy")[:blocks]
    assert np.array_equal(np.load(tmp_path / "some.npy"), expected)


def test_no_more_passages_are_read_than_the_cap_needs(tmp_path, bert, monkeypatch):
    monkeypatch.setattr(packing, "CHARACTERS_PER_BATCH", 200)
    read = iter(range(10_000))
    passages = (f"a film {number}" for number in read)
    pack(passages, bert, 10, tmp_path / "tokens.npy", max_tokens=1000)
    assert np.load(tmp_path / "tokens.npy").shape == (100, 10)
    # A passage gives at least four tokens with its separator, and 800 are needed.
    assert next(read) < 220


def test_progress_counts_the_tokens_written(tmp_path, bert, monkeypatch):
    monkeypatch.setattr(packing, "CHARACTERS_PER_BATCH", 200)
    counts = []
    pack(PASSAGES, bert, 16, tmp_path / "tokens.npy", progress=counts.append)
    assert counts == sorted(counts)
    assert len(counts) > 10
    assert counts[-1] == np.load(tmp_path / "tokens.npy").size


@pytest.mark.parametrize(
    ("passages", "options", "message"),
    [
        ([], {}, "the corpus has fewer tokens than one block of 16"),
        (["a " * 13], {}, "fewer tokens than one block of 16"),
        (PASSAGES, {"max_tokens": 15}, "max_tokens: 15 is less than one block of 16 tokens"),
        (PASSAGES, {"length": 2}, "length: a block of 2 tokens has no room"),
    ],
)
def test_what_makes_no_block_is_refused_and_leaves_no_file(
    tmp_path, bert, passages, options, message
):
    arguments = {"length": 16, "path": tmp_path / "tokens.npy"} | options
    with pytest.raises(InputError, match=message):
        pack(passages, bert, **arguments)
    assert os.listdir(tmp_path) == []


def test_a_tokenizer_without_an_end_is_refused(tmp_path, bert):
    bert.sep_token = None
    with pytest.raises(InputError, match="no sep token and no eos token"):
        pack(PASSAGES, bert, 16, tmp_path / "tokens.npy")


def test_an_error_on_the_way_leaves_the_file_of_before(tmp_path, bert, monkeypatch):
    monkeypatch.setattr(packing, "CHARACTERS_PER_BATCH", 50)

    def broken():
        yield from PASSAGES
        raise InputError("a.txt: line 61: not UTF-8")

    pack(PASSAGES, bert, 16, tmp_path / "tokens.npy", max_tokens=32)
    before = (tmp_path / "tokens.npy").read_bytes()
    with pytest.raises(InputError, match="line 61"):
        pack(broken(), bert, 16, tmp_path / "tokens.npy")
    assert os.listdir(tmp_path) == ["tokens.npy"]
    assert (tmp_path / "tokens.npy").read_bytes() == before


KILLED = """
import os, signal, sys
from pathlib import Path
from tinybert.modeling.load import load_tokenizer
from tinybert.training import packing
packing.CHARACTERS_PER_BATCH = 50
packing.pack(["a good film " * 100] * 9, load_tokenizer(Path(sys.argv[1])), 16, Path(sys.argv[2]),
             progress=lambda done: done > 800 and os.kill(os.getpid(), signal.SIGKILL))
"""


def test_a_killed_run_leaves_nothing_that_looks_finished(tmp_path, bert, tiny_tokenizer_dir):
    path = tmp_path / "tokens.npy"
    command = [sys.executable, "-c", KILLED, tiny_tokenizer_dir, path]
    ran = subprocess.run(command, capture_output=True, check=False)
    assert ran.returncode == -signal.SIGKILL, ran.stderr.decode()
    left = list(tmp_path.iterdir())
    assert path not in left
    for file in left:
        with pytest.raises(InputError):
            PackedTokens(file, vocabulary=10, special_ids=[])
    pack(PASSAGES, bert, 16, path)
    assert os.listdir(tmp_path) == ["tokens.npy"]


@pytest.fixture
def packed(tmp_path, bert):
    pack(PASSAGES * 20, bert, 64, tmp_path / "tokens.npy")
    path = tmp_path / "tokens.npy"

    def dataset(masking=0.15, **options):
        defaults = {
            "mask_id": bert.mask_token_id,
            "vocabulary": len(bert),
            "special_ids": bert.all_special_ids,
        }
        return PackedTokens(path, masking=masking, **(defaults | options))

    return dataset


def test_unmasked_blocks_are_those_of_the_file(tmp_path, packed):
    dataset = packed(masking=0.0)
    blocks = np.load(tmp_path / "tokens.npy")
    assert len(dataset) == len(blocks) > 50
    for index in (0, 1, len(dataset) - 1, len(dataset) + 1):
        row = dataset[index]
        assert row["input_ids"].tolist() == blocks[index % len(blocks)].tolist()
        assert row["attention_mask"].tolist() == [1] * 64
        assert {tensor.dtype for tensor in row.values()} == {torch.int64}


def stacked(dataset, epoch=0):
    first = epoch * len(dataset)
    return torch.stack([dataset[first + row]["input_ids"] for row in range(len(dataset))])


def test_masks_depend_on_seed_and_index_alone(packed):
    first, again = packed(), packed()
    torch.manual_seed(1)
    np.random.seed(1)
    backwards = [again[index]["input_ids"] for index in reversed(range(len(again)))]
    assert torch.equal(stacked(first), torch.stack(backwards[::-1]))
    for other in (stacked(first, epoch=1), stacked(packed(seed=1))):
        assert not torch.equal(stacked(first), other)
    masked = stacked(first) != stacked(packed(masking=0.0))
    assert len({tuple(row) for row in masked.tolist()}) > 0.9 * len(first)


@pytest.mark.parametrize("masking", [0.15, 0.4, 1.0])
def test_of_the_chosen_share_80_percent_are_masked_and_10_replaced(packed, bert, masking):
    plain = torch.cat([stacked(packed(masking=0.0))] * 3)
    masked = torch.cat([stacked(packed(masking=masking), epoch) for epoch in range(3)])
    special = torch.isin(plain, torch.tensor(bert.all_special_ids))
    assert torch.equal(masked[special], plain[special])
    before, after = plain[~special], masked[~special]
    covered = after == bert.mask_token_id
    replaced = (after != before) & ~covered
    assert len(before) > 20_000
    assert covered.float().mean() == pytest.approx(0.8 * masking, rel=0.06)
    assert replaced.float().mean() == pytest.approx(0.1 * masking, rel=0.15)
    drawn = set(after[replaced].tolist())
    assert drawn.isdisjoint(bert.all_special_ids)
    assert len(drawn) > 50
    assert max(drawn) < len(bert)


def test_masking_leaves_the_file_alone(tmp_path, packed):
    before = (tmp_path / "tokens.npy").read_bytes()
    stacked(packed(masking=1.0))
    assert (tmp_path / "tokens.npy").read_bytes() == before


def test_masking_without_a_mask_token_is_refused(packed):
    packed(masking=0.0, mask_id=None)
    with pytest.raises(InputError, match="masking: the tokenizer has no mask token"):
        packed(mask_id=None)


@pytest.mark.parametrize("damage", ["torn", "header", "empty", "text", "missing", "floats", "none"])
def test_a_file_that_is_not_whole_is_refused(tmp_path, packed, damage):
    path = tmp_path / "tokens.npy"
    content = path.read_bytes()
    damaged = {"torn": content[:-1], "header": content[:128], "empty": b"", "text": b"a b"}
    if damage == "missing":
        path.unlink()
    elif damage in ("floats", "none"):
        np.save(path, np.ones((2, 4)) if damage == "floats" else np.ones((0, 4), np.uint16))
    else:
        path.write_bytes(damaged[damage])
    with pytest.raises(InputError, match=r"tokens\.npy: not") as caught:
        packed()
    assert "\n" not in str(caught.value)


def order(rows=1000, seed=0, epoch=0):
    sampler = EpochSampler(rows, seed=seed, epoch=lambda: epoch)
    assert len(sampler) == rows
    return list(sampler)


@pytest.mark.parametrize("epoch", [0, 3])
def test_every_row_comes_once_in_an_order_of_seed_and_epoch(epoch):
    first = order(epoch=epoch)
    assert sorted(first) == [row + epoch * 1000 for row in range(1000)]
    assert first != sorted(first)
    np.random.seed(1)
    assert order(epoch=epoch) == first
    assert order(epoch=epoch, seed=1) != first
    assert [row % 1000 for row in order(epoch=epoch + 1)] != [row % 1000 for row in first]


def test_loaders_batch_the_blocks_and_go_on_in_the_middle(packed):
    dataset = packed()
    sampler = EpochSampler(len(dataset), seed=0, epoch=lambda: 2)
    whole = list(DataLoader(dataset, batch_size=8, sampler=sampler))
    rest = list(DataLoader(dataset, batch_size=8, sampler=list(sampler)[24:]))
    assert whole[0]["input_ids"].shape == whole[0]["attention_mask"].shape == (8, 64)
    assert len(rest) == len(whole) - 3
    for ours, theirs in zip(rest, whole[3:], strict=True):
        assert torch.equal(ours["input_ids"], theirs["input_ids"])
