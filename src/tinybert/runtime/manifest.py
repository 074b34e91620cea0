"""manifest.json: which files a run has published, and what is in them.

Whoever publishes marks the manifest unfinished, replaces files, and writes the new manifest last:
that is the switch.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError, short
from tinybert.base.files import hash_path, is_plain_name, write_json
from tinybert.runtime.config import read_object

MANIFEST = "manifest.json"
MARK = ".tinybert-run"
"""The file that says whose a folder is; it is written before all others."""

OLD_MANIFEST = "checksums.json"
"""What older versions wrote: checksums of artifacts alone."""

_FORMAT = "tinybert_manifest"
"""The key that tells our manifest.json from that of a web page."""

_SUM = re.compile("[0-9a-f]{64}")
_OLD_NAME = re.compile(r"onnx/[^/]+\.onnx|openvino/[^/]+\.(xml|bin)")


@dataclass(frozen=True)
class Manifest:
    """What manifest.json says.

    Attributes:
        finished: Whether all of `files` are there, of one run.
        files: SHA-256 by name, below the folder. Of an unfinished publication, all names that it
            may have touched.
        edition: Differs between any two publications, also of the same files.
        made: What was made of published files since, beside them: SHA-256 and edition by name.
    """

    finished: bool
    files: Mapping[str, str] = field(default_factory=dict)
    edition: str = ""
    made: Mapping[str, tuple[str, str]] = field(default_factory=dict)

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
                value = {}  # a folder that isn't ours may have any manifest.json
            if _FORMAT in value or marked:
                return cls._parsed(value, path)
        elif marked:
            return cls(finished=False)
        sums = old_sums(folder)
        return None if sums is None else cls(finished=True, files=sums)

    @classmethod
    def _parsed(cls, value: Mapping[str, Any], path: Path) -> "Manifest":
        finished, edition = value.get("finished"), value.get("edition")
        made: Any = value.get("made")
        known = value.get(_FORMAT) == 1 and isinstance(edition, str) and isinstance(made, dict)
        if not known or not isinstance(finished, bool):
            raise InputError(
                f"{path}: damaged, or written by a newer version; run tinybert compress again"
            )
        files: Any = value.get("files")
        for names in (files, made):
            _check_names(names, path)
        pairs = [each for each in made.values() if isinstance(each, list) and len(each) == 2]
        texts = [*files.values(), *(part for pair in pairs for part in pair)]
        if len(pairs) < len(made) or not all(isinstance(each, str) for each in texts):
            raise InputError(f"{path}: damaged: expected names of files and their checksums")
        noted = {name: (each[0], each[1]) for name, each in made.items()}
        return cls(finished, files, str(edition), noted)

    def write(self, folder: Path) -> None:
        """Writes it, whole or not at all."""
        value = {
            _FORMAT: 1,
            "finished": self.finished,
            "edition": self.edition,
            "files": dict(sorted(self.files.items())),
            "made": dict(sorted(self.made.items())),
        }
        write_json(folder / MANIFEST, value)


def old_sums(folder: Path) -> dict[str, str] | None:
    """The checksums.json of an output folder of an older version; None where there is no such.

    Files of this name are common: it counts beside our report.json, or where all that it lists are
    artifacts.

    Raises:
        InputError: Our report.json is beside it, and it is damaged.
    """
    path = folder / OLD_MANIFEST
    if not path.is_file():
        return None
    try:
        sums = read_object(path)
    except InputError:
        if has_report(folder):
            raise
        return None
    ours = all(
        _OLD_NAME.fullmatch(name) and isinstance(each, str) and _SUM.fullmatch(each)
        for name, each in sums.items()
    )
    return sums if ours and (sums or has_report(folder)) else None


def has_report(folder: Path) -> bool:
    """Whether a report.json is there as `compress` writes it."""
    try:
        report = read_object(folder / "report.json")
    except InputError:
        return False
    return isinstance(report.get("schema"), int) and isinstance(report.get("best"), str)


def note_made(folder: Path, files: Iterable[Path]) -> None:
    """Notes what was made of published files, beside them; does nothing without a manifest.

    Args:
        folder: With the manifest. No run may be at work there.
        files: Below it.
    """
    manifest = Manifest.read(folder)
    if manifest is None or not manifest.finished:
        return
    root = folder.absolute()
    sums = {file.absolute().relative_to(root).as_posix(): hash_path(file) for file in files}
    if not (folder / MANIFEST).is_file():
        listed = {name: each for name, each in sums.items() if name in manifest.files}
        write_json(folder / OLD_MANIFEST, {**manifest.files, **listed})
        return
    made = {name: (each, manifest.edition) for name, each in sums.items()}
    others = {name: each for name, each in manifest.files.items() if name not in made}
    replace(manifest, files=others, made={**manifest.made, **made}).write(folder)


def _check_names(names: Any, path: Path) -> None:
    """A manifest may be anyone's, and what it lists may be replaced."""
    if not isinstance(names, dict):
        raise InputError(f"{path}: damaged: expected names of files and their checksums")
    for name in names:
        ours = name in (MARK, MANIFEST, ".lock") or name.startswith("steps/")
        if ours or not is_plain_name(name):
            raise InputError(f"{path}: damaged: {short(name)} is no name of a published file")
