"""Whose a folder is: nothing that we did not write is removed or overwritten.

An output folder is marked before anything else is written into it. What a run may replace there is
what the manifest of the run before lists; a folder without the mark has to be empty.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tinybert.base.errors import InputError
from tinybert.base.files import LEFT_BY_SYSTEMS, hash_path, write_text
from tinybert.formats.registry import USUAL_ARTIFACTS
from tinybert.runtime.manifest import MANIFEST, MARK, OLD_MANIFEST, Manifest, has_report, old_sums

STEPS, SEARCH = "steps", "search"
LOCK = ".lock"
STAGING = ".publish.partial"

STEP_FOLDER = re.compile(r"\.?\d{2,3}-[a-z-]+-[0-9a-f]{12}(\.unfinished)?")
"""The names of folders in steps/, which are never anyone's own."""

_OUR_FILES = {MARK, f".{MARK}.partial", STAGING, f".{MANIFEST}.partial"}

_HARMLESS = {*LEFT_BY_SYSTEMS, ".gitignore", ".gitkeep", "lost+found"}
"""What file systems and version control put into a folder that is empty to its user."""

_OLD_FILES = {
    "": (
        *("README.md", "recipe.yaml", "report.html", "report.json", OLD_MANIFEST, "config.json"),
        *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"),
    ),
    "student": (
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
        *("special_tokens_map.json", "vocab.txt", "merges.txt", "vocab.json"),
    ),
    "onnx": ("model.onnx", "model_quantized.onnx"),
    "openvino": tuple(
        f"model{precision}{suffix}"
        for precision in ("", "_quantized")
        for suffix in (".xml", ".bin")
    ),
}
"""What versions wrote that left neither a mark nor a manifest."""


def named_folder(out: str | Path) -> Path:
    """The folder that a user names; the current one only where it is called ".".

    Raises:
        InputError: The name is empty, as that of a variable that was not set.
    """
    if not str(out):
        raise InputError('--out "": name a folder; the current one is "."')
    try:
        str(out).encode()
    except UnicodeEncodeError:
        raise InputError(f"{str(out)!a}: no valid Unicode; give another folder by --out") from None
    return Path(out)


