"""Writes recipes.md: every key of a recipe and every option of a step, from their classes.

.venv/bin/python docs/recipes.py
"""

import json
import textwrap
from collections.abc import Iterable
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from tinybert.distillation.config import DistillationConfig, DistillConfig
from tinybert.recipe.budget import BudgetConfig
from tinybert.recipe.recipe import DataConfig, RecipeHead
from tinybert.steps.registry import STEPS
from tinybert.training.config import TrainingConfig
from tinybert.training.section import Config

PAGE = Path(__file__).with_suffix(".md")

SHARED = {
    DistillationConfig: "the [options of training](#options-of-every-step-that-trains) and the "
    "[losses between layers](#losses-between-layers)",
    TrainingConfig: "the [options of training](#options-of-every-step-that-trains)",
}
"""Settings that several steps have, from the special to the general, and where they stand."""

EXAMPLES = {
    "finetune": "- finetune: {epochs: 2}",
    "generate": "- finetune: {}\n- generate: {rows: 20000}\n- student: {}\n- distill: {}",
    "augment": "- student: {}\n- augment: {copies: 3}\n- distill: {}",
    "student": "- student: {layers: 4, hidden_size: 312, attention_heads: 12}",
    "general-distill": "- student: {init: random}\n- general-distill: {max_tokens: 1000000}",
    "factorize": "- factorize: {rank: 64}\n- distill: {epochs: 1}",
    "distill": "- student: {}\n- distill: {epochs: 3, relations: 1.0, mapping: last}",
    "trim-vocabulary": "- trim-vocabulary: {size: 8000}",
    "prune": "- prune: {heads: 0.5, neurons: 0.5, distill: {epochs: 3}}",
    "shorten": "- shorten: {layer: 0, positions: 32}\n- distill: {epochs: 1}",
    "quantize": "- student: {}\n- distill: {}\n- quantize: {method: qat}",
}
"""A recipe's `steps` for each, behind `finetune` where they don't begin with it."""

HEAD = """# Recipes

This page is made from the program by `docs/recipes.py`. [steps.md](steps.md) says when to take
which step, [tasks.md](tasks.md) what `task` may be, [data.md](data.md) what DATA is.

A recipe is a YAML file, or a mapping in Python. `tinybert compress RECIPE.yaml --dry-run` prints it
with every default. A key that is unknown, of the wrong type or impossible with the others is
refused with its line. `--set steps.distill.epochs=5` sets a key from the command line.
"""

BUDGET = """```yaml
budget: {size: 5MB, drop: 1%, time: 30min}
```

With a budget the recipe is searched: what its steps give stays, and what they leave to their
defaults is varied: the shape of `student`, `size` of `trim-vocabulary`, `bits` of `quantize`
(`method: qat`), `positions` of `shorten`. [budgets.md](budgets.md) says how.
"""

LAYER_LOSSES = """## Losses between layers

`distill`, `general-distill` and the `distill` within `prune` and `quantize` have these.
"""


def page() -> str:
    """The page as Markdown."""
    parts = [HEAD, "## The recipe\n", _table(_recipe_rows())]
    parts += ["## `data`\n", _table(_rows(DataConfig))]
    parts += [f"## `budget`\n\n{_plain(BudgetConfig.__doc__ or '')}\n", BUDGET]
    parts += [_table(_rows(BudgetConfig))]
    parts += ["## Options of every step that trains\n", _table(_rows(TrainingConfig))]
    parts += [LAYER_LOSSES, _table(_rows(DistillationConfig, TrainingConfig))]
    parts += [_step(name, config) for name, config in STEPS.items()]
    return "\n".join(parts)


def _step(name: str, config: type[Config]) -> str:
    base = next((shared for shared in SHARED if issubclass(config, shared)), None)
    rows = [*_rows(config, base), *_nested_rows(config)]
    text = f"## `{name}`\n\n{_plain(config.__doc__ or '')}\n\n```yaml\n{EXAMPLES[name]}\n```\n"
    if base is not None:
        text += f"\nIt has {SHARED[base]}{', and these:' if rows else '.'}\n"
    return text + (f"\n{_table(rows)}" if rows else "")


def _nested_rows(config: type[Config]) -> list[list[str]]:
    """The options of sections within a step, but for those that `distill` has alike."""
    rows = []
    for name, field in config.model_fields.items():
        for section in (field.annotation, *get_args(field.annotation)):
            if isinstance(section, type) and issubclass(section, Config):
                base = DistillConfig if issubclass(section, DistillConfig) else None
                rows += [[f"`{name}`: {key}", *cells] for key, *cells in _rows(section, base)]
    return rows


def _rows(config: type[Config], base: type[Config] | None = None) -> list[list[str]]:
    """Name, values, default and description of each option that `base` has not, or otherwise."""
    known = {} if base is None else base.model_fields
    return [
        _row(name, field)
        for name, field in config.model_fields.items()
        if name not in known or _row(name, field) != _row(name, known[name])
    ]


def _row(name: str, field: FieldInfo) -> list[str]:
    values = _values(field.annotation) + _bounds(field)
    return [f"`{name}`", values, _default(field), field.description or ""]


def _recipe_rows() -> list[list[str]]:
    steps = ["`steps`", "a list", "`[]`", "in this order; any subset, repeats allowed"]
    return [*_rows(RecipeHead), steps]


def _values(annotation: Any) -> str:
    """What may stand there, in words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _values(inner[0])
    if origin is Literal:
        return ", ".join(f"`{_yaml(value)}`" for value in inner)
    if origin in (list, dict):
        each = _values(inner[0]).replace("a mapping", "mappings").replace("integer", "integers")
        return f"a list of {each}" if origin is list else "a mapping"
    if inner:
        parts = [_values(each) for each in inner if each is not NoneType]
        return " or ".join(dict.fromkeys(parts))
    if isinstance(annotation, type) and issubclass(annotation, Config):
        return "a mapping"
    return {int: "integer", float: "number", bool: "true or false", str: "text"}[annotation]


def _bounds(field: FieldInfo) -> str:
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    found = [
        f" {sign} {getattr(limit, name)}"
        for limit in field.metadata
        for name, sign in signs.items()
        if getattr(limit, name, None) is not None
    ]
    return ",".join(found)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None or isinstance(field.default, Config):
        return ""
    return f"`{_yaml(field.default)}`"


def _yaml(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:g}".replace("e-0", "e-")
    return json.dumps(value).replace('"', "")


def _table(rows: Iterable[list[str]]) -> str:
    lines = ["| option | values | default | |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _plain(docstring: str) -> str:
    head, _, rest = docstring.strip().partition("\n")
    return "\n".join([head, textwrap.dedent(rest)]).strip()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
