"""report.html of an output folder: report.json for people, in one file that needs no other."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import yaml

from tinybert.report.data import data_lines
from tinybert.report.frontier import frontier_plot
from tinybert.report.names import shown_name, without_folders
from tinybert.report.plot import figures_plot
from tinybert.report.promise import candidate_rows
from tinybert.report.table import report_caption, report_notes, report_rows

STYLE = """
:root { color-scheme: light dark; --mark: #2563eb; --other: #94a3b8; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid #8884; text-align: right; }
th:first-child, td:first-child { text-align: left; }
pre { overflow-x: auto; padding: 1rem; background: #8881; }
svg { width: 100%; font-size: 13px; }
svg text { fill: currentColor; }
svg rect, svg circle { fill: var(--other); }
svg line { stroke: var(--other); stroke-width: 2; }
svg .best rect, svg .best circle { fill: var(--mark); }
svg .best line { stroke: var(--mark); }
svg .frontier circle { fill: none; stroke: var(--mark); stroke-width: 2; }
svg .bound line { stroke-width: 1; stroke-dasharray: 4; }
""".strip()


READ_AGAIN = 10
"""Seconds after which a browser reads the page of a search again."""


def report_page(report: Mapping[str, Any]) -> str:
    """The report as an HTML page; of absolute paths in the recipe it shows the last name.

    Args:
        report: What report.json holds.
    """
    title = f"{shown_name(report['recipe']['teacher'])}, compressed"
    recipe = without_folders(report["recipe"])
    recipe_text = yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)
    machine = [[name, str(value)] for name, value in report["machine"].items()]
    body = f"""<p>For {escape(report["task"]["kind"])}. The best file is
<code>{escape(report["best"])}</code>.</p>
{figures_plot(report)}
{_table(report_rows(report))}
<p>{escape(report_caption(report))}. In brackets: compared with the teacher in PyTorch.</p>
{_paragraphs(report_notes(report))}
{_search(report)}
{_data(report)}
<h2>Steps</h2>
{_table(_steps(report))}
<p>What the model was after each step, in PyTorch.</p>
<h2>Machine</h2>
{_table(machine, heading=False)}
<h2>Recipe</h2>
<pre>{escape(recipe_text)}</pre>"""
    return _whole(title, body)


def search_page(
    search: Mapping[str, Any], asked: Mapping[str, float], best: int, *, ended: bool = False
) -> str:
    """A search as an HTML page, which a browser reads again and again while it goes on.

    Args:
        search: Of what report.json will hold, "trials", "seconds" and "candidates".
        asked: The budget's bounds.
        best: The trial that would be chosen now.
        ended: Whether it is over.
    """
    body = f"""<p>Candidates so far: {search["trials"]}, in {search["seconds"]:,.0f} s. Drop and
distance are those of held-out training rows after a short training. * No other of as much training
beats it (a ring; the best so far is filled, and dashed lines are what was asked).</p>
{frontier_plot(search, asked, best)}
{_table(candidate_rows(search))}"""
    again = f'<meta http-equiv="refresh" content="{READ_AGAIN}">'
    return _whole("The search", body) if ended else _whole("A search at work", body, again)


def _whole(title: str, body: str, head: str = "") -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">{head}
<title>{escape(title)}</title>
<style>
{STYLE}
</style>
</head>
<body>
<h1>{escape(title)}</h1>
{body}
</body>
</html>
"""


def _search(report: Mapping[str, Any]) -> str:
    """The candidates of a search, if one was made."""
    search = report.get("search")
    if search is None:
        return ""
    chosen = ", ".join(
        f"{key} {value}" for setting in search["chosen"].values() for key, value in setting.items()
    )
    return f"""<h2>Search</h2>
<p>{search["trials"]} candidates in {search["seconds"] / 60:,.0f} minutes; drop and distance are
those of held-out training rows after a short training. * No other of as much training beats it
(a ring; the winner is filled, and dashed lines are what was asked).</p>
{frontier_plot(search, report["budget"]["asked"], search["trial"])}
{_table(candidate_rows(search))}
<p>Chosen: {escape(chosen)}; it got {100 * search["share"]:.0f}% of the recipe's epochs.</p>"""


def _data(report: Mapping[str, Any]) -> str:
    """The rows, which reports of older versions say nothing of."""
    lines = data_lines(report.get("data"))
    return f"<h2>Data</h2>\n{_paragraphs(lines)}" if lines else ""


def _paragraphs(texts: Sequence[str]) -> str:
    return "\n".join(f"<p>{escape(text)}</p>" for text in texts)


def _steps(report: Mapping[str, Any]) -> list[list[str]]:
    metric = report["task"]["metric"]
    rows = [["", metric, "parameters", "MB", "seconds"]]
    for step in report["steps"]:
        rows.append(
            [
                step["name"],
                f"{step['metric']:.4f}",
                f"{step['parameters']:,}",
                f"{step['bytes'] / 1e6:,.2f}",
                f"{step['seconds']:,.0f}",
            ]
        )
    return rows


def _table(rows: Sequence[Sequence[str]], heading: bool = True) -> str:
    lines = []
    for number, row in enumerate(rows):
        cell = "th" if heading and number == 0 else "td"
        lines.append("<tr>" + "".join(f"<{cell}>{escape(text)}</{cell}>" for text in row) + "</tr>")
    return "<table>\n" + "\n".join(lines) + "\n</table>"
