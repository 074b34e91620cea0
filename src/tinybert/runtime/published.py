"""The files of a model as one run published them, whatever another does meanwhile.

Readers take the manifest first, check what they read against it, and look at it once more when they
have all of it, so that no answer comes of files of two runs.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tinybert.base.errors import InputError
from tinybert.base.files import hash_path
from tinybert.runtime.config import folders_of, parse_object, read_file
from tinybert.runtime.manifest import MANIFEST, MARK, OLD_MANIFEST, Manifest

T = TypeVar("T")

_STEPS = "steps"
"""Where a run keeps what each step left, sealed by itself; all else is not to be trusted where the
manifest is missing."""


class PublishedFiles:
    """The files of a model, checked against the manifest that was there when it was opened.

    Args:
        folder: With the manifest, if there is one.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "config.json").write_text("{}")
        >>> PublishedFiles(folder).read_object(folder / "config.json")  # none: nothing is checked
        {}
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manifest = Manifest.read(folder)
        self._kept: dict[Path, bytes] = {}

    @classmethod
    def around(cls, path: Path) -> "PublishedFiles":
        """The files of the folder that a model lies in: `path` itself, or up to two above it."""
        if path.is_dir():
            here = path.absolute()
            folders = (here, *folders_of(here)[:1])
        else:
            folders = folders_of(path)
        for folder in folders:
            # Older versions left no mark: what they wrote lies with their config.json.
            old = (folder / OLD_MANIFEST).is_file() and (folder / "config.json").is_file()
            if old or any((folder / name).is_file() for name in (MANIFEST, MARK)):
                published = cls(folder)
                if published._manifest is not None:
                    return published
        return cls(folders[0])

    @property
    def are_listed(self) -> bool:
        """Whether a manifest lists every file that decides an answer; older ones don't."""
        return self._manifest is not None and bool(self._manifest.edition)

    def has(self, path: Path) -> bool:
        """Whether a file is there, and no stranger among listed ones."""
        if not path.is_file() or not self.are_listed or self._manifest is None:
            return path.is_file()
        return self._name(path) in {**self._manifest.files, **self._manifest.made}

    def keep(self, path: Path) -> None:
        """Reads a listed file that is wanted later, when it may have been replaced."""
        if self.are_listed and self.has(path):
            self._kept[path] = self.read(path)

    def require_finished(self) -> None:
        """Refuses a folder that has not all files of one run.

        Raises:
            InputError: It has not.
        """
        if self._manifest is not None and not self._manifest.finished:
            raise InputError(
                f"{self.folder}: an unfinished run; run tinybert compress again to finish it, or "
                "wait for the run that is at work there"
            )

    def check(self, path: Path) -> None:
        """Checks a file; one that the manifest doesn't list passes.

        Raises:
            InputError: It is not what was published.
        """
        if (expected := self._expected(path)) is not None and hash_path(path) != expected:
            raise self._damaged(path)

    def check_all(self, folder: Path) -> None:
        """Checks every listed file that lies in `folder` itself.

        Raises:
            InputError: One is missing, or not what was published.
        """
        self._expected(folder / "config.json")
        for name in self._manifest.files if self._manifest else ():
            path = self.folder / name
            if path.parent == folder.absolute():
                self._expected(path)
                if not path.is_file():
                    raise self._damaged(path)
                self.check(path)

    def read(self, path: Path) -> bytes:
        """The bytes of a file, checked likewise.

        Raises:
            InputError: It is missing, or not what was published.
        """
        if path in self._kept:
            return self._kept[path]
        expected = self._expected(path)
        content = read_file(path)
        if expected is not None and hashlib.sha256(content).hexdigest() != expected:
            raise self._damaged(path)
        return content

    def read_object(self, path: Path) -> dict[str, Any]:
        """A JSON file that holds one object, checked likewise.

        Raises:
            InputError: It is missing, not what was published, or holds something else.
        """
        return parse_object(self.read(path), path)

    def were_replaced(self) -> bool:
        """Whether the manifest is no longer the one that was there at first."""
        return Manifest.read(self.folder) != self._manifest

    def _expected(self, path: Path) -> str | None:
        if self._manifest is None:
            return None
        name = self._name(path)
        made = self._manifest.made.get(name)
        if made is not None and made[1] != self._manifest.edition:
            raise InputError(
                f"{path}: was made of files that another run has replaced since; make it anew"
            )
        expected = self._manifest.files.get(name) if made is None else made[0]
        lost = not self._manifest.files and Path(name).parts[0] != _STEPS
        if expected is not None or lost:
            self.require_finished()
        return expected

    def _name(self, path: Path) -> str:
        """Its name below the folder; that of a file elsewhere is no one's."""
        return Path(os.path.relpath(path, self.folder)).as_posix()

    def _damaged(self, path: Path) -> InputError:
        return InputError(
            f"{path}: damaged: its bytes are not those that were exported; copy it anew or run "
            "tinybert compress again (if you changed it on purpose, do so in a copy that has no "
            f"{MARK} and no {MANIFEST})"
        )


def read_settled(path: Path, read: Callable[[PublishedFiles], T]) -> T:
    """Reads a model, once more where another run published anew meanwhile.

    Args:
        path: The model.
        read: Reads it, with the files as they were published before it began.

    Raises:
        InputError: The files were replaced again, or `read` raised it.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "config.json").write_text('{"a": 1}')
        >>> read_settled(folder, lambda files: files.read_object(folder / "config.json"))
        {'a': 1}
    """
    for _ in range(2):
        files = PublishedFiles.around(path)
        try:
            value = read(files)
        except Exception:
            # Half of one run and half of another may fail in any way.
            if not files.were_replaced():
                raise
        else:
            if not files.were_replaced():
                return value
    raise InputError(f"{files.folder}: was replaced while it was read; try again")
