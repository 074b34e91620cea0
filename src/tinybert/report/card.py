"""README.md of an output folder: the model card."""

from collections.abc import Mapping
from typing import Any

import yaml

from tinybert.measure.table import grid
from tinybert.recipe.recipe import Recipe
from tinybert.report.data import data_lines
from tinybert.report.names import is_hub_model, shown_name
from tinybert.report.table import report_caption, report_notes, report_rows
from tinybert.tasks.registry import NAMED


def model_card(report: Mapping[str, Any], recipe: Recipe) -> str:
    """What the model is, what it cost, how to run it, as Markdown with the hub's header."""
    task, best = report["task"], report["best"]
    header = {"library_name": "tinybert", "pipeline_tag": NAMED[task["kind"]].pipeline_tag}
    if is_hub_model(recipe.teacher):
        header["base_model"] = recipe.teacher
    notes = "\n".join(f"- {note}" for note in report_notes(report))
    rows = "\n".join(f"- {line}" for line in data_lines(report.get("data")))
    data = f"## Data\n\n{rows}\n\n" if rows else ""
    return f"""---
{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---

# {shown_name(recipe.teacher)}, compressed

Made by tinybert with `recipe.yaml`, for {task["kind"]}.
`{best}` is the best artifact; `report.json` has every figure below and more.

```
{grid(report_rows(report))}
{report_caption(report)}
```

{notes}

{data}## Use

```python
import tinybert

model = tinybert.load(".")  # this folder; needs neither PyTorch nor Transformers
model(["a text", "another"])
```

`student/` is the same model in PyTorch: `tinybert.load_student(".")`. Stock `transformers` opens it
too, unless `config.json` has a `tinybert_shape`: layers of different sizes, of low rank, or that
compute some tokens only.
"""
