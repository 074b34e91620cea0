"""The teacher's cache: as good as the teacher, never stale, never torn."""

import copy
import json
import shutil
import subprocess

import numpy as np
import pytest
import torch
from transformers import DataCollatorWithPadding

from tinybert.base.errors import InputError
from tinybert.distillation import cache_writer as writer_module
from tinybert.distillation.cache import open_cache
from tinybert.distillation.cache_writer import META, is_whole, predicted_bytes
from tinybert.distillation.signals import LOGITS, run
from tinybert.tasks.task import Examples
from tinybert.training.batches import EncodedExamples

ALL = [LOGITS, ("hidden", 0), ("hidden", 2), ("query", 1), ("key", 1), ("value", 2)]


@pytest.fixture
def rows(tiny_context):
    context = tiny_context()
    return EncodedExamples(context.train, context.tokenizer, 32)


@pytest.fixture
def collate(tiny_context):
    return DataCollatorWithPadding(tiny_context().tokenizer)


def folders(root):
    return sorted(path for path in root.iterdir() if path.is_dir())


def test_it_gives_what_the_teacher_gives(teacher, rows, collate, tmp_path):
    cache = open_cache(tmp_path, teacher, rows, collate, ALL, batch_size=16)
    batch = collate([rows[index] for index in (3, 17, 0, 39)])
    mask = batch["attention_mask"]
    given = cache.read(batch["row"], mask, ALL)
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
    with torch.no_grad():
        wanted = run(teacher, inputs, ALL)[1]
    for signal in ALL:
        ours, theirs = given[signal].float(), wanted[signal]
        assert ours.shape == theirs.shape
        if signal != LOGITS:
            assert not ours[mask == 0].any()
            ours, theirs = ours[mask == 1], theirs[mask == 1]
        exact = signal == LOGITS
        torch.testing.assert_close(ours, theirs, rtol=1e-4 if exact else 2e-3, atol=1e-3)


def test_its_size_is_known_before(teacher, rows, collate, tmp_path):
    open_cache(tmp_path, teacher, rows, collate, ALL)
    (folder,) = folders(tmp_path)
    arrays = [np.load(file, mmap_mode="r") for file in folder.glob("*.npy")]
    assert predicted_bytes(teacher, rows, ALL) == sum(array.nbytes for array in arrays)


def count_runs(monkeypatch):
    runs = []
    original = writer_module.run
    monkeypatch.setattr(
        writer_module, "run", lambda *arguments: runs.append(1) or original(*arguments)
    )
    return runs


def test_a_second_time_the_teacher_rests(teacher, rows, collate, tmp_path, monkeypatch):
    runs = count_runs(monkeypatch)
    open_cache(tmp_path, teacher, rows, collate, ALL)
    assert runs
    runs.clear()
    open_cache(tmp_path, copy.deepcopy(teacher), rows, collate, ALL)
    assert not runs


def changed_weight(teacher, rows, context):
    with torch.no_grad():
        teacher.classifier.bias[0] += 1e-3
    return teacher, rows


def changed_structure(teacher, rows, context):
    teacher.config.layer_norm_eps = 1e-5
    return teacher, rows


def changed_row(teacher, rows, context):
    texts = [*context.train.texts[:-1], "another text"]
    return teacher, EncodedExamples(Examples.of_texts(texts, None, "rows"), context.tokenizer, 32)


def changed_order(teacher, rows, context):
    texts = context.train.texts[::-1]
    return teacher, EncodedExamples(Examples.of_texts(texts, None, "rows"), context.tokenizer, 32)


def changed_tokenizer(teacher, rows, context):
    context.tokenizer.backend_tokenizer.normalizer = None
    upper = Examples.of_texts([text.upper() for text in context.train.texts], None, "rows")
    return teacher, EncodedExamples(upper, context.tokenizer, 32)


def changed_length(teacher, rows, context):
    return teacher, EncodedExamples(context.train, context.tokenizer, 6)


CHANGES = [
    changed_weight,
    changed_structure,
    changed_row,
    changed_order,
    changed_tokenizer,
    changed_length,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_stale_one_is_never_met(
    teacher, rows, collate, tmp_path, tiny_context, monkeypatch, change
):
    open_cache(tmp_path, teacher, rows, collate, [LOGITS])
    runs = count_runs(monkeypatch)
    changed, other_rows = change(teacher, rows, tiny_context())
    open_cache(tmp_path, changed, other_rows, collate, [LOGITS])
    assert runs
    assert len(folders(tmp_path)) == 2


def test_labels_make_no_other_cache(teacher, rows, collate, tmp_path, tiny_context):
    open_cache(tmp_path, teacher, rows, collate, [LOGITS])
    context = tiny_context()
    unlabeled = Examples.of_texts(context.train.texts, None, "rows")
    without = EncodedExamples(unlabeled, context.tokenizer, 32)
    open_cache(tmp_path, teacher, without, collate, [LOGITS])
    assert len(folders(tmp_path)) == 1


def flip(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:-8])


