"""Where a model in an output folder of `compress` came from."""

from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError
from tinybert.runtime.config import read_object


def provenance(path: Path) -> dict[str, Any] | None:
    """What report.json says about the run that made a model.

    Args:
        path: The model's file or folder, at most two levels below the output folder.

    Returns:
        "folder"; "teacher" and "steps" of the recipe; "best" and "ratios" of the report. None
        where no run made the model.

    Raises:
        InputError: report.json is broken.
    """
    path = path.resolve()
    for folder in (path, *path.parents[:2]):
        report = read_object(folder / "report.json") if (folder / "report.json").exists() else {}
        if recipe := report.get("recipe"):
            try:
                return _provenance(folder, report, recipe)
            except (KeyError, TypeError, AttributeError):
                raise InputError(f"{folder / 'report.json'}: is damaged; compress again") from None
    return None


def _provenance(folder: Path, report: dict[str, Any], recipe: dict[str, Any]) -> dict[str, Any]:
    if [name for step in recipe["steps"] for name in step if not isinstance(name, str)]:
        raise TypeError
    return {
        "folder": str(folder),
        "teacher": recipe["teacher"],
        "steps": recipe["steps"],
        "best": report["best"],
        "ratios": dict(report["ratios"]),
    }
