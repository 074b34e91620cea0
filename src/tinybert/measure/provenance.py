"""Where a model in an output folder of `compress` came from, and what it was seen to keep."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError
from tinybert.measure.compare import SHARE
from tinybert.runtime.config import read_object


def provenance(path: Path) -> dict[str, Any] | None:
    """What report.json says about the run that made a model.

    Args:
        path: The model's file or folder, at most two levels below the output folder.

    Returns:
        "folder"; "teacher" and "steps" of the recipe; "best" of the report; "file", the artifact
        that `path` is, else the best; its "ratios" to the teacher, as in the report; "metric", that
        these are of, and "kept", the report's verdict on whether the file keeps 98% of its
        teacher's, both None in reports of older versions. None where no run made the model.

    Raises:
        InputError: report.json is broken.
    """
    path = path.resolve()
    for folder in (path, *path.parents[:2]):
        report = read_object(folder / "report.json") if (folder / "report.json").exists() else {}
        if recipe := report.get("recipe"):
            try:
                return _provenance(folder, report, recipe, path)
            except (KeyError, TypeError, AttributeError):
                raise InputError(f"{folder / 'report.json'}: is damaged; compress again") from None
    return None


def _provenance(
    folder: Path, report: dict[str, Any], recipe: dict[str, Any], path: Path
) -> dict[str, Any]:
    if [name for step in recipe["steps"] for name in step if not isinstance(name, str)]:
        raise TypeError
    files = {each["path"]: each for each in report.get("artifacts", [])}
    name = path.relative_to(folder).as_posix()
    own = files.get(name if name in files else report["best"])
    best = own is None or own["path"] == report["best"]
    return {
        "folder": str(folder),
        "teacher": recipe["teacher"],
        "steps": recipe["steps"],
        "best": report["best"],
        "file": report["best"] if own is None else own["path"],
        "ratios": dict(report["ratios"]) if best or own is None else _ratios(report, own),
        "metric": report.get("task", {}).get("metric"),
        "kept": own["kept"]["of_teacher"]["verdict"] if own and "kept" in own else None,
    }


def _ratios(report: dict[str, Any], file: dict[str, Any]) -> dict[str, float | None]:
    """What the report's ratios would be, were this file the best."""
    compared = file["kept"]["of_teacher"]["eval"] if "kept" in file else {}  # of older versions
    teacher = report["teacher"]
    kept = {name: compared.get(name) for name in ("retention", "retention_low", "retention_high")}
    return kept | {
        "smaller": teacher["bytes"] / file["bytes"],
        "faster": file.get("faster"),
        "faster_than_onnx": file.get("faster_than_onnx"),
        "less_memory": teacher["peak_memory_mb"] / file["peak_memory_mb"],
    }


def kept_words(origin: Mapping[str, Any]) -> str | None:
    """What the best file keeps of its teacher's metric; None where the report does not say.

    Args:
        origin: What `provenance` returned.

    Example:
        >>> ratios = {"retention": 0.9934, "retention_low": 0.979, "retention_high": 1.007}
        >>> kept_words({"ratios": ratios, "metric": "accuracy", "kept": "not proven"})
        "keeps 99.3% of its teacher's accuracy (97.9 to 100.7%; 98% not proven)"
    """
    ratios = origin["ratios"]
    if ratios.get("retention") is None:
        return None
    low, high = (ratios.get(f"retention_{end}") for end in ("low", "high"))
    doubts = [] if low is None or high is None else [f"{100 * low:.1f} to {100 * high:.1f}%"]
    if origin["kept"] is not None:
        doubts.append(f"{SHARE} {origin['kept']}")
    told = f" ({'; '.join(doubts)})" if doubts else ""
    metric = origin["metric"] or "metric"
    return f"keeps {100 * ratios['retention']:.1f}% of its teacher's {metric}{told}"
