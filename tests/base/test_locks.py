import errno
import fcntl
import multiprocessing
import os
import time

import pytest
import yaml

from tinybert.base.errors import InputError
from tinybert.base.locks import one_at_a_time, only_run
from tinybert.cli.main import main


def hold(path, seconds, started):
    with one_at_a_time(path):
        started.set()
        time.sleep(seconds)


def test_others_wait(tmp_path):
    process = multiprocessing.get_context("fork")
    started = process.Event()
    other = process.Process(target=hold, args=[tmp_path / "a", 0.5, started])
    other.start()
    started.wait()
    begin = time.monotonic()
    with one_at_a_time(tmp_path / "a"):
        assert time.monotonic() - begin > 0.2
    other.join()


def test_a_second_run_is_told_who_holds_the_lock(tmp_path):
    with only_run(tmp_path), pytest.raises(InputError, match=rf"process {os.getpid()}\)"):  # noqa: SIM117
        with only_run(tmp_path):
            pass
    with only_run(tmp_path):
        pass


@pytest.fixture
def failing_flock(monkeypatch):
    """Makes every flock fail with an errno, as some file systems do."""

    def make(number):
        def fail(*_):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", fail)

    return make


@pytest.mark.parametrize("number", [errno.EWOULDBLOCK, errno.EAGAIN])
def test_only_a_held_lock_means_another_run(failing_flock, tmp_path, number):
    failing_flock(number)
    with pytest.raises(InputError, match="another run"), only_run(tmp_path):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
@pytest.mark.parametrize("lock", [only_run, one_at_a_time])
def test_a_file_system_without_locks_is_named(failing_flock, tmp_path, lock, number):
    failing_flock(number)
    with pytest.raises(OSError, match="can't be locked") as failed, lock(tmp_path):
        pass
    assert failed.value.errno == number
    assert failed.value.filename.endswith(".lock")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_the_program_says_so_in_one_line(
    failing_flock, recipe, tmp_path, capsys, number, quick_bench
):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe()), encoding="utf-8")
    failing_flock(number)
    assert main(["compress", str(path), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{tmp_path / 'out' / '.lock'}: can't be locked ({os.strerror(number)})" in said


def test_a_lock_file_that_is_a_folder(tmp_path):
    (tmp_path / ".lock").mkdir()
    with pytest.raises(OSError, match=r"directory.*\.lock"), only_run(tmp_path):
        pass
