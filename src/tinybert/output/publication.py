"""Finished files are put where users look for them, so that nobody meets half of them.

All of them are copied beside their places first: a disk that is full leaves what was there. Then
the manifest is marked unfinished, the copies take their places, and the new manifest is the switch.
"""

import hashlib
import logging
import os
import shutil
import uuid
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from tinybert.base.errors import InputError
from tinybert.base.files import LEFT_BY_SYSTEMS, hash_path, remove, sync, sync_names
from tinybert.formats.registry import USUAL_ARTIFACTS
from tinybert.output.claim import STAGING, replaceable
from tinybert.runtime.manifest import MANIFEST, MARK, Manifest, has_report

logger = logging.getLogger(__name__)


def publish_files(out: Path, files: Mapping[str, Path | str]) -> None:
    """Makes a folder hold these files and no others of an earlier publication.

    Files that were not published there stay as they are. To be called by one process at a time.

    Args:
        out: The output folder, marked as ours.
        files: By name below `out`: a file to copy, or a text.

    Raises:
        InputError: A file that was not published there is in the way.

    Example:
        >>> import tempfile
        >>> out = Path(tempfile.mkdtemp())
        >>> publish_files(out, {"a/b.txt": "text"})
        >>> (out / "a/b.txt").read_text(), Manifest.read(out).finished
        ('text', True)
    """
    staging = out / STAGING
    remove(staging)  # what a run that was killed left there
    before = replaceable(out)
    sums = {name: _hash(content) for name, content in files.items()}
    stale = [name for name in sums if not _holds(out / name, sums[name])]
    gone = before - set(sums)
    for name in (*stale, *gone):
        _check_place(out, name, before)
    for name in set(USUAL_ARTIFACTS) - set(sums) - before:
        # It would be found there, and get the labels of these files.
        _check_place(out, name, before)
    manifest = Manifest.read(out)
    finished = manifest is not None and manifest.finished
    if manifest is not None and finished and dict(manifest.files) == sums and not stale:
        return
    gone = {name for name in gone if not _is_changed(out, name, manifest)}
    try:
        for name in stale:
            if name in before and _is_changed(out, name, manifest):
                logger.warning("%s was changed since it was published: replacing it", out / name)
            _copy(files[name], staging / name)
        if stale:
            sync(staging)
        begin_publishing(out, sums)
        for name in stale:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(staging / name, out / name)
        for name in gone:
            remove(out / name)
        for folder in {(out / name).parent for name in (*stale, *gone)} - {out}:
            _settle(folder)
        sync_names(out)
        made = {} if manifest is None else manifest.made
        made = {name: each for name, each in made.items() if name not in before | set(sums)}
        Manifest(finished=True, files=sums, edition=uuid.uuid4().hex, made=made).write(out)
    finally:
        remove(staging)


def check_places(out: Path, names: Iterable[str]) -> None:
    """Refuses at once what `publish_files` would refuse at the end of a run.

    A folder that lost its manifest is left to the end: what lies there may be what will be written.

    Args:
        out: The output folder; it need not be there.
        names: What is sure to be published, below `out`.

    Raises:
        InputError: A file that was not published there is in the way.
    """
    if has_report(out) and (out / MARK).exists() and not (out / MANIFEST).exists():
        return
    before = replaceable(out)
    for name in sorted({*names, *USUAL_ARTIFACTS}):
        _check_place(out, name, before)


def begin_publishing(out: Path, names: Iterable[str] = ()) -> None:
    """Says that `out` has no longer, or not yet, the files of one run.

    Args:
        out: The output folder.
        names: What may be replaced or added, besides all that was published before.
    """
    listed = {*replaceable(out), *names}
    manifest = Manifest.read(out)
    made = {} if manifest is None else manifest.made
    Manifest(False, dict.fromkeys(listed, ""), uuid.uuid4().hex, made).write(out)


def withdraw(out: Path, report: str) -> None:
    """Says that `out` is no longer the finished run that it may have been.

    Args:
        out: The output folder.
        report: The name of the file that others wait for; it is removed.
    """
    manifest = Manifest.read(out)
    if manifest is None or manifest.finished or not (out / MANIFEST).exists():
        begin_publishing(out)
    if report in replaceable(out) and (out / report).is_file():
        remove(out / report)


def files_below(folder: Path, prefix: str = "") -> dict[str, Path | str]:
    """All files of a folder by their names in it, each behind `prefix`."""
    found = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.name not in LEFT_BY_SYSTEMS
    )
    return {f"{prefix}{path.relative_to(folder).as_posix()}": path for path in found}


def _check_place(out: Path, name: str, before: Container[str]) -> None:
    path = out / name
    for folder in path.relative_to(out).parents:
        above = out / folder
        # What is behind a link is not in this folder.
        if folder != Path() and (above.is_symlink() or (above.exists() and not above.is_dir())):
            raise InputError(f"{above}: is in the way: it is no plain folder; move it elsewhere")
    taken = path.is_symlink() or path.exists()
    if path.is_dir() or (taken and name not in before):
        raise InputError(
            f"{path}: is in the way: it is not what an earlier run wrote here; move it elsewhere "
            "and run the same command again"
        )


def _copy(content: Path | str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        target.write_bytes(content.encode())
    else:
        shutil.copyfile(content, target)


def _hash(content: Path | str) -> str:
    if isinstance(content, str):
        return hashlib.sha256(content.encode()).hexdigest()
    return hash_path(content)


def _holds(path: Path, expected: str) -> bool:
    return path.is_file() and not path.is_symlink() and hash_path(path) == expected


def _is_changed(out: Path, name: str, manifest: Manifest | None) -> bool:
    """Whether someone wrote into a file since it was published, as far as that can be told.

    An artifact is not looked at: what is left of one would be loaded.
    """
    expected = "" if manifest is None else manifest.files.get(name, "")
    if not expected or name in USUAL_ARTIFACTS or not (out / name).is_file():
        return False
    return hash_path(out / name) != expected


def _settle(folder: Path) -> None:
    """Removes a folder that is empty now; the names in another are on the disk afterwards."""
    try:
        folder.rmdir()
    except OSError:  # it isn't empty, or was never made
        if folder.is_dir():
            sync_names(folder)
