"""What a run has come to: which model, by which steps, with what kept."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from tinybert.base.progress import Progress, ProgressCallback
from tinybert.modeling.distributed import is_main
from tinybert.recipe.inputs import Inputs
from tinybert.recipe.recipe import Recipe
from tinybert.run.workspace import StepFolders
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.tasks.task import Examples, Task


@dataclass(frozen=True)
class Run:
    """What stays the same while a recipe is run in a folder.

    Attributes:
        recipe: What to do.
        inputs: What it names, read.
        out: The output folder.
        folders: Of the steps, below it.
        progress: Called as the work goes on.
        begin: Called before the first work that makes what OUT has an old result.
        search: What report.json says of the search that found the recipe, if one did.
        data: What report.json says of the rows.
        chosen: The task as it was calibrated for a teacher that came without, once that is known.
    """

    recipe: Recipe
    inputs: Inputs
    out: Path
    folders: StepFolders
    progress: ProgressCallback
    begin: Callable[[], None] = lambda: None
    search: Mapping[str, Any] | None = None
    data: Mapping[str, Any] | None = None
    chosen: dict[Path, Task] = field(default_factory=dict)

    @property
    def quantize(self) -> QuantizeConfig | None:
        """How the exported files are quantized, if they are."""
        return self.recipe.quantize

    @property
    def plan(self) -> tuple[str, ...]:
        """What is done, each in a folder of its own."""
        steps = [step.name for step in self.recipe.steps if step.config.works]
        return (*steps, "export", "measure")

    def report(self, progress: Progress) -> None:
        """Tells how far that is which is at work; of several processes the first tells."""
        if is_main():
            self.progress(replace(progress, plan=self.plan, place=self.folders.count - 1))

    def report_end(self, name: str, entry: Mapping[str, Any] | None = None) -> None:
        """Tells that something of the plan is done, now or by an earlier run.

        Args:
            name: Of it.
            entry: What report.json says of a step.
        """
        seconds = None if entry is None else entry["seconds"]
        metric = self.inputs.scored(self.inputs.task).metric
        values = {} if entry is None else {metric: entry["metric"]}
        self.report(Progress(name, 1, 1, values, ended=True, seconds=seconds))


@dataclass(frozen=True)
class State:
    """Where a run stands between two steps.

    Attributes:
        model: Folder of the model so far.
        tokenizer: Of it.
        train: The rows that the next steps learn from.
        teacher: Folder of what the model was before the first step that made it smaller; None
            until there is a student.
        teacher_tokenizer: The teacher's, where the model reads text another way.
        kept_pieces: Where the vocabulary was trimmed, the ids that its pieces had at first.
        unquantized: Folder of what the model was before the quantization worked on it.
        done: What report.json says of the steps so far.
    """

    model: Path
    tokenizer: PreTrainedTokenizerBase
    train: Examples | None
    teacher: Path | None = None
    teacher_tokenizer: PreTrainedTokenizerBase | None = None
    kept_pieces: tuple[int, ...] | None = None
    unquantized: Path | None = None
    done: tuple[dict[str, Any], ...] = ()

    def after(self, folder: Path, **changes: Any) -> "State":
        """The state after a step whose work lies in `folder`."""
        entry = json.loads((folder / "step.json").read_text(encoding="utf-8"))
        return replace(self, done=(*self.done, entry), **changes)