def check_claim(out: Path, maker: str) -> None:
    """Refuses a folder that is not ours to write into.

    Args:
        out: The output folder; it need not be there.
        maker: The command that writes there, "compress" or "export".

    Raises:
        InputError: It has files that another program or another command wrote, or is a file.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(f"{out}: is a file; name a folder by --out")
    if (out / MARK).exists():
        made = _maker(out)
        if made is not None and made != maker:
            raise InputError(f"{out}: holds what `{made}` made; give another folder by --out")
        return
    if _is_old(out):
        if maker != "compress":
            raise InputError(f"{out}: holds what `compress` made; give another folder by --out")
        # A claim that was killed before it left its mark has written ours.
        manifest = Manifest.read(out)
        if (out / MANIFEST).exists() and not (manifest and manifest.edition):
            raise InputError(f"{out / MANIFEST}: is in the way: no run wrote it; move it elsewhere")
        return
    for name in sorted(os.listdir(out)):
        ours = name in _OUR_FILES | _HARMLESS or (name == LOCK and _is_lock(out / name))
        if ours or (name == STEPS and _has_steps_only(out / name)):
            continue
        raise InputError(
            f"{out}: is not empty and not an output folder of tinybert: {name!r} is there; give "
            "another folder by --out"
        )


def claim(out: Path, maker: str) -> None:
    """Marks a folder as ours; to be called when no other run can be at work there.

    Args:
        out: The folder, which is there.
        maker: The command that writes there, "compress" or "export".

    Raises:
        InputError: As of `check_claim`.
    """
    check_claim(out, maker)
    if _is_old(out):
        names = _old_names(out)
        sums = {name: hash_path(out / name) for name in names}
        Manifest(finished=True, files=sums, edition=OLD_MANIFEST).write(out)
    if not (out / MARK).exists():
        write_text(out / MARK, f"{maker}\n")


def replaceable(out: Path) -> set[str]:
    """The names, below `out`, of files that an earlier run published there.

    Raises:
        InputError: The manifest is damaged.
    """
    if _is_old(out):
        return _old_names(out)
    manifest = Manifest.read(out)
    if manifest is None:
        return set()
    # What was made of published files is its user's, unless it has the name of one of ours.
    return set(manifest.files) | set(USUAL_ARTIFACTS) & set(manifest.made)


def is_published(out: Path, path: Path) -> bool:
    """Whether a file is as an earlier run published it in `out`, so that it can be made again."""
    manifest = Manifest.read(out)
    if manifest is None or not path.resolve().is_relative_to(out.resolve()):
        return False
    name = path.resolve().relative_to(out.resolve()).as_posix()
    return manifest.files.get(name) == hash_path(path)


def check_apart(out: Path, used: Iterable[tuple[str, Path]], published: Iterable[str]) -> None:
    """Refuses a run that would write over what it reads.

    Args:
        out: The output folder.
        used: What each file or folder that is read is called in the recipe, and where it is.
        published: The names of all that may be written below `out`, besides steps/.

    Raises:
        InputError: `out` is one of them, or has one where the run writes.
    """
    ours = {STEPS, SEARCH, LOCK, STAGING, MARK, MANIFEST, *published, *replaceable(out)}
    root = out.resolve()
    # What a link of ours leads to is written to as well: steps/ may be on another disk.
    links = [(out / name).resolve() for name in ours if (out / name).is_symlink()]
    for called, path in used:
        for place in _places(path):
            if place == root or _same_file(place, out):
                raise InputError(
                    f"{called}: {path} is the output folder itself; give another by --out"
                )
            behind = any(place.is_relative_to(link) for link in links)
            if not behind and not place.is_relative_to(root):
                continue
            name = Path() if behind else place.relative_to(root)
            inside = {name.as_posix(), *(each.as_posix() for each in name.parents)}
            holds = any(Path(each).is_relative_to(name) for each in ours)
            if behind or inside & ours or holds:
                raise InputError(
                    f"{called}: {path} is in {out}, where this run writes; copy it elsewhere, or "
                    "give another folder by --out"
                )


def _places(path: Path) -> Iterator[Path]:
    """Where a path leads, and the folder that it seems to be in: a link there may be replaced."""
    yield path.resolve()
    yield path.parent.resolve() / path.name
    yield Path(os.path.abspath(path))


def _same_file(path: Path, out: Path) -> bool:
    """Also on file systems where names that differ in case are one."""
    try:
        return path.samefile(out)
    except OSError:
        return False


def _maker(out: Path) -> str | None:
    try:
        made = (out / MARK).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        return None
    return made if made in ("compress", "export") else None


def _is_old(out: Path) -> bool:
    """Whether a version that left no mark finished a run here."""
    return not (out / MARK).exists() and has_report(out) and old_sums(out) is not None


def _old_names(out: Path) -> set[str]:
    """The files that such a version wrote, as far as they are there."""
    known = {
        f"{folder}/{name}" if folder else name
        for folder, names in _OLD_FILES.items()
        for name in names
    }
    known |= set(old_sums(out) or ())
    return {name for name in known if (out / name).is_file()}


def _is_lock(path: Path) -> bool:
    """Whether a lock file is one of a run: empty, or with the number of its process."""
    try:
        content = path.read_bytes() if path.is_file() and path.stat().st_size <= 20 else b"?"
    except OSError:
        return False
    return not content.strip() or content.strip().isdigit()


def _has_steps_only(folder: Path) -> bool:
    """Whether all in it was made by runs; it is there where an old version was interrupted."""
    return folder.is_dir() and all(
        STEP_FOLDER.fullmatch(name) or name in _HARMLESS for name in os.listdir(folder)
    )
