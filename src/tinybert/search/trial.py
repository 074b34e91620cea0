"""A candidate is trained for a while, exported, and compared with its teacher."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna

from tinybert.base.files import hash_value, remove
from tinybert.distillation.distance import distance
from tinybert.formats.load import deployed_files, open_artifact
from tinybert.formats.registry import FORMATS
from tinybert.measure.compare import Comparison, compare
from tinybert.modeling.pretrained import load_config
from tinybert.modeling.torch_model import load_torch
from tinybert.recipe.inputs import Inputs, hash_examples
from tinybert.recipe.recipe import Recipe
from tinybert.run.artifacts import export_one
from tinybert.run.calibrate import task_of
from tinybert.run.state import Run, State
from tinybert.run.step import advance
from tinybert.run.workspace import StepFolders
from tinybert.search.rows import part
from tinybert.search.space import Candidate, Space
from tinybert.tasks.outputs import Outputs
from tinybert.tasks.task import Examples


@dataclass(frozen=True)
class Outcome:
    """What a short training of a candidate came to.

    Attributes:
        distance: Of its file's outputs from the teacher's, on rows that it has not learned from.
        metric: Of its file, on the same rows.
        drop: The share of the teacher's metric that is lost there; None where that is 0. The
            teacher may know these rows by heart, so that it is more than on others.
        size_mb: Of the files that inference reads.
        seconds: Of all of it.
        training: Of those the seconds that grow with the share of the training.
    """

    distance: float
    metric: float
    drop: float | None
    size_mb: float
    seconds: float
    training: float

    def as_json(self) -> dict[str, Any]:
        """For the storage of a search."""
        return asdict(self)


@dataclass(frozen=True)
class Trials:
    """All that short trainings have in common.

    Attributes:
        run: Of the recipe that is searched: its inputs are those of the whole run.
        state: Behind the steps that no candidate changes: it has the teacher.
        first: The number of those steps.
        folder: Where trainings leave their work.
        results: Where outcomes are kept by what they depend on, so that no search trains a
            candidate that another one of the same rows and steps has trained.
    """

    run: Run
    state: State
    first: int
    folder: Path
    results: optuna.Study

    @cached_property
    def _parts(self) -> tuple[Examples, Examples]:
        assert self.state.train is not None, "a recipe that trains has rows"
        return part(self.state.train, self.run.recipe.seed)

    @cached_property
    def teacher(self) -> Outputs:
        """What the teacher gives for the rows that candidates are compared on."""
        model = load_torch(self.state.model, max_length=self.run.recipe.data.max_length)
        return model.outputs(self._parts[1].rows)

    def inputs(self, rows: float) -> Inputs:
        """The run's, with training rows in the place of the evaluation rows.

        Args:
            rows: The share of the others that candidates learn from.
        """
        learned, compared = self._parts
        few = learned.take(range(max(round(rows * len(learned)), 1)))
        key = hash_value([self.run.folders.key, *map(hash_examples, (few, compared))])
        if compared.labels is not None:
            return replace(self.run.inputs, train=few, eval=compared, key=key, answered=False)
        answers = self.run.inputs.task.answers(self.teacher.logits)
        compared = replace(compared, labels=answers)
        return replace(self.run.inputs, train=few, eval=compared, key=key, answered=True)

    def train(self, space: Space, candidate: Candidate, share: float) -> Outcome:
        """Trains a candidate, unless that was done before.

        Less than one epoch is one of fewer rows, as the teacher answers every row that there is.

        Args:
            space: Of the candidate.
            candidate: What to train.
            share: Of its training.

        Raises:
            InputError: It can't be, which nobody could know before.
        """
        whole = space.recipe_of(candidate).steps[self.first :]
        epochs = max((getattr(step.config, "epochs", 1.0) for step in whole), default=1.0)
        rows = min(epochs * share, 1.0)
        recipe, reads = space.recipe_of(candidate, share / rows), space.reads_of(candidate)
        inputs = self.inputs(rows)
        steps = [[step.name, step.config.model_dump()] for step in recipe.steps[self.first :]]
        key = hash_value([inputs.key, steps, reads[self.first :], recipe.export])
        known = self.results.user_attrs.get(key)
        if known is not None:
            return Outcome(**known)
        outcome = self._train(recipe, reads, inputs)
        self.results.set_user_attr(key, outcome.as_json())
        return outcome

    def _train(self, recipe: Recipe, reads: Sequence[list[str]], inputs: Inputs) -> Outcome:
        """Runs the steps of a candidate, and measures the file that they end in.

        What is left is what others share: made rows and vocabularies.
        """
        began = time.monotonic()
        folders = StepFolders(self.folder, inputs.key)
        run = replace(
            self.run, recipe=recipe, inputs=inputs, folders=folders, begin=_nothing, chosen={}
        )
        state = replace(self.state, train=inputs.train)
        training, own = 0.0, []
        for step, needed in list(zip(recipe.steps, reads, strict=True))[self.first :]:
            before = {*_names(self.folder)}
            state = advance(run, state, step, needed)
            if step.config.works_on not in ("rows", "vocabulary"):
                own += [name for name in _names(self.folder) if name not in before]
            if step.config.trains:
                training += state.done[-1]["seconds"]
        outcome = self._measure(run, state)
        for name in {*own, *(each for each in _names(self.folder) if "unfinished" in each)}:
            remove(self.folder / name)
        seconds = time.monotonic() - began
        return Outcome(**outcome, seconds=seconds, training=min(training, seconds))

    def _measure(self, run: Run, state: State) -> dict[str, Any]:
        made = self.folder / "file"
        target = run.recipe.export[0]
        task = task_of(run, state.model)
        export_one(
            *(state.model, made),
            task=task,
            max_length=run.recipe.data.max_length,
            targets=[target],
            quantize=run.quantize,
        )
        form = FORMATS[target]
        path = made / (form.path if run.quantize is None else form.quantized)
        rows = run.inputs.eval
        outputs = open_artifact(path, threads=None).outputs(rows.rows)
        teacher_task = task_of(self.run, self.state.model)
        labels = None if run.inputs.answered else rows.labels
        compared: Comparison = compare(task, outputs, self.teacher, labels, teacher_task)
        kept = compared["retention"]
        config = load_config(self.state.model)
        size = sum(file.stat().st_size for file in deployed_files(path))
        remove(made)
        return {
            "distance": distance(config, *map(task.compared, (outputs, self.teacher))),
            "metric": compared["value"],
            "drop": None if kept is None else 1 - kept,
            "size_mb": size / 1e6,
        }


def _nothing() -> None:
    """What a candidate does to the output folder."""


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
