"""Checksums of what a run keeps for the next one, as a name alone proves nothing."""

import json
from pathlib import Path

from tinybert.files import hash_path, write_json

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
    sums = {
        path.relative_to(folder).as_posix(): hash_path(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in (SEAL, *leave_out)
    }
    write_json(folder / SEAL, sums)


def is_whole(folder: Path) -> bool:
    """Whether a folder was sealed, and all that was in it then is there as it was."""
    try:
        sums = json.loads((folder / SEAL).read_text(encoding="utf-8"))
        return bool(sums) and all(hash_path(folder / name) == sums[name] for name in sums)
    except (OSError, ValueError, AttributeError, TypeError):
        return False
