"""How the program ends: 0, 1, 2, 130 or 141, and what it says then."""

import argparse
import errno
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tinybert.base.errors import InputError, WorkerKilled
from tinybert.cli.main import COMMANDS, _parse, main
from tinybert.cli.program import run_program

MAIN = "import sys; from tinybert.cli.main import main; sys.exit(main())"


def raising(error):
    def work():
        sys.stdout.write("half of the result")
        raise error

    return work


def os_error(number, *names):
    return OSError(number, os.strerror(number), *names)


USERS = {
    "input": (InputError("rows.tsv: no rows"), ["rows.tsv: no rows"]),
    "no file": (os_error(errno.ENOENT, "rows.tsv"), ["rows.tsv: No such file"]),
    "read-only": (os_error(errno.EROFS, "out/a"), ["out/a: Read-only file system"]),
    "not allowed": (os_error(errno.EACCES, "out/a"), ["out/a: Permission denied"]),
    "busy": (os_error(errno.EBUSY, "out/a", None, "out/b"), ["out/a: Device or resource busy"]),
    "no locks": (os_error(errno.ENOLCK, "out/.lock"), ["out/.lock: No locks available"]),
    "a long name": (os_error(errno.ENAMETOOLONG, "a" * 9000), ["a…a", "aaa: File name too long"]),
    "a full disk": (os_error(errno.ENOSPC, "out/a"), ["out/a: No space left", "make room"]),
    "a full disk, no name": (os_error(errno.ENOSPC), ["No space left", "MB are left there"]),
    "too many files": (os_error(errno.EMFILE, "out/a"), ["out/a: Too many open files"]),
    "safetensors": (
        Exception("Error while serializing: I/O error: No space left on device (os error 28)"),
        ["No space left on device", "make room"],
    ),
    "torch": (RuntimeError("PytorchStreamWriter failed writing file data/0"), ["Pytorch", "room"]),
    "torch, at the end": (
        RuntimeError("[enforce fail at inline_container.cc:668] . unexpected pos 64 vs 0"),
        ["unexpected pos", "make room"],
    ),
    "openvino": (
        RuntimeError("Exception from src/core: basic_ios::clear: iostream error"),
        ["ios"],
    ),
    "memory": (MemoryError("Unable to allocate 3 TiB"), ["not enough memory (Unable to all"]),
    "memory, no words": (MemoryError(), ["not enough memory"]),
    "torch's memory": (
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        ["not enough memory"],
    ),
    "no memory to map": (os_error(errno.ENOMEM), ["not enough memory"]),
    "decoding": (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), ["0xff"]),
    "a broken package": (ImportError("libgomp.so.1 is missing", name="torch"), ["torch can't be"]),
    "a killed worker": (WorkerKilled("out: ended with code -9"), ["code -9"]),
}


@pytest.mark.parametrize(("error", "parts"), USERS.values(), ids=USERS)
def test_faults_that_are_not_ours(error, parts, capsys):
    assert run_program(raising(error), lambda: Path("out")) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("tinybert: error: ")
    assert said.err.count("\n") == 1
    assert len(said.err) < 800
    for part in parts:
        assert part in said.err


def test_a_disk_that_fails_is_told_of_behind_another_exception(capsys):
    def work():
        try:
            raise os_error(errno.ENOSPC, "out/steps")
        finally:
            raise AttributeError("what failed to clean up")

    assert run_program(work) == 2
    assert "out/steps: No space left" in capsys.readouterr().err


OURS = {
    "a bug": KeyError("rows"),
    "a value": ValueError("negative dimensions"),
    "an import of ours": ModuleNotFoundError("No module", name="tinybert.nothing"),
    "a library": RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
}


@pytest.mark.parametrize("error", OURS.values(), ids=OURS)
def test_our_faults_have_a_traceback_and_say_what_to_report(error, capsys):
    assert run_program(raising(error)) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" in said.err
    last = said.err.splitlines()[-1]
    assert "fault of tinybert; please report it" in last
    assert f"Python {sys.version.split()[0]}" in last


def test_a_bug_while_a_missing_file_is_handled_is_ours():
    def work():
        try:
            raise os_error(errno.ENOENT, "rows.tsv")
        except OSError:
            raise KeyError("rows")  # noqa: B904

    assert run_program(work) == 1


def test_an_interruption(capsys):
    assert run_program(raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr() == (
        "",
        "tinybert: interrupted; run the same command again to go on\n",
    )


def test_what_is_printed_comes_out_when_all_is_done(capsys):
    def work():
        sys.stdout.write("a result\n")

    assert run_program(work) == 0
    assert capsys.readouterr() == ("a result\n", "")


def tinybert(*arguments, **streams):
    return subprocess.Popen([sys.executable, "-c", MAIN, *map(str, arguments)], **streams)


@pytest.mark.parametrize("arguments", [["--help"], ["info", "MODEL"]])
def test_a_reader_that_went_away(arguments, tiny_artifact_dir):
    arguments = [tiny_artifact_dir if word == "MODEL" else word for word in arguments]
    process = tinybert(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()  # before there is anything to read
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), said) == (141, "")


def test_a_reader_of_progress_that_went_away():
    program = (
        "import sys; from tinybert.cli.program import run_program;"
        "sys.exit(run_program(lambda: (sys.stderr.write('1%\\n'), sys.stderr.flush())))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE)
    process.stderr.close()
    assert process.wait() == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux's /dev/full")
def test_a_result_that_finds_no_room(tiny_artifact_dir):
    with open("/dev/full", "w") as full:
        process = tinybert(
            "info", tiny_artifact_dir, stdout=full, stderr=subprocess.PIPE, text=True
        )
        _, said = process.communicate()
    assert process.returncode == 2
    assert said.startswith("tinybert: error: stdout: No space left on device")
    assert said.count("\n") == 1


def test_a_terminal_that_has_no_such_letters(tiny_artifact_dir):
    program = (
        "import sys; from tinybert.cli.program import run_program;"
        "sys.exit(run_program(lambda: print('caf\\u00e9')))"
    )
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "'\\xe9' in ascii; set PYTHONIOENCODING=utf-8" in ran.stderr


@pytest.mark.skipif(os.name != "posix", reason="how a POSIX shell closes streams")
def test_closed_streams_are_not_taken_for_files(tmp_path):
    program = (
        "import os, sys; from tinybert.cli.program import run_program;"
        "run_program(lambda: sys.exit(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "file")]
    closed = subprocess.run(["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *command])
    assert closed.returncode > 2


def test_much_output_is_not_kept(capsys):
    """Of endless input something has to come out before the end that never comes."""
    seen = []

    def work():
        for number in range(100_000):
            sys.stdout.write(f"{number}\n")
            if number == 50_000:
                seen.append(len(capsys.readouterr().out))

    assert run_program(work) == 0
    assert seen[0] > 100_000


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples_that_can_be_run(name, capsys):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    examples = capsys.readouterr().out.partition("\nexamples:\n")[2].splitlines()
    assert examples
    for example in examples:
        program, command, *arguments = shlex.split(example.rpartition("|")[2])
        assert (program, command) == ("tinybert", name)
        _parse([command, *arguments], argparse.Namespace())


def test_options_that_are_wrong_are_told_in_one_line(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["compress", "model", "--max-size"])
    said = capsys.readouterr().err
    assert stopped.value.code == 2
    assert said.count("\n") == 1
    assert said.startswith("tinybert: error: argument --max-size: ")
    assert "tinybert compress --help" in said