@pytest.mark.parametrize("damage", [flip, cut, lambda path: path.unlink()])
@pytest.mark.parametrize("name", ["logits.npy", "query-1.npy", META])
def test_a_torn_one_is_made_again(teacher, rows, collate, tmp_path, damage, name):
    open_cache(tmp_path, teacher, rows, collate, ALL)
    (folder,) = folders(tmp_path)
    content = (folder / name).read_bytes()
    damage(folder / name)
    assert not is_whole(folder)
    open_cache(tmp_path, teacher, rows, collate, ALL)
    assert (folder / name).read_bytes() == content


def test_one_that_was_killed_is_made_again(teacher, rows, collate, tmp_path, monkeypatch):
    def die(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writer_module, "run", die)
        with pytest.raises(KeyboardInterrupt):
            open_cache(tmp_path, teacher, rows, collate, ALL)
    assert not any(path.name[0] != "." for path in folders(tmp_path))
    open_cache(tmp_path, teacher, rows, collate, ALL)
    (folder,) = folders(tmp_path)
    assert set(json.loads((folder / META).read_text())["files"]) == {
        path.name for path in folder.glob("*.npy")
    }


def test_a_full_disk_is_said_before_anything_is_written(
    teacher, rows, collate, tmp_path, monkeypatch
):
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr(writer_module.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(InputError, match="set `cache: off`"):
        open_cache(tmp_path, teacher, rows, collate, ALL)
    assert not folders(tmp_path)


def test_what_float16_can_not_hold_is_cut(teacher, rows, collate, tmp_path):
    with torch.no_grad():
        teacher.bert.encoder.layer[0].attention.self.query.bias += 1e6
    open_cache(tmp_path, teacher, rows, collate, [("query", 1)])
    (folder,) = folders(tmp_path)
    assert np.isfinite(np.load(folder / "query-1.npy")).all()


def test_padding_on_the_left(teacher, rows, tiny_context, tmp_path):
    tokenizer = tiny_context().tokenizer
    right = DataCollatorWithPadding(tokenizer)
    expected = open_cache(tmp_path / "right", teacher, rows, right, [("query", 1)])
    batch = right([rows[index] for index in (3, 17)])
    mask = batch["attention_mask"]
    values = expected.read(batch["row"], mask, [("query", 1)])["query", 1]
    flipped = expected.read(batch["row"], mask.flip(1), [("query", 1)])["query", 1]
    torch.testing.assert_close(flipped[mask.flip(1) == 1], values[mask == 1])
    assert not flipped[mask.flip(1) == 0].any()


def test_a_folder_that_can_not_be_written(teacher, rows, collate, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=r"can't keep .* TINYBERT_CACHE"):
        open_cache(tmp_path / "file" / "cache", teacher, rows, collate, [LOGITS])


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(("looks_free", "reserves"), [(False, True), (True, True), (True, False)])
def test_a_disk_that_is_really_full(
    teacher, rows, collate, small_disk, monkeypatch, looks_free, reserves
):
    """Also where another process took the room after it was asked for."""
    if not reserves:
        monkeypatch.delattr(writer_module.os, "posix_fallocate")  # macOS and Windows
    if looks_free:
        usage = type("Usage", (), {"free": 10**9})
        monkeypatch.setattr(writer_module.shutil, "disk_usage", lambda path: usage)
    wanted = [("hidden", layer) for layer in range(3)]
    assert predicted_bytes(teacher, rows, wanted) > 64_000
    with pytest.raises(InputError, match="set `cache: off`"):
        open_cache(small_disk, teacher, rows, collate, wanted)
    assert not folders(small_disk)
    open_cache(small_disk, teacher, rows, collate, [LOGITS])


def test_where_no_lock_can_be_written(teacher, rows, collate, tmp_path):
    """A cache that is there is read all the same; else one clear error says what to do."""
    before = open_cache(tmp_path, teacher, rows, collate, [LOGITS])
    (folder,) = folders(tmp_path)
    lock = tmp_path / f".{folder.name}.lock"
    lock.unlink()
    lock.mkdir()  # as good as a place where nothing may be written, for root too
    batch = collate([rows[0]])
    after = open_cache(tmp_path, teacher, rows, collate, [LOGITS])
    given = [each.read(batch["row"], batch["attention_mask"], [LOGITS]) for each in (before, after)]
    assert torch.equal(given[0][LOGITS], given[1][LOGITS])
    shutil.rmtree(folder)
    with pytest.raises(InputError, match="can't keep the teacher's signals there"):
        open_cache(tmp_path, teacher, rows, collate, [LOGITS])
