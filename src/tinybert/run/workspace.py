"""An output folder: one run at a time in it, one content-addressed folder a step."""

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError
from tinybert.base.files import hash_value, remove, sync, sync_names, write_text
from tinybert.base.locks import only_run
from tinybert.modeling.distributed import agree, is_main, wait_for_all
from tinybert.output.claim import STEP_FOLDER
from tinybert.runtime.seal import is_whole, seal

logger = logging.getLogger(__name__)

KEY_LENGTH = 12


def make_folder(out: Path) -> None:
    """Makes an output folder, unless it is there already.

    Raises:
        InputError: There is a file of this name, or nothing may be written there.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: can't be an output folder ({error.strerror})") from None
    if not os.access(out, os.W_OK):
        raise InputError(f"{out}: can't be an output folder (nothing may be written there)")


@contextlib.contextmanager
def exclusive(out: Path) -> Iterator[None]:
    """Keeps a second run out of `out` until the block ends, or the process dies.

    Of several processes of one run the first holds the lock.

    Raises:
        InputError: Another run is at work there, or `out` can't be a folder.
    """
    if not is_main():
        yield
        return
    make_folder(out)
    with only_run(out):
        yield


@dataclass
class StepFolders:
    """The folders of a run's steps, each named by its place, its name and its content's key.

    A step's key covers all that its result depends on: its settings and the key of the step
    before. A folder appears under its name only when the step is done; until then the step works
    in a hidden one, which a next run goes on with. What a disk damaged since is done again.

    Attributes:
        root: OUT/steps.
        key: Of everything done so far; at first of the inputs.
        count: Steps so far.
    """

    root: Path
    key: str
    count: int = 0
    _checked: set[Path] = field(default_factory=set, repr=False)

    def run(
        self, name: str, settings: Any, work: Callable[[Path], None], *, together: bool = False
    ) -> Path:
        """Does a step unless it is done already.

        Args:
            name: Of the step.
            settings: What its result depends on beside the steps before, JSON-able.
            work: Does it, writing into the folder that it is given.
            together: Whether all processes of the run do it, or the first alone.

        Returns:
            The folder with its result.
        """
        self.count += 1
        self.key = hash_value([self.key, name, settings])
        done = self.root / f"{self.count:02d}-{name}-{self.key[:KEY_LENGTH]}"
        if not agree(is_main() and self._is_whole(done)):
            unfinished = done.with_name(f".{done.name}.unfinished")
            unfinished.mkdir(parents=True, exist_ok=True)
            if together or is_main():
                work(unfinished)
            wait_for_all()
            if is_main():
                seal(unfinished)
                sync(unfinished)
                os.replace(unfinished, done)
                sync_names(self.root)
        wait_for_all()
        return done

    def is_done(self, name: str, settings: Any) -> bool:
        """Whether `run` with the same arguments would find its work done."""
        key = hash_value([self.key, name, settings])
        return self._is_whole(self.root / f"{self.count + 1:02d}-{name}-{key[:KEY_LENGTH]}")

    def clear(self) -> None:
        """Forgets every step of every run in this folder; what others put there stays."""
        if is_main() and self.root.is_dir():
            for name in os.listdir(self.root):
                if STEP_FOLDER.fullmatch(name):
                    remove(self.root / name)
            with contextlib.suppress(OSError):  # something else is in it
                self.root.rmdir()
        wait_for_all()

    def _is_whole(self, done: Path) -> bool:
        """Whether a step's result is there as it was written; removes what is not."""
        if done not in self._checked and done.exists():
            if not is_whole(done):
                logger.warning(
                    "%s is damaged, or of a version without checksums: doing it again",
                    done,
                )
                remove(done)
                return False
            self._checked.add(done)
        return done.exists()


class Stopwatch:
    """Seconds of work on a step, those before a kill counted in.

    Args:
        file: Keeps the seconds from one run to the next.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._start = time.monotonic() - _seconds_before(file)
        self._written = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the step began, idle time between runs left out."""
        return time.monotonic() - self._start

    def tick(self) -> None:
        """Notes the time from time to time; call it as often as you like."""
        if time.monotonic() - self._written > 1.0:
            self._written = time.monotonic()
            write_text(self._file, f"{self.seconds:.1f}")


def _seconds_before(file: Path) -> float:
    """0 where the file is not there, or not whole: a figure for people must not stop a run."""
    try:
        return max(0.0, min(float(file.read_text(encoding="utf-8")), 1e9))
    except (OSError, ValueError):
        return 0.0
