"""Checksums of what a run keeps for the next one, as a name alone proves nothing."""

from pathlib import Path

from tinybert.base.errors import InputError
from tinybert.base.files import LEFT_BY_SYSTEMS, hash_path, write_json
from tinybert.runtime.config import read_object

SEAL = "checksums.json"


def seal(folder: Path, leave_out: tuple[str, ...] = ()) -> None:
    """Notes the checksums of all files in a folder.

    Args:
        folder: The folder.
        leave_out: Names of files and folders in it that may change later.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "a").write_text("whole")
        >>> seal(folder)
        >>> is_whole(folder)
        True
        >>> _ = (folder / "a").write_text("torn")
        >>> is_whole(folder)
        False
    """
    sums = {name: hash_path(folder / name) for name in _names(folder, leave_out)}
    write_json(folder / SEAL, sums)


def is_whole(folder: Path, leave_out: tuple[str, ...] = ()) -> bool:
    """Whether a folder was sealed, and has just what was in it then, as it was.

    Args:
        folder: The folder.
        leave_out: As of `seal`.
    """
    try:
        sums = read_object(folder / SEAL)
        if not sums or set(sums) != _names(folder, leave_out):
            return False
        return all(hash_path(folder / name) == sums[name] for name in sums)
    except (OSError, InputError):
        return False


def _names(folder: Path, leave_out: tuple[str, ...]) -> set[str]:
    """The files in a folder; a pipe or a device counts as one that no seal has."""
    apart = (SEAL, *leave_out)
    return {
        path.relative_to(folder).as_posix() if path.is_file() else ""
        for path in folder.rglob("*")
        if not path.is_dir()
        and path.relative_to(folder).parts[0] not in apart
        and path.name not in LEFT_BY_SYSTEMS
    }
