"""One step of a run: from the state before it to the state after it, in a folder of its own."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase, set_seed

from tinybert.base.errors import InputError
from tinybert.base.files import remove, write_json
from tinybert.base.progress import Progress, silent
from tinybert.measure.evaluate import evaluate
from tinybert.measure.guess import no_better_than_constant
from tinybert.modeling.distributed import agree, is_main
from tinybert.modeling.embedding_rows import keep_pieces
from tinybert.modeling.hub import find_folder
from tinybert.modeling.load import load_model, load_tokenizer, save_model
from tinybert.modeling.other_models import reads_alike
from tinybert.modeling.side_by_side import open_teachers
from tinybert.recipe.recipe import Step
from tinybert.run.answers import scored_task
from tinybert.run.artifacts import latencies
from tinybert.run.calibrate import calibrated, note_task
from tinybert.run.state import Run, State
from tinybert.run.workspace import Stopwatch
from tinybert.runtime.model import Model
from tinybert.runtime.seal import is_whole, seal
from tinybert.steps.quantize.note import QUANTIZATION_KEY
from tinybert.tasks.task import Examples
from tinybert.training.context import Context

logger = logging.getLogger(__name__)

CHECKPOINTS, SECONDS = "checkpoints", "seconds.txt"
AT_WORK = (CHECKPOINTS, SECONDS, "tensorboard", "step.json")
"""What a step writes in its folder while it works, and when its model is made already."""


def advance(run: Run, state: State, step: Step, reads: list[str]) -> State:
    """Does a step, unless it is done already.

    Args:
        run: What stays the same.
        state: Before the step.
        step: What to do.
        reads: Hashes of what it reads beside its settings.
    """
    settings: list[Any] = [step.config.model_dump(), reads]
    if step.config.depends_on_export:
        settings.append(export_settings(run))
    if not step.config.works:
        return state
    does = _make_rows if step.config.works_on == "rows" else _change_model
    after = does(run, state, step, settings)
    run.report_end(step.name, after.done[-1])
    return after


def export_settings(run: Run) -> list[Any]:
    """What the files that the run ends in depend on, beside the model."""
    quantize = None if run.quantize is None else run.quantize.model_dump()
    return [list(run.recipe.export), quantize]


def make_context(
    run: Run,
    state: State,
    folder: Path,
    watch: Stopwatch,
    teacher: PreTrainedModel | None = None,
) -> Context:
    """The world of a step that works in `folder`."""

    def report(progress: Progress) -> None:
        watch.tick()
        run.report(progress)

    def measure_latencies(models: Sequence[PreTrainedModel]) -> list[float]:
        return latencies(models, state.tokenizer, run.recipe.export[0], run.quantize)

    return Context(
        task=run.inputs.task,
        train=state.train or Examples([], None, "no rows yet"),
        tokenizer=state.tokenizer,
        max_length=run.recipe.data.max_length,
        seed=run.recipe.seed,
        folder=folder / CHECKPOINTS,
        teacher=teacher,
        teacher_tokenizer=state.teacher_tokenizer,
        unlabeled=tuple(run.recipe.data.unlabeled),
        measured_on=frozenset(run.inputs.eval.texts if run.inputs.task.learns_from_texts else ()),
        progress=report if is_main() else silent,
        latencies=measure_latencies,
        kept_pieces=state.kept_pieces,
        given=str(run.inputs.teacher),
        part_teachers=run.inputs.part_teachers,
    )


def _make_rows(run: Run, state: State, step: Step, settings: list[Any]) -> State:
    """A step that makes texts; those after it learn from them. The model stays as it was."""

    def work(folder: Path) -> None:
        run.report(Progress(step.name, 0, 1))
        watch = Stopwatch(folder / SECONDS)
        set_seed(run.recipe.seed)
        new_head = run.inputs.lacks_head(state.model)
        model = load_model(state.model, run.inputs.task, new_head=new_head)
        texts = step.config.load()(step.config, model, make_context(run, state, folder, watch))
        if not texts:
            raise InputError(f"{step.name}: made no rows; its settings leave no room for text")
        write_json(folder / "rows.json", texts)
        before = state.done[-1] if state.done else _measured(run, state.model)
        own = {"name": step.name, "seconds": round(watch.seconds, 1), "rows": len(texts)}
        write_json(folder / "step.json", {**before, **own})
        remove(folder / SECONDS)

    folder = run.folders.run(step.name, settings, work)
    rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    texts = [tuple(row) if isinstance(row, list) else row for row in rows]
    soft = None if state.train is None else state.train.soft_labels_of(texts)
    train = Examples.of_texts(texts, None, f"the rows of `{step.name}`", soft)
    return state.after(folder, train=train)


def _change_model(run: Run, state: State, step: Step, settings: list[Any]) -> State:
    config = step.config
    begins = config.shrinks and state.teacher is None  # from here on there is a student
    if is_main() and not run.folders.is_done(step.name, settings):
        # From here on OUT is no longer the finished run that it may have been.
        run.begin()
        if begins:
            _check_teacher(run, state)
    folder = run.folders.run(
        step.name, settings, lambda work: _work(run, state, step, work), together=config.trains
    )
    after = state.after(
        folder,
        model=folder / "model",
        teacher=state.model if begins else state.teacher,
        unquantized=state.model if config is run.quantize else None,
    )
    length = run.recipe.data.max_length
    if config.begins_with is not None:
        tokenizer = load_tokenizer(after.model, length)
        alike = reads_alike(tokenizer, state.tokenizer)
        return replace(
            after, tokenizer=tokenizer, teacher_tokenizer=None if alike else state.tokenizer
        )
    if config.works_on != "vocabulary":
        return after
    kept = json.loads((folder / "kept.json").read_text(encoding="utf-8"))
    before = state.kept_pieces
    return replace(
        after,
        tokenizer=load_tokenizer(after.model, length),
        kept_pieces=tuple(kept if before is None else (before[id_] for id_ in kept)),
    )


def _check_teacher(run: Run, state: State) -> None:
    """Warns of a teacher that has nothing to teach, the most common mistake."""
    task, rows = scored_task(run, state.model), run.inputs.eval
    score = evaluate(_opened(run, state.model), rows, task)
    message = no_better_than_constant(score, task, rows)
    if message is not None:
        logger.warning("the teacher's %s: was it fine-tuned for this task?", message)


def _work(run: Run, state: State, step: Step, folder: Path) -> None:
    watch = Stopwatch(folder / SECONDS)
    # A run that was killed while it cleaned up has its model, and perhaps half a checkpoint.
    made = is_main() and is_whole(folder, leave_out=AT_WORK)
    if not (agree(made) if step.config.trains else made):
        _make_model(run, state, step, folder, watch)
    if not is_main():
        return
    own = {"name": step.name, "seconds": round(watch.seconds, 1)}
    write_json(folder / "step.json", {**own, **_measured(run, folder / "model")})
    remove(folder / CHECKPOINTS)
    remove(folder / SECONDS)


def _make_model(run: Run, state: State, step: Step, folder: Path, watch: Stopwatch) -> None:
    config = step.config
    set_seed(run.recipe.seed)
    source = state.model
    if config.begins_with is not None:
        source = find_folder(config.begins_with)
        own = load_tokenizer(source, run.recipe.data.max_length)
        state = replace(state, tokenizer=own, teacher_tokenizer=state.tokenizer)
    new_head = config.new_head or source != state.model or run.inputs.lacks_head(source)
    model = load_model(source, run.inputs.task, new_head=new_head)
    # Ranges of activations are those of the model that they were measured on.
    vars(model.config).pop(QUANTIZATION_KEY, None)
    context = make_context(run, state, folder, watch, _load_teacher(run, state, step))
    context.progress(Progress(step.name, 0, 1))
    tokenizer: PreTrainedTokenizerBase = state.tokenizer
    made = config.load()(config, model, context)
    if config.works_on == "vocabulary":
        model, tokenizer, kept = made
        write_json(folder / "kept.json", list(kept))
    else:
        model = made
    if is_main():
        save_model(model, tokenizer, folder / "model")
        if run.inputs.task.calibrates:
            opened, rows = _opened(run, folder / "model"), run.inputs.train
            chosen = calibrated(run.inputs.task, opened, rows, run.recipe.seed)
            note_task(folder / "model", chosen)
        seal(folder, leave_out=AT_WORK)


def _load_teacher(run: Run, state: State, step: Step) -> PreTrainedModel | None:
    """The model that a step learns from; None before the first that shrinks it."""
    own = step.config.load_teacher(run.inputs.teacher, run.inputs.task)
    if own is not None:
        return own
    source = state.teacher or (state.model if step.config.shrinks else None)
    if source is None:
        return None
    teacher = load_model(source, run.inputs.task, new_head=run.inputs.lacks_head(source))
    if state.kept_pieces is None or state.teacher_tokenizer is not None:
        return teacher
    return keep_pieces(teacher, state.kept_pieces)


def _opened(run: Run, path: Path) -> Model:
    teachers = run.inputs.lacks_head(path)
    return open_teachers(
        run.inputs.part_teachers if teachers else [path], run.recipe.data.max_length
    )


def _measured(run: Run, path: Path) -> dict[str, Any]:
    """What a step's entry in report.json says of the model that it left."""
    model = _opened(run, path)
    facts = model.facts()
    return {
        "metric": evaluate(model, run.inputs.eval, scored_task(run, path))["metric"],
        "parameters": facts.parameters,
        "bytes": facts.bytes,
    }
