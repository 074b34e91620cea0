"""What the fuzzer attacks: each target damages one kind of input and gives it to the program.

A target takes dice, a folder with whole files and an empty folder to work in. It returns where the
program gave a result, and lets an InputError pass where it refused. A wrong answer in silence
raises `WrongAnswer`.
"""

import importlib
import random
from collections.abc import Callable
from pathlib import Path

from fuzz import artifacts, command_line, data, models, recipes
from fuzz.mutators import Dice
from fuzz.outcome import RESULT, WrongAnswer, judged
from tinybert.base.errors import InputError

Target = Callable[[Dice, Path, Path], str | None]
"""What it returns is told in place of "result"."""

TARGETS: dict[str, Target] = {
    "yaml-text": recipes.yaml_text,
    "recipe-mapping": recipes.recipe_mapping,
    "overrides": recipes.overrides,
    "dry-run": recipes.dry_run,
    "rows": data.rows,
    "parquet": data.parquet,
    "corpus": data.corpus,
    "config": models.config,
    "tokenizer": models.tokenizer,
    "tokenizer-settings": models.tokenizer_settings,
    "weights": artifacts.weights,
    "onnx": artifacts.onnx_graph,
    "openvino": artifacts.openvino_graph,
    "output-folder": artifacts.output_folder,
    "command-line": command_line.command_line,
}


def import_all() -> None:
    """Imports what targets need, before the first fork."""
    for name in ("onnx", "onnxruntime", "openvino", "pyarrow.parquet", "torch", "transformers"):
        importlib.import_module(name)
    ours = (
        *("cli.main", "recipe.inputs", "recipe.recipe", "measure.info", "modeling.torch_model"),
        *("formats.open", "formats.onnx.run", "formats.openvino.run"),
    )
    for name in ours:
        importlib.import_module(f"tinybert.{name}")


def run(base: Path, work: Path, target: str, seed: int) -> dict[str, str]:
    """Runs one input; what became of it."""
    dice = random.Random(f"{target} {seed}")
    try:
        outcome = TARGETS[target](dice, base, work) or RESULT
    except WrongAnswer as error:
        return {"outcome": "wrong answer", "detail": str(error)}
    except InputError as error:
        return judged(str(error), work)
    return {"outcome": outcome, "detail": ""}
