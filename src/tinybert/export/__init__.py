"""Trained models to files that other runtimes read, one file a target."""

from tinybert.export.parity import Parity, check_parity, self_check
from tinybert.export.targets import TARGETS, Target, check_exportable, export, find_target

__all__ = [
    "TARGETS",
    "Parity",
    "Target",
    "check_exportable",
    "check_parity",
    "export",
    "find_target",
    "self_check",
]
