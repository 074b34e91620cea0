import errno
import os
import shutil

import pytest

from tinybert.base.errors import InputError
from tinybert.base.faults import disk_error, reason, writing_below


def full(*names):
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *names)


LIBRARIES = {
    "the system": (full(), errno.ENOSPC),
    "safetensors": (
        Exception("Error while serializing: I/O error: No space left on device (os error 28)"),
        errno.ENOSPC,
    ),
    "tokenizers": (Exception("Read-only file system (os error 30)"), errno.EROFS),
    "torch": (RuntimeError("PytorchStreamWriter failed writing file data/0"), errno.EIO),
    "openvino": (RuntimeError("Exception from core: basic_ios::clear: iostream"), errno.EIO),
}


@pytest.mark.parametrize(("error", "number"), LIBRARIES.values(), ids=LIBRARIES)
def test_the_library_raises_an_os_error_that_names_a_place(error, number, tmp_path):
    with pytest.raises(OSError, match=str(tmp_path)) as raised, writing_below(tmp_path):
        raise error
    assert raised.value.errno == number
    assert raised.value.filename == str(tmp_path)


OTHERS = [
    InputError("rows.tsv: no rows"),
    full("out/a"),
    OSError(errno.ENOENT, "No such file", "rows.tsv"),
    BrokenPipeError(errno.EPIPE, "Broken pipe"),
    KeyError("rows"),
    Exception("Not found (os error 2)"),
]


@pytest.mark.parametrize("error", OTHERS, ids=str)
def test_what_is_clear_or_another_fault_stays(error, tmp_path):
    with pytest.raises(type(error)) as raised, writing_below(tmp_path):
        raise error
    assert raised.value is error


def test_an_input_error_is_never_taken_for_what_it_was_raised_for():
    error = InputError("out: make room")
    error.__context__ = full("out/a")
    assert disk_error(error) is None
    assert reason(error) == "out: make room"


def test_a_folder_that_could_not_be_copied():
    why = "[Errno 28] No space left on device: 'out/steps/a' -> 'out/a'"
    error = shutil.Error([("out/steps/a", "out/a", why), ("out/steps/b", "out/b", why)])
    assert disk_error(error).filename == "out/a"
    assert reason(error).startswith("out/a: No space left on device; ")


def test_a_copy_that_finds_no_room_is_named_by_its_target():
    assert reason(full("steps/a", None, "out/a")).startswith("out/a: No space left on device; ")


def test_a_long_word_of_the_user_is_cut():
    line = reason(InputError(f"{'a' * 5000}: no such file; a {'b' * 299} stays"))
    assert line == f"{'a' * 149}…{'a' * 149}: no such file; a {'b' * 299} stays"


def test_exceptions_that_were_raised_for_one_another():
    first, second = KeyError("a"), KeyError("b")
    first.__context__, second.__context__ = second, first
    assert reason(first) is None


def test_the_fullest_disk_is_named_where_the_system_names_none(tmp_path, monkeypatch):
    out, temporary = tmp_path / "out", tmp_path / "tmp"
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(temporary))
    for fullest in (out, temporary):
        monkeypatch.setattr(
            "tinybert.base.faults._room",
            lambda place, fullest=fullest: 0 if place == fullest else 10**9,
        )
        assert reason(full(), out).startswith(f"{fullest}: No space left on device; 0.0 MB are")
