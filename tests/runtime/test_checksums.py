"""Damaged artifacts are refused."""

import shutil
from pathlib import Path

import pytest

from tinybert.errors import InputError
from tinybert.runtime.checksums import CHECKSUMS, check_checksum, note_checksums
from tinybert.runtime.load import load, open_artifact


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
    (artifact.parent.parent / CHECKSUMS).write_text("[")
    with pytest.raises(InputError, match=r"checksums\.json: not readable"):
        load(artifact)


def test_a_bare_name_is_checked_too(tmp_path, monkeypatch):
    (tmp_path / "onnx").mkdir()
    file = tmp_path / "onnx" / "model.onnx"
    file.write_bytes(b"whole")
    note_checksums(tmp_path, [file])
    monkeypatch.chdir(file.parent)
    check_checksum(Path("model.onnx"), tmp_path)
    file.write_bytes(b"torn")
    with pytest.raises(InputError, match="damaged"):
        check_checksum(Path("model.onnx"), tmp_path)
