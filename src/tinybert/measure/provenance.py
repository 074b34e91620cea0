"""Where a model in an output folder of `compress` came from."""

from pathlib import Path
from typing import Any

from tinybert.errors import InputError
from tinybert.runtime.config import read_object


def provenance(path: Path) -> dict[str, Any] | None:
    """What report.json and recipe.yaml say about the run that made a model.

    Args:
        path: The model's file or folder, at most two levels below the output folder.

    Returns:
        "folder"; "teacher" and "steps" of the recipe, None on the plain install, which can't
        read YAML; "best" and "ratios" of the report. None where no run made the model.

    Raises:
        InputError: One of the two files is broken.
    """
    path = path.resolve()
    for folder in (path, *path.parents[:2]):
        if (folder / "report.json").is_file() and (folder / "recipe.yaml").is_file():
            report = read_object(folder / "report.json")
            recipe = _read_recipe(folder / "recipe.yaml")
            return {
                "folder": str(folder),
                "teacher": recipe.get("teacher"),
                "steps": recipe.get("steps"),
                "best": report.get("best"),
                "ratios": report.get("ratios"),
            }
    return None


def _read_recipe(path: Path) -> dict[str, Any]:
    try:
        import yaml
    except ModuleNotFoundError:  # no reason to refuse: the model's own facts are all there
        return {}
    try:
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not readable as YAML ({reason})") from None
    return recipe if isinstance(recipe, dict) else {}
