"""The result that an output folder has already, while another run is at work there."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinybert.output.publication import withdraw
from tinybert.recipe.budget import BudgetConfig
from tinybert.report.promise import is_kept
from tinybert.report.publish import REPORT

logger = logging.getLogger(__name__)


def step_back(out: Path, budget: BudgetConfig | None) -> None:
    """Says that `out` is no longer the finished run that it may have been.

    A result that keeps its budget stands until another takes its place that keeps one too.
    """
    if budget is None or not _keeps_budget(out):
        withdraw(out, REPORT)


def may_replace(out: Path, report: Mapping[str, Any]) -> bool:
    """Whether a result may be put where one lies that keeps its budget: only if it keeps its own.

    Else what was published there stays, and the new files stay below steps/.
    """
    if is_kept(report) or not _keeps_budget(out):
        return True
    logger.warning(
        "%s: what is there stays, as it keeps its budget and the new result does not", out
    )
    return False


def _keeps_budget(out: Path) -> bool:
    try:
        before = json.loads((out / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(before, dict) and _has_verdict(before) and is_kept(before)


def _has_verdict(report: dict[str, Any]) -> bool:
    budget = report.get("budget")
    return isinstance(budget, dict) and "kept" in budget
