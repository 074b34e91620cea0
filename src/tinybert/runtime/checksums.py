"""Artifacts that are damaged are refused, not run: one flipped bit of a weight changes answers.

The checksums lie in checksums.json, in the folder that has the model's config.json.
"""

from collections.abc import Iterable
from pathlib import Path

from tinybert.errors import InputError
from tinybert.files import hash_path, write_json
from tinybert.runtime.config import read_object

CHECKSUMS = "checksums.json"


def note_checksums(folder: Path, files: Iterable[Path]) -> None:
    """Writes the SHA-256 of files below `folder`, beside those that are noted already."""
    noted = read_object(folder / CHECKSUMS) if (folder / CHECKSUMS).exists() else {}
    sums = {_name(file, folder): hash_path(file) for file in files}
    write_json(folder / CHECKSUMS, noted | sums)


def check_checksum(path: Path, folder: Path) -> None:
    """Checks a file against the checksums in `folder`; one that is not listed there passes.

    Raises:
        InputError: The file is not what it was when its checksum was noted.
    """
    noted = folder / CHECKSUMS
    if not noted.is_file():
        return
    expected = read_object(noted).get(_name(path, folder))
    if expected is not None and hash_path(path) != expected:
        raise InputError(
            f"{path}: damaged: its bytes are not those that were exported; copy it anew or run "
            f"tinybert compress again (if you changed it on purpose, remove it from {noted})"
        )


def _name(file: Path, folder: Path) -> str:
    return file.absolute().relative_to(folder.absolute()).as_posix()
