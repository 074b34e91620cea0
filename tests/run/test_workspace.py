import multiprocessing
import os

import pytest

from tinybert.base.errors import InputError
from tinybert.run.workspace import StepFolders, Stopwatch, exclusive


def write(name):
    return lambda folder: (folder / name).write_text(name)


def test_a_step_is_done_once(tmp_path):
    first = StepFolders(tmp_path, "key").run("a", {"x": 1}, write("result"))
    again = StepFolders(tmp_path, "key").run("a", {"x": 1}, lambda folder: pytest.fail("again"))
    assert again == first
    assert (first / "result").read_text() == "result"


@pytest.mark.parametrize(
    ("key", "name", "settings"), [("other", "a", {}), ("key", "b", {}), ("key", "a", {"x": 2})]
)
def test_what_a_result_depends_on(tmp_path, key, name, settings):
    first = StepFolders(tmp_path, "key").run("a", {}, write("result"))
    assert StepFolders(tmp_path, key).run(name, settings, write("result")) != first


def test_a_step_depends_on_those_before_it(tmp_path):
    paths = []
    for settings in (1, 2):
        folders = StepFolders(tmp_path, "key")
        folders.run("a", settings, write("result"))
        paths.append(folders.run("b", 0, write("result")))
    assert paths[0] != paths[1]


def test_equal_steps_in_a_row_are_two(tmp_path):
    folders = StepFolders(tmp_path, "key")
    assert folders.run("a", {}, write("x")) != folders.run("a", {}, write("x"))


def test_an_unfinished_step_goes_on_and_does_not_look_done(tmp_path):
    def fail(folder):
        (folder / "half").write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        StepFolders(tmp_path, "key").run("a", {}, fail)
    assert not StepFolders(tmp_path, "key").is_done("a", {})
    assert [path.name[0] for path in tmp_path.iterdir()] == ["."]
    done = StepFolders(tmp_path, "key").run("a", {}, write("rest"))
    assert {path.name for path in done.iterdir()} == {"half", "rest", "checksums.json"}
    assert StepFolders(tmp_path, "key").is_done("a", {})


def test_is_done_looks_at_the_next_step(tmp_path):
    folders = StepFolders(tmp_path, "key")
    folders.run("a", {}, write("x"))
    assert not folders.is_done("a", {})
    folders.clear()
    assert not tmp_path.exists()


def test_one_run_at_a_time(tmp_path):
    with exclusive(tmp_path), pytest.raises(InputError, match=str(os.getpid())):  # noqa: SIM117
        with exclusive(tmp_path):
            pass
    with exclusive(tmp_path):
        pass


def hold_and_die(out):
    with exclusive(out):
        os._exit(9)


def test_a_lock_dies_with_its_process(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=hold_and_die, args=[tmp_path])
    process.start()
    process.join()
    with exclusive(tmp_path):
        pass


def test_seconds_before_a_kill_count(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("tinybert.run.workspace.time.monotonic", lambda: now[0])
    watch = Stopwatch(tmp_path / "seconds.txt")
    now[0] = 5.0
    watch.tick()
    now[0] = 1000.0  # idle, after a kill
    again = Stopwatch(tmp_path / "seconds.txt")
    now[0] = 1002.0
    assert again.seconds == pytest.approx(7.0)
