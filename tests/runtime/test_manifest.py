"""Damaged artifacts are refused."""

import shutil
from pathlib import Path

import pytest

from tinybert.base.errors import InputError
from tinybert.base.files import hash_path, write_json
from tinybert.formats.load import load, open_artifact
from tinybert.runtime.manifest import OLD_MANIFEST
from tinybert.runtime.published import PublishedFiles


def note_checksums(folder, files):
    """As versions without a manifest did."""
    write_json(
        folder / OLD_MANIFEST,
        {file.relative_to(folder).as_posix(): hash_path(file) for file in files},
    )


@pytest.fixture
def artifact(tiny_artifact_dir, tmp_path):
    folder = tmp_path / "artifact"
    shutil.copytree(tiny_artifact_dir, folder)
    note_checksums(folder, [folder / "onnx/model_quantized.onnx"])
    return folder / "onnx/model_quantized.onnx"


def test_a_whole_one_runs(artifact):
    assert len(load(artifact)(["good"])) == 1


@pytest.mark.parametrize("place", [0.3, 0.6, 0.9])
def test_one_flipped_bit(artifact, place):
    """Also where ONNX Runtime would run it as if nothing were."""
    data = bytearray(artifact.read_bytes())
    data[int(place * len(data))] ^= 1
    artifact.write_bytes(data)
    for path in (artifact, artifact.parent.parent):
        with pytest.raises(InputError, match=r"model_quantized\.onnx: damaged"):
            load(path)


def test_a_cut_off_one(artifact):
    artifact.write_bytes(artifact.read_bytes()[:-1])
    with pytest.raises(InputError, match="damaged"):
        load(artifact)


def test_a_file_that_is_not_listed_runs(artifact):
    other = artifact.with_name("other.onnx")
    shutil.copy(artifact, other)
    assert open_artifact(other, None).facts().precision == "int8"


def test_checksums_that_are_broken_themselves(artifact):
    (artifact.parent.parent / OLD_MANIFEST).write_text("[")
    with pytest.raises(InputError, match=r"checksums\.json: not readable"):
        load(artifact)


def test_a_bare_name_is_checked_too(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "onnx").mkdir()
    file = tmp_path / "onnx" / "model.onnx"
    file.write_bytes(b"whole")
    note_checksums(tmp_path, [file])
    monkeypatch.chdir(file.parent)
    PublishedFiles.around(Path("model.onnx")).check(Path("model.onnx"))
    file.write_bytes(b"torn")
    with pytest.raises(InputError, match="damaged"):
        PublishedFiles.around(Path("model.onnx")).check(Path("model.onnx"))
