"""How fast a device runs the building blocks of small models, for a search on another machine."""

import json
import logging
import os
import platform
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tinybert.base.errors import InputError
from tinybert.base.files import write_json
from tinybert.base.progress import Progress, ProgressCallback, silent
from tinybert.measure.bench import ModelBench, bench, is_busy, undisturbed
from tinybert.measure.machine import instruction_sets, visible_cores

logger = logging.getLogger(__name__)

BLOCKS = "blocks.zip"
"""The models that are timed, made by benchmarks/profile_blocks.py. All weights of a type are the
same few numbers again and again, so that the file is small; that makes them no faster."""

RUNTIME = "onnx"
"""The format of these models."""

LONGEST = 512
"""Tokens that these models take at most."""

REPEATS = 20
"""Runs of each; those of a kind are interleaved with those of the reference."""

SCHEMA = 1


def profile(
    *,
    length: int = 128,
    batch: int = 1,
    threads: int | None = None,
    progress: ProgressCallback = silent,
) -> dict[str, Any]:
    """Times small models of random weights on this machine; about a minute.

    Args:
        length: Tokens of a row.
        batch: Rows.
        threads: CPU threads; None for every core.
        progress: Called as kinds are timed.

    Returns:
        "schema"; "runtime", what ran them; "machine", with "cores", "simd" and "busy"; "length",
        "batch" and "threads"; "reference_ms", of the first of the fp32 models; "blocks": each
        with its shape, its kind, and "ratio", its time as a multiple of the reference's in the
        same run.

    Raises:
        InputError: An option is out of range.

    Example:
        >>> profile(threads=1)["reference_ms"]  # doctest: +SKIP
        3.1
    """
    if length > LONGEST:
        raise InputError(f"--length {length}: the models take {LONGEST} tokens at most")
    with TemporaryDirectory(prefix="tinybert-profile") as folder:
        with zipfile.ZipFile(Path(__file__).with_name(BLOCKS)) as archive:
            archive.extractall(folder)
        told = json.loads(Path(folder, "blocks.json").read_text(encoding="utf-8"))
        write_json(Path(folder, "config.json"), told["config"])
        blocks: list[dict[str, Any]] = told["blocks"]
        kinds = [*dict.fromkeys(block["kind"] for block in blocks)]
        reference, found = Path(folder, blocks[0]["file"]), []
        references: list[float] = []
        busiest = 0.0
        for number, kind in enumerate(kinds):
            progress(Progress("profile", number, len(kinds)))
            own = [block for block in blocks if block["kind"] == kind]
            result = bench(
                [str(reference), *(str(Path(folder, block["file"])) for block in own)],
                length=length,
                batch=batch,
                threads=threads,
                repeats=REPEATS,
                warns=False,
            )
            first, *models = result.models
            references.append(undisturbed(first))
            busiest = max(result.machine["busy"] or 0.0, busiest)
            found += [_entry(block, model, first) for block, model in zip(own, models, strict=True)]
        progress(Progress("profile", len(kinds), len(kinds)))
    machine = {**result.machine, "busy": busiest}
    if is_busy(machine):
        logger.warning(
            "other processes kept %.0f%% of the CPU busy, so that all times are too long; make the "
            "profile again",
            100 * busiest,
        )
    return {
        "schema": SCHEMA,
        "runtime": RUNTIME,
        "machine": {
            **machine,
            "system": platform.platform(),
            "cores": visible_cores(),
            "simd": instruction_sets(),
        },
        **{"length": length, "batch": batch, "threads": result.threads},
        # Others at work slow the reference as well as the rest: the quietest run is the device's.
        "reference_ms": round(min(references), 4),
        "blocks": found,
    }


def check_out(path: str | Path) -> None:
    """Refuses a place for a profile before anything is measured.

    Raises:
        InputError: No file can be written there.
    """
    path = Path(path)
    folder = path.absolute().parent
    if path.exists() and not path.is_file():
        raise InputError(f"--out {path}: name a file; what is there is none")
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"--out {path}: name a file in a folder that can be written to")


def write_profile(path: str | Path, found: dict[str, Any]) -> None:
    """Writes what `profile` found."""
    write_json(Path(path), found)


def _entry(block: dict[str, Any], model: ModelBench, reference: ModelBench) -> dict[str, Any]:
    shape = {key: value for key, value in block.items() if key != "file"}
    return {**shape, "ratio": round(undisturbed(model) / undisturbed(reference), 4)}
