"""Puts the results of a run where users look for them."""

import json
import shutil
from pathlib import Path
from typing import Any

from tinybert.export.targets import TARGETS
from tinybert.files import atomic_path, hash_path, remove, write_json, write_text
from tinybert.recipe import Recipe
from tinybert.report.card import model_card
from tinybert.report.page import report_page


def publish(
    out: Path, student: Path, artifacts: Path, report: dict[str, Any], recipe: Recipe
) -> None:
    """Copies what was made, unless all of it lies there already, whole.

    Args:
        out: The output folder. Its report.json is written last and says that all is there.
        student: A Hugging Face directory.
        artifacts: A folder that holds what `tinybert.export` wrote.
        report: The content of report.json.
        recipe: What was run.
    """
    target = out / "report.json"
    parts = {"student": student} | {item.name: item for item in sorted(artifacts.iterdir())}
    if _read(target) == report and all(_same(part, out / name) for name, part in parts.items()):
        return
    remove(target)
    write_text(out / "recipe.yaml", recipe.to_yaml())
    for name in set(TARGETS) - set(recipe.export):  # left by another recipe
        remove((out / TARGETS[name].path).parent)
    for name, part in parts.items():
        with atomic_path(out / name) as temporary:
            (shutil.copytree if part.is_dir() else shutil.copy)(part, temporary)
    write_text(out / "README.md", model_card(report, recipe))
    write_text(out / "report.html", report_page(report))
    write_json(target, report)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _same(source: Path, target: Path) -> bool:
    return target.exists() and hash_path(source) == hash_path(target)
