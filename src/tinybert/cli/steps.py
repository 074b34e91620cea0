"""The command `tinybert steps`."""

import argparse
import difflib
import shutil
import textwrap
from typing import TYPE_CHECKING, Any

from tinybert.base.errors import InputError, cut
from tinybert.base.extras import require_training_packages
from tinybert.cli.printing import print_json

if TYPE_CHECKING:
    from tinybert.steps.base import StepConfig
    from tinybert.training.settings import Setting

HELP = "What a recipe's steps are, or all settings of one."
EXAMPLES = ("tinybert steps", "tinybert steps distill", "tinybert steps quantize --json")

WIDEST = 100
"""Columns: longer lines are hard to read."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what it takes."""
    parser.add_argument("step", nargs="?", metavar="STEP", help="default: a line on each")


def run(options: argparse.Namespace) -> None:
    """Prints what steps there are, or the settings of one."""
    require_training_packages()
    from tinybert.steps.registry import STEPS
    from tinybert.training.settings import about, all_settings, summary

    if options.step is None:
        lines = {name: summary(config).replace("`", "") for name, config in STEPS.items()}
        if options.json:
            print_json({"steps": [{"name": name, "summary": lines[name]} for name in lines]})
            return
        for name, line in lines.items():
            print(f"{name:<{max(map(len, lines))}}  {line}")
        return
    config = _find(options.step, STEPS)
    settings = list(all_settings(config))
    if options.json:
        print_json(
            {
                "name": config.name,
                "description": about(config),
                "settings": [_as_json(setting) for setting in settings],
            }
        )
        return
    width = min(shutil.get_terminal_size().columns, WIDEST)
    print(f"{config.name}\n\n{about(config)}\n")
    for setting in settings:
        print(_text(setting, width))


def _find(name: str, steps: dict[str, type["StepConfig"]]) -> type["StepConfig"]:
    if name not in steps:
        near = difflib.get_close_matches(cut(name), steps, n=1)
        known = f"did you mean {near[0]}?" if near else f"known: {', '.join(steps)}"
        raise InputError(f"no step {cut(name)!r}; {known}")
    return steps[name]


def _as_json(setting: "Setting") -> dict[str, Any]:
    return {
        "name": setting.name,
        "values": setting.values.replace("`", ""),
        "required": setting.required,
        "default": setting.default,
        "description": setting.description,
    }


def _text(setting: "Setting", width: int) -> str:
    """A line with what may be given, and below it what that does."""
    default = f"; default: {setting.shown_default}" if setting.shown_default else ""
    if setting.required:
        default = "; required"
    line = f"{setting.name}: {setting.values.replace('`', '')}{default}"
    return "\n".join(
        [
            textwrap.fill(line, width, subsequent_indent="        ", break_long_words=False),
            textwrap.indent(textwrap.fill(setting.description, width - 4), "    "),
        ]
    )
