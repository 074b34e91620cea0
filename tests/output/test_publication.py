"""Whoever reads while a run publishes, or after it was killed, gets one run's answer or none."""

import itertools
import json
import os
import shutil
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tinybert import quantize_onnx
from tinybert.base.errors import InputError
from tinybert.formats.load import load
from tinybert.formats.open import open_model
from tinybert.measure.info import describe
from tinybert.output.publication import begin_publishing, files_below, publish_files, withdraw
from tinybert.runtime.manifest import MANIFEST, MARK, Manifest

READS = 100

TEXTS = ["a great film", "the dull plot of an old movie"]


@pytest.fixture(scope="module")
def editions(tiny_artifact_dir, tmp_path_factory):
    """Two runs' files, in ONNX and OpenVINO: other weights, labels and pieces in each."""
    import onnx
    import openvino
    from onnx import numpy_helper

    made = []
    for number, labels in enumerate((["negative", "positive"], ["cat", "dog"])):
        folder = tmp_path_factory.mktemp("edition")
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            shutil.copy(tiny_artifact_dir / name, folder / name)
        config = json.loads((folder / "config.json").read_text())
        config["id2label"] = dict(enumerate(labels))
        config["label2id"] = {label: index for index, label in enumerate(labels)}
        (folder / "config.json").write_text(json.dumps(config))
        if number:  # other ids for two words, so that a mixture is seen in the answers
            text = (folder / "tokenizer.json").read_text()
            text = text.replace('"great"', '"@"').replace('"dull"', '"great"')
            (folder / "tokenizer.json").write_text(text.replace('"@"', '"dull"'))
        graph = onnx.load(tiny_artifact_dir / "onnx/model.onnx")
        for weight in graph.graph.initializer:
            values = numpy_helper.to_array(weight)
            if number and values.dtype == np.float32:
                weight.CopyFrom(numpy_helper.from_array(values * 0.8, weight.name))
        (folder / "onnx").mkdir()
        onnx.save(graph, folder / "onnx/model.onnx")
        converted = openvino.convert_model(folder / "onnx/model.onnx")
        openvino.save_model(converted, folder / "openvino/model.xml", compress_to_fp16=False)
        (folder / "report.json").write_text(json.dumps({"best": "onnx/model.onnx"}))
        (folder / "student").mkdir()
        (folder / f"student/{number}.txt").write_text("only one run has this file")
        files = files_below(folder)
        made.append({**files, "report.json": files["report.json"]})
    return made


def answers(path):
    return [(each["label"], round(each["score"], 4)) for each in load(path, threads=1)(TEXTS)]


@pytest.fixture(scope="module")
def expected(editions, tmp_path_factory):
    """What each run's files answer."""
    found = []
    for files in editions:
        out = tmp_path_factory.mktemp("whole")
        publish_files(out, files)
        assert answers(out / "openvino/model.xml") == answers(out)
        found.append(answers(out))
    assert found[0] != found[1]
    return found


@pytest.fixture
def out(editions, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / MARK).write_text("compress\n")
    publish_files(folder, editions[0])
    return folder


ARTIFACTS = ("", "onnx/model.onnx", "openvino/model.xml")


def test_an_edition_is_replaced_whole(out, editions, expected):
    assert [answers(out / name) for name in ARTIFACTS] == [expected[0]] * 3
    (out / "notes.txt").write_text("mine")
    (out / "student/notes.txt").write_text("mine")
    publish_files(out, editions[1])
    assert [answers(out / name) for name in ARTIFACTS] == [expected[1]] * 3
    assert not (out / "student/0.txt").exists()
    assert (out / "notes.txt").exists()
    assert (out / "student/notes.txt").exists()
    publish_files(out, {"a/b": "text"})
    kept = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert kept == {MARK, MANIFEST, "a/b", "notes.txt", "student/notes.txt"}
    assert not (out / "onnx").exists()


def test_what_is_there_already_is_left_alone(out, editions):
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    publish_files(out, editions[0])
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


@pytest.mark.parametrize("place", ["onnx/model_quantized.onnx", "student/1.txt"])
def test_files_of_others_are_in_the_way(out, editions, expected, place):
    (out / place).write_text("mine")
    with pytest.raises(InputError, match="is in the way"):
        publish_files(out, {**editions[1], "student/1.txt": "theirs"})
    assert (out / place).read_text() == "mine"
    assert answers(out) == expected[0]


