"""manifest.json: which files a run has published, and what is in them.

Whoever publishes marks the manifest unfinished, replaces files, and writes the new manifest last:
that is the switch. Readers take the manifest first, check what they read against it, and look at
it once more when they have all of it, so that no answer comes of files of two runs.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

from tinybert.errors import InputError, short
from tinybert.files import hash_path, require_file, write_json
from tinybert.runtime.config import folders_of, parse_object, read_object

T = TypeVar("T")

MANIFEST = "manifest.json"
MARK = ".tinybert-run"
"""The file that says whose a folder is; it is written before all others."""

OLD_MANIFEST = "checksums.json"
"""What older versions wrote: checksums of artifacts alone."""

_FORMAT = "tinybert_manifest"
"""The key that tells our manifest.json from that of a web page."""


@dataclass(frozen=True)
class Manifest:
    """What manifest.json says.

    Attributes:
        finished: Whether all of `files` are there, of one run.
        files: SHA-256 by name, below the folder. Of an unfinished publication, all names that it
            may have touched.
        edition: Differs between any two publications, also of the same files.
    """

    finished: bool
    files: Mapping[str, str] = field(default_factory=dict)
    edition: str = ""

    @classmethod
    def read(cls, folder: Path) -> "Manifest | None":
        """The manifest of a folder; None where it has none, as one that was made elsewhere.

        Raises:
            InputError: There is one, and it is damaged.
        """
        path, marked = folder / MANIFEST, (folder / MARK).exists()
        if path.is_file():
            try:
                value = read_object(path)
            except InputError:
                if marked:
                    raise
                return None  # a folder that isn't ours may have any manifest.json
            if _FORMAT in value or marked:
                return cls._parsed(value, path)
        elif marked:
            return cls(finished=False)
        old = folder / OLD_MANIFEST
        return cls(finished=True, files=_sums(read_object(old), old)) if old.is_file() else None

    @classmethod
    def _parsed(cls, value: Mapping[str, Any], path: Path) -> "Manifest":
        finished, edition = value.get("finished"), value.get("edition")
        if (
            value.get(_FORMAT) != 1
            or not isinstance(finished, bool)
            or not isinstance(edition, str)
        ):
            raise InputError(
                f"{path}: damaged, or written by a newer version; run tinybert compress again"
            )
        return cls(finished, _sums(value.get("files"), path), edition)

    def write(self, folder: Path) -> None:
        """Writes it, whole or not at all."""
        value = {
            _FORMAT: 1,
            "finished": self.finished,
            "edition": self.edition,
            "files": dict(sorted(self.files.items())),
        }
        write_json(folder / MANIFEST, value)


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

    @classmethod
    def around(cls, path: Path) -> "PublishedFiles":
        """Those of the folder that a model lies in: `path` itself, or up to two above it."""
        if path.is_dir():
            here = path.absolute()
            folders = (here, *folders_of(here)[:1])
        else:
            folders = folders_of(path)
        for folder in folders:
            # Older versions left no mark, and a checksums.json may be anyone's.
            old = (folder / OLD_MANIFEST).is_file() and (folder / "config.json").is_file()
            if old or any((folder / name).is_file() for name in (MANIFEST, MARK)):
                published = cls(folder)
                if published._manifest is not None:
                    return published
        return cls(folders[0])

    def may_be_read(self, path: Path) -> bool:
        """Whether a file was published, or there is no manifest that could say so.

        An older manifest lists nothing but what it has checksums of.
        """
        if self._manifest is None or not self._manifest.edition:
            return True
        return self._name(path) in self._manifest.files

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
        for name in self._manifest.files if self._manifest else ():
            path = self.folder / name
            if path.parent == folder.absolute():
                if not path.is_file():
                    self.require_finished()
                    raise self._damaged(path)
                self.check(path)

    def read(self, path: Path) -> bytes:
        """The bytes of a file, checked likewise.

        Raises:
            InputError: It is missing, or not what was published.
        """
        expected = self._expected(path)
        require_file(path)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise InputError(f"{path}: there is no such file, and the model needs it") from None
        except OSError as error:
            raise InputError(f"{path}: not readable ({error.strerror})") from None
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
        expected = self._manifest.files.get(self._name(path))
        if expected is not None:
            self.require_finished()
        return expected

    def _name(self, path: Path) -> str:
        """Its name below the folder; that of a file elsewhere is no one's."""
        return Path(os.path.relpath(path, self.folder)).as_posix()

    def _damaged(self, path: Path) -> InputError:
        return InputError(
            f"{path}: damaged: its bytes are not those that were exported; copy it anew or run "
            "tinybert compress again (if you changed it on purpose, remove it from the manifest "
            f"in {self.folder})"
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


def note_made(folder: Path, files: Iterable[Path]) -> None:
    """Notes what was made of published files, beside them; does nothing without a manifest."""
    manifest = Manifest.read(folder)
    if manifest is None or not manifest.finished:
        return
    root = folder.absolute()
    made = {file.absolute().relative_to(root).as_posix(): hash_path(file) for file in files}
    sums = {**manifest.files, **made}
    if (folder / MANIFEST).is_file():
        Manifest(True, sums, manifest.edition).write(folder)
    else:
        write_json(folder / OLD_MANIFEST, sums)


def _sums(value: Any, path: Path) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise InputError(f"{path}: damaged: expected names of files and their checksums")
    for name in value:
        # A manifest may be anyone's, and what it lists may be replaced.
        parts = PurePosixPath(name).parts
        if not parts or {"..", "/"} & set(parts) or PureWindowsPath(name).drive or "\\" in name:
            raise InputError(
                f"{path}: damaged: {short(name)} is no name of a file below its folder"
            )
    return value
