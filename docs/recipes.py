"""Writes recipes.md: every key of a recipe and every option of a step, from their classes.

.venv/bin/python docs/recipes.py
"""

from collections.abc import Iterable
from pathlib import Path

from tinybert.distillation.config import DistillationConfig, DistillConfig
from tinybert.recipe.budget import BudgetConfig
from tinybert.recipe.recipe import DataConfig, RecipeHead
from tinybert.steps.registry import STEPS
from tinybert.training.config import TrainingConfig
from tinybert.training.section import Config
from tinybert.training.settings import Setting, about, settings_of

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
    "add-texts": "- student: {}\n- add-texts: {per_row: 5}\n- distill: {}",
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
    parts += [f"## `budget`\n\n{about(BudgetConfig)}\n", BUDGET]
    parts += [_table(_rows(BudgetConfig))]
    parts += ["## Options of every step that trains\n", _table(_rows(TrainingConfig))]
    parts += [LAYER_LOSSES, _table(_rows(DistillationConfig, TrainingConfig))]
    parts += [_step(name, config) for name, config in STEPS.items()]
    return "\n".join(parts)


def _step(name: str, config: type[Config]) -> str:
    base = next((shared for shared in SHARED if issubclass(config, shared)), None)
    rows = [*_rows(config, base), *_nested_rows(config)]
    text = f"## `{name}`\n\n{about(config)}\n\n```yaml\n{EXAMPLES[name]}\n```\n"
    if base is not None:
        text += f"\nIt has {SHARED[base]}{', and these:' if rows else '.'}\n"
    return text + (f"\n{_table(rows)}" if rows else "")


def _nested_rows(config: type[Config]) -> list[list[str]]:
    """The options of sections within a step, but for those that `distill` has alike."""
    rows = []
    for setting in settings_of(config):
        for section in setting.sections:
            base = DistillConfig if issubclass(section, DistillConfig) else None
            rows += [[f"`{setting.name}`: {key}", *cells] for key, *cells in _rows(section, base)]
    return rows


def _rows(config: type[Config], base: type[Config] | None = None) -> list[list[str]]:
    """Name, values, default and description of each option that `base` has not, or otherwise."""
    known = [] if base is None else settings_of(base)
    return [_row(setting) for setting in settings_of(config) if setting not in known]


def _row(setting: Setting) -> list[str]:
    default = f"`{setting.shown_default}`" if setting.shown_default else ""
    if setting.required:
        default = "required"
    return [f"`{setting.name}`", setting.values, default, setting.description]


def _recipe_rows() -> list[list[str]]:
    steps = ["`steps`", "a list", "`[]`", "in this order; any subset, repeats allowed"]
    return [*_rows(RecipeHead), steps]


def _table(rows: Iterable[list[str]]) -> str:
    lines = ["| option | values | default | |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