def test_links_are_not_followed(out, editions, tmp_path):
    mine = tmp_path / "mine"
    shutil.move(out / "student", mine)
    (out / "student").symlink_to(mine)
    with pytest.raises(InputError, match="student: is in the way: it is no plain folder"):
        publish_files(out, editions[1])
    assert [path.name for path in mine.iterdir()] == ["0.txt"]


def test_a_full_disk_leaves_the_old_edition(out, editions, expected, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        publish_files(out, editions[1])
    assert answers(out) == expected[0]
    assert {path.name for path in out.iterdir() if path.name[0] == "."} == {MARK}


def test_an_unfinished_publication_says_so(out):
    begin_publishing(out)
    for name in ARTIFACTS:
        with pytest.raises(InputError, match="unfinished run; run tinybert compress again"):
            load(out / name)


def outcome(path, expected):
    """Which of the two editions answered, or None for one clear line."""
    try:
        return expected.index(answers(path))
    except InputError as error:
        refusal = str(error)
    assert "\n" not in refusal
    return None


def test_killed_at_any_file_operation(out, editions, expected):
    """`kill -9` at each in turn, old and new edition changing places."""
    ends = []
    for point in range(1, 1000):
        old, new = (0, 1) if point % 2 else (1, 0)
        if not kill_at(point, lambda new=new: publish_files(out, editions[new])):
            break
        found = {outcome(out / name, expected) for name in ARTIFACTS}
        assert found <= {None, 0, 1}
        assert len(found - {None}) <= 1, "one edition as ONNX, the other as OpenVINO"
        ends.append(found)
        # What a run does that is started again.
        publish_files(out, editions[new])
        assert outcome(out, expected) == new, (point, old)
        assert not list(out.rglob("*.partial"))
    assert len(ends) >= 80
    assert {None} in ends  # else nothing of this was tested


def kill_at(point, work):
    """Does work in a process that dies before its file operation number `point`; whether it died.

    Python announces every one to audit hooks: opening, making, renaming, removing.
    """
    process = os.fork()
    if process == 0:
        left = point
        operations = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir"}

        def hook(event, arguments):
            nonlocal left
            if event in operations and not str(arguments[0]).endswith(".pyc"):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(hook)
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(process, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("name", ARTIFACTS)
def test_reading_while_another_run_publishes(out, editions, expected, name):
    """Every read is of one edition, or one clear line."""
    found = []
    stop = threading.Event()

    def publish():
        for turn in itertools.count(1):
            if turn % 3 == 0:  # lets one read have the folder to itself
                quiet_from = len(found)
                while len(found) < quiet_from + 2 and not stop.is_set():
                    time.sleep(0.001)
            if stop.is_set():
                return
            publish_files(out, editions[turn % 2])

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(publish)
        try:
            # A refusal is quick: many of them fit into one publication.
            while len(found) < READS or not {0, 1} <= set(found):
                found.append(outcome(out / name, expected))
                assert len(found) < 100 * READS
        finally:
            stop.set()
        writer.result()
    assert set(found) <= {None, 0, 1}


def test_a_file_that_is_replaced_between_its_check_and_its_use(
    out, editions, expected, monkeypatch
):
    """ONNX Runtime reads the graph by itself, after it was hashed: hence the second look."""
    import onnxruntime

    real, opened = onnxruntime.InferenceSession, []

    def session(*args, **options):
        opened.append(args)
        if len(opened) == 1:
            publish_files(out, editions[1])
        return real(*args, **options)

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    assert answers(out) == expected[1]
    assert len(opened) == 2


def test_a_model_in_memory_keeps_its_own_tokens(editions, tiny_bert_dir, tmp_path):
    """Weights of one run and the tokenizer of the next would be a third model."""
    files = files_below(tiny_bert_dir, "student/")
    publish_files(tmp_path, {**files, **editions[0]})
    model, artifact = open_model(tmp_path / "student"), open_model(tmp_path)
    fresh, other = open_model(tmp_path / "student").logits(TEXTS), load(tmp_path).logits(TEXTS)
    words = {"student/tokenizer.json": editions[1]["tokenizer.json"]}
    publish_files(tmp_path, {**files, **editions[1], **words})
    np.testing.assert_array_equal(model.logits(TEXTS), fresh)
    np.testing.assert_array_equal(artifact.logits(TEXTS), other)
    assert np.abs(open_model(tmp_path / "student").logits(TEXTS) - fresh).max() > 0


def test_a_mark_without_a_manifest(out):
    """As of a copy that is at work: what is there may be of two runs."""
    (out / MANIFEST).unlink()
    for name in ARTIFACTS:
        with pytest.raises(InputError, match="unfinished"):
            load(out / name)
        with pytest.raises(InputError, match="unfinished"):
            describe(out / name)


def test_a_file_that_no_run_wrote_decides_nothing(out, expected):
    (out / "config_sentence_transformers.json").write_text('{"activation_fn": "x.y.Tanh"}')
    assert answers(out) == expected[0]


def test_what_was_made_of_published_files_is_its_makers(out, editions):
    made = out / "onnx/mine.onnx"
    quantize_onnx(out / "onnx/model.onnx", made)
    publish_files(out, editions[0])
    whole = made.read_bytes()
    assert load(made)(TEXTS)
    publish_files(out, editions[1])
    assert made.read_bytes() == whole
    with pytest.raises(InputError, match=r"mine\.onnx: was made of files that another run"):
        load(made)
    made.write_bytes(whole[:-1])
    publish_files(out, editions[0])
    with pytest.raises(InputError, match=r"mine\.onnx: "):
        load(made)


def test_what_someone_wrote_into_a_file_that_goes_stays(out, editions):
    files = {**editions[0], "README.md": "ours", "vocab.txt": "ours"}
    publish_files(out, files)
    (out / "vocab.txt").write_text("mine")
    publish_files(out, editions[0])
    assert (out / "vocab.txt").read_text() == "mine"
    assert not (out / "README.md").exists()


def test_folders_where_files_are_meant(out, editions):
    shutil.rmtree(out / "student")
    (out / "report.json").unlink()
    (out / "report.json").mkdir()
    (out / "report.json/mine").write_text("mine")
    withdraw(out, "report.json")
    with pytest.raises(InputError, match=r"report\.json: is in the way"):
        publish_files(out, editions[1])
    assert (out / "report.json/mine").exists()


def test_a_model_copied_elsewhere_needs_no_manifest(out, expected, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    (copy / MANIFEST).unlink()
    (copy / MARK).unlink()
    assert answers(copy) == expected[0]
    # Not even where a web page has a file of this name.
    (copy / MANIFEST).write_text('{"name": "My page"}')
    assert answers(copy) == expected[0]


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_every_file_that_decides_an_answer_is_checked(out, name):
    content = (out / name).read_text()
    (out / name).write_text(content + " ")
    with pytest.raises(InputError, match=rf"{name}: damaged"):
        load(out)
    if name == "config.json":  # which `info` reads too
        with pytest.raises(InputError, match=rf"{name}: damaged"):
            describe(out)


def test_a_damaged_manifest(out):
    whole = (out / MANIFEST).read_text()
    for content in ("", "[]", whole.replace("true", "1"), whole[:40], "{}"):
        (out / MANIFEST).write_text(content)
        with pytest.raises(InputError, match=r"manifest\.json: "):
            load(out)


@pytest.mark.parametrize(
    "name", ["../mine", "/etc/mine", "", ".", "a/../../mine", "C:mine", "a\\b"]
)
def test_a_manifest_of_someone_else_can_not_name_files_elsewhere(out, editions, name):
    (out.parent / "mine").write_text("mine")
    value = json.loads((out / MANIFEST).read_text())
    value["files"][name] = "0" * 64
    (out / MANIFEST).write_text(json.dumps(value))
    with pytest.raises(
        InputError, match=r"manifest\.json: damaged: .* is no name of a published file"
    ):
        publish_files(out, editions[1])
    assert (out.parent / "mine").exists()


def test_removing_the_manifest_is_no_way_to_lose_files(out, editions, expected):
    (out / MANIFEST).unlink()
    with pytest.raises(InputError, match="unfinished"):
        load(out)
    with pytest.raises(InputError, match="is in the way"):
        publish_files(out, editions[1])
    publish_files(out, editions[0])  # the same bytes: nothing is lost
    assert answers(out) == expected[0]
    assert Manifest.read(out).finished


def test_texts_and_files_below(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.txt").write_text("b")
    assert files_below(tmp_path, "x/") == {"x/a/b.txt": Path(tmp_path / "a/b.txt")}
