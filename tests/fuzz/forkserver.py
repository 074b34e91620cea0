"""Runs inputs in forked children: aborts, hangs and panics end a child, and are seen.

`python -m fuzz.forkserver BASE`, in tests/, imports what the targets need once, then answers
requests, a JSON line each on stdin: {"target", "seed", "seconds"}. A reply says what became of the
input: {"outcome", "detail", "seconds"}; an outcome that `outcome.py` doesn't name is a finding.
`python -m fuzz.forkserver BASE TARGET SEED` runs one input in this process, to look into a finding.
"""

import faulthandler
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

MEMORY = 3 << 30
"""Bytes that a child may ask for beside what the server has."""

INPUTS = 50
"""Of one child, if it lives: a fork with PyTorch in it takes longer than most inputs."""

DETAIL = 4000
"""Characters of a finding that are told."""


def serve(base: Path) -> None:
    """Answers requests until stdin ends."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    from fuzz import targets

    targets.import_all()
    child = None
    for line in sys.stdin:
        request = json.loads(line)
        if child is None:
            child = Child(base)
        began = time.monotonic()
        reply = child.run(**request)
        reply["seconds"] = round(time.monotonic() - began, 3)
        if child.dead or child.inputs == INPUTS:
            child.end()
            child = None
        replies.write(json.dumps(reply) + "\n")
        replies.flush()
    if child is not None:
        child.end()


class Child:
    """A forked process that runs inputs, one after another, each in a folder of its own."""

    def __init__(self, base: Path) -> None:
        self.inputs, self.dead = 0, False
        self._folder = Path(tempfile.mkdtemp(prefix="tinybert-fuzz-"))
        self._said = self._folder / "said"
        requests, self._requests = os.pipe()
        self._replies, replies = os.pipe()
        self._id = os.fork()
        if self._id == 0:
            os.close(self._requests)
            os.close(self._replies)
            _be_child(base, self._said, requests, replies)
        os.close(requests)
        os.close(replies)

    def run(self, target: str, seed: int, seconds: float) -> dict[str, Any]:
        """What became of an input."""
        self.inputs += 1
        work = self._folder / str(self.inputs)
        work.mkdir()
        os.write(self._requests, f"{json.dumps([str(work), target, seed])}\n".encode())
        reply = self._read(seconds)
        shutil.rmtree(work, ignore_errors=True)
        if reply:
            return json.loads(reply)
        self.dead = True
        if reply is None:
            os.kill(self._id, signal.SIGABRT)  # its last words are where it was
        _, status = os.waitpid(self._id, 0)
        name = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else status
        said = self._said.read_text(encoding="utf-8", errors="replace")
        outcome = "hang" if reply is None else f"died {name}"
        return {"outcome": outcome, "detail": said[-DETAIL:]}

    def end(self) -> None:
        """Ends the process and removes its folder."""
        os.close(self._requests)
        os.close(self._replies)
        try:
            os.kill(self._id, signal.SIGKILL)
            os.waitpid(self._id, 0)
        except (ProcessLookupError, ChildProcessError):  # it died, and was waited for
            pass
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self, seconds: float) -> bytes | None:
        """A line of the child; None where it takes longer, b"" where the child is dead."""
        words, end = b"", time.monotonic() + seconds
        while not words.endswith(b"\n"):
            left = max(0, end - time.monotonic())
            if not select.select([self._replies], [], [], left)[0]:
                return None
            if not (part := os.read(self._replies, 1 << 16)):
                return b""
            words += part
        return words


def _be_child(base: Path, said: Path, requests: int, replies: int) -> None:
    """Answers the server until it has no more requests, and ends the process."""
    words = os.open(said, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(words, 1)
    os.dup2(words, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    faulthandler.enable()
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with os.fdopen(requests, encoding="utf-8") as lines:
        for line in lines:
            work, target, seed = json.loads(line)
            os.chdir(work)
            reply = f"{json.dumps(outcome(base, Path(work), target, seed))}\n".encode()
            while reply:
                reply = reply[os.write(replies, reply) :]
    os._exit(0)


def outcome(base: Path, work: Path, target: str, seed: int) -> dict[str, str]:
    """What became of an input, in this process."""
    from fuzz import targets

    try:
        return targets.run(base, work, target, seed)
    except BaseException as error:  # a panic of Rust is no Exception
        found = "".join(traceback.format_exception(error, limit=-8))
        return {"outcome": f"traceback {type(error).__name__}", "detail": found[-DETAIL:]}


def main() -> None:
    """Serves, or runs one input."""
    base, *one = sys.argv[1:]
    if not one:
        return serve(Path(base))
    work = Path(tempfile.mkdtemp(prefix="tinybert-fuzz-"))
    os.chdir(work)
    reply = outcome(Path(base), work, one[0], int(one[1]))
    sys.stdout.write(f"{reply['outcome']}: {reply['detail']}\n{work}\n")
    return None


if __name__ == "__main__":
    main()
