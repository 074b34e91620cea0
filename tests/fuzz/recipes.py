"""Damaged recipes: YAML text, mappings, `--set`, and all that a recipe names."""

import os
import shutil
from pathlib import Path
from typing import Any

from fuzz import mutators
from fuzz.mutators import Dice
from fuzz.outcome import WrongAnswer


def _recipe_values() -> dict[str, Any]:
    """One recipe with most of the keys there are."""
    import yaml

    return yaml.safe_load(_RECIPES[0])


_RECIPES = (
    """\
teacher: teacher
task: {kind: text-classification, labels: [negative, positive], metrics: [accuracy, f1]}
data:
  train: reviews.jsonl
  eval: reviews.jsonl
  text: sentence
  label: label
  unlabeled: [corpus.txt]
  max_length: 32
seed: 0
steps:
  - finetune: {epochs: 2, learning_rate: 3e-5}
  - student: {layers: 1, hidden_size: 16, attention_heads: 2, intermediate_size: 32}
  - general-distill: {teacher: fine-tuned, length: 64}
  - distill:
      epochs: 0.5
      mapping: [2]
      hidden: 1.0
      weights_schedule: two-phase
      teachers: [{model: teacher, weight: 2}]
  - prune: {heads: 0.5, neurons: 0.5, of_layers: [1]}
  - distill
  - factorize: {rank: 8}
  - quantize: {method: dynamic, bits: 8}
export: [onnx, openvino]
""",
    """\
teacher: teacher
task: text-classification
data: {train: reviews.jsonl, eval: reviews.jsonl, max_length: 32}
steps:
  - student: {layers: 1, hidden_size: 16, attention_heads: 2, intermediate_size: 32}
  - distill: {max_steps: 3, batch_size: 8, attention: 1}
  - quantize
""",
)


def yaml_text(dice: Dice, base: Path, work: Path) -> None:
    """The text of a recipe."""
    from tinybert.recipe.recipe import Recipe

    text = mutators.mutate_yaml(dice, dice.choice(_RECIPES))
    content = text.encode("utf-8", "surrogatepass")
    if dice.random() < 0.1:
        content = mutators.mutate_bytes(dice, content)
    path = work / "recipe.yaml"
    path.write_bytes(content)
    recipe = Recipe.read(path)
    _require_round_trip(recipe, path)


def recipe_mapping(dice: Dice, base: Path, work: Path) -> None:
    """A recipe as a mapping."""
    from tinybert.recipe.recipe import Recipe

    recipe = Recipe.from_mapping(mutators.mutate_value(dice, _recipe_values()))
    _require_round_trip(recipe, work / "recipe.yaml")


def _require_round_trip(recipe: Any, path: Path) -> None:
    """What is published as recipe.yaml reads as the same recipe."""
    from tinybert.recipe.recipe import Recipe

    path.write_text(recipe.to_yaml(), encoding="utf-8")
    if Recipe.read(path).resolved() != recipe.resolved():
        raise WrongAnswer(f"recipe.yaml reads as another recipe: {recipe.resolved()!r:.1000}")


_KEYS = (
    "seed",
    "task.labels.0",
    "steps.distill.epochs",
    "steps.1.student.layers",
    "export.0",
    "data.unlabeled",
    "steps.3.distill.teachers.0.weight",
    "data",
    "steps",
)


def overrides(dice: Dice, base: Path, work: Path) -> None:
    """`--set`."""
    from tinybert.recipe.recipe import Recipe

    (work / "recipe.yaml").write_text(_RECIPES[0], encoding="utf-8")
    keys = dice.choice(_KEYS).split(".")
    if dice.random() < 0.5:
        keys[dice.randrange(len(keys))] = dice.choice([*mutators.ODD_TEXTS, "00", "99999"])
    value = dice.choice([*mutators.ODD_YAML, "1", "x", "[a, b]", "{a: 1}"])
    assignment = f"{'.'.join(keys)}={value}"
    if dice.random() < 0.1:
        assignment = mutators.mutate_bytes(dice, assignment.encode("utf-8", "replace")).decode(
            "utf-8", "surrogateescape"
        )
    Recipe.read(work / "recipe.yaml", [assignment])


def dry_run(dice: Dice, base: Path, work: Path) -> None:
    """A recipe that may be read, with all that it names."""
    from tinybert.recipe.inputs import read_inputs
    from tinybert.recipe.recipe import Recipe

    for name in ("reviews.jsonl", "corpus.txt"):
        shutil.copy(base / name, work)
    shutil.copytree(base / "model", work / "teacher")
    path = work / "recipe.yaml"
    path.write_text(mutators.mutate_yaml(dice, dice.choice(_RECIPES)), encoding="utf-8")
    os.environ["HF_HUB_OFFLINE"] = "1"
    read_inputs(Recipe.read(path))
