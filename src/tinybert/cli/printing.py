"""What several commands print."""

import argparse
import json
from typing import Any


def print_json(value: Any) -> None:
    """Prints one JSON document."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False))


def counted(number: int, thing: str) -> str:
    """A number of things.

    Example:
        >>> counted(1, "row"), counted(2, "row")
        ('1 row', '2 rows')
    """
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def print_result(result: Any, options: argparse.Namespace) -> None:
    """Prints what a run came to, as a table or as its report."""
    if options.json:
        print_json(result.report)
        return
    from tinybert.report.table import report_table

    print(report_table(result.report))
    print(f'\nimport tinybert; model = tinybert.load("{result.out}")')
