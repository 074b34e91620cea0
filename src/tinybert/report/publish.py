"""Which files an output folder has, and putting them there."""

import json
from pathlib import Path
from typing import Any

from tinybert.formats.export import SETTINGS
from tinybert.formats.registry import FORMATS
from tinybert.output.publication import files_below, publish_files
from tinybert.recipe.recipe import Recipe
from tinybert.report.card import model_card
from tinybert.report.page import report_page

RECIPE, REPORT = "recipe.yaml", "report.json"


def publish(
    out: Path, student: Path, artifacts: Path, report: dict[str, Any], recipe: Recipe
) -> None:
    """Copies what was made, unless all of it lies there already, whole.

    Args:
        out: The output folder, marked as ours.
        student: A Hugging Face directory.
        artifacts: A folder that holds what `tinybert.run.export` wrote.
        report: The content of report.json.
        recipe: What was run.

    Raises:
        InputError: A file that no run wrote is in the way.
    """
    publish_files(
        out,
        {
            **files_below(artifacts),
            **files_below(student, "student/"),
            RECIPE: recipe.to_yaml(),
            "README.md": model_card(report, recipe),
            "report.html": report_page(report),
            # Last, for whoever waits for it.
            REPORT: json.dumps(report, indent=2, ensure_ascii=False) + "\n",
        },
    )


def published_names() -> set[str]:
    """The names, below an output folder, of all that `publish` may write: files and folders."""
    folders = {Path(each.path).parts[0] for each in FORMATS.values()}
    return {*folders, *SETTINGS, "student", RECIPE, "README.md", "report.html", REPORT}
