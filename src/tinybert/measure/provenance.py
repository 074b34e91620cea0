"""Where a model in an output folder of `compress` came from."""

from pathlib import Path
from typing import Any

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
            return {
                "folder": str(folder),
                "teacher": recipe["teacher"],
                "steps": recipe["steps"],
                "best": report["best"],
                "ratios": report["ratios"],
            }
    return None
