"""Which files an output folder has, and putting them there."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tinybert.formats.export import SETTINGS
from tinybert.formats.registry import FORMATS
from tinybert.output.publication import files_below, publish_files
from tinybert.recipe.recipe import Recipe
from tinybert.report.card import model_card
from tinybert.report.page import report_page

RECIPE, REPORT = "recipe.yaml", "report.json"
CARD, PAGE = "README.md", "report.html"
_SURE = (
    *(RECIPE, REPORT, CARD, PAGE, "config.json", "tokenizer.json", "tokenizer_config.json"),
    *("student/config.json", "student/model.safetensors", "student/tokenizer.json"),
)
"""What every run publishes, whatever its recipe."""


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
            CARD: model_card(report, recipe),
            PAGE: report_page(report),
            # Last, for whoever waits for it.
            REPORT: json.dumps(report, indent=2, ensure_ascii=False) + "\n",
        },
    )


def published_names() -> set[str]:
    """The names, below an output folder, of all that `publish` may write: files and folders."""
    folders = {Path(each.path).parts[0] for each in FORMATS.values()}
    return {*folders, *SETTINGS, "student", RECIPE, CARD, PAGE, REPORT}


def sure_names(export: Iterable[str]) -> set[str]:
    """The names, below an output folder, of files that `publish` is sure to write.

    Args:
        export: The recipe's targets.

    Example:
        >>> sorted(sure_names(["openvino"]) - sure_names([]))
        ['openvino/model.bin', 'openvino/model.xml']
    """
    found = (FORMATS[name] for name in export if name in FORMATS)  # others are refused elsewhere
    files = {path.as_posix() for each in found for path in each.files(Path(each.path))}
    return {*_SURE, *files}
