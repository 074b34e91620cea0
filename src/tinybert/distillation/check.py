"""What a distillation refuses before anything runs, and what it reads beside its settings."""

from typing import TYPE_CHECKING

from tinybert.base.errors import InputError, PlacedError, placed
from tinybert.distillation.config import LAYER_LOSSES, DistillationConfig, DistillConfig
from tinybert.distillation.schedules import (
    SCHEDULES,
    check_schedule,
    hash_schedule,
    require_schedule,
)
from tinybert.families import Capability, family_of, require
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.modeling.mapping import group_heads, pair_layers
from tinybert.training.materials import Materials

if TYPE_CHECKING:
    from pathlib import Path


TOKENS_DIFFER = (
    "makes other tokens of a text, and the task is answered token by token; take a model with the "
    "same tokenizer"
)


def check_layers(
    settings: DistillationConfig, teacher: ExpectedShape, student: ExpectedShape
) -> None:
    """Refuses losses that can't compare these two.

    Raises:
        InputError: Layers can't be paired, heads or widths don't fit, or some tokens are left out
            of what is compared; a `PlacedError` at the key.
    """
    if settings.compares_layers or "mapping" in settings.unused_options():
        with placed("mapping"):
            pair_layers(teacher.layers, student.layers, settings.mapping)
    behind = {shape.selects for shape in (teacher, student)} - {None}
    of_all_tokens = [*(LAYER_LOSSES if behind else ()), *(["embedding"] if 0 in behind else [])]
    for name in of_all_tokens:
        if getattr(settings, name):
            raise PlacedError(
                "can't compare tokens that `shorten` leaves out; put it after this step, or set 0",
                (name,),
            )
    losses: tuple[Capability, ...] = ("attention", "relations")
    for loss in losses:
        for shape in (teacher, student) if getattr(settings, loss) else ():
            with placed(loss):
                require(family_of(shape.model_type), loss)
    if settings.attention:
        with placed("attention"):
            group_heads(teacher.heads, student.heads)
    if settings.relations:
        for width in (teacher.attention_width, student.attention_width):
            if width % settings.relation_heads:
                raise PlacedError(
                    f"{settings.relation_heads} does not divide an attention width of {width}",
                    ("relation_heads",),
                )


def check_foreign(settings: DistillationConfig) -> None:
    """Refuses what can't be where a teacher makes other tokens of a text than the student.

    Raises:
        InputError: Layers are compared, or the teacher's answers are not kept; a `PlacedError`.
    """
    for name in ("embedding", *LAYER_LOSSES):
        if getattr(settings, name):
            raise PlacedError(
                "compares the teacher's tokens with the student's, which are others; set 0",
                (name,),
            )
    if getattr(settings, "cache", "logits") == "off":
        raise PlacedError(
            "the teacher reads rows by a tokenizer of its own, once, and its answers are kept; "
            "leave it out",
            ("cache",),
        )


def check_weights_schedule(settings: DistillConfig) -> None:
    """Refuses a schedule that is not there, or of ours one that leaves nothing to learn from.

    A user's own is not run.

    Raises:
        InputError: It is such a one.
    """
    with placed("weights_schedule"):
        require_schedule(settings.weights_schedule)
        if settings.weights_schedule in SCHEDULES:
            run_schedule(settings)


def run_schedule(settings: DistillConfig) -> None:
    """Runs the schedule, a user's own too, to see whether it does what it must.

    Raises:
        InputError: It fails, or leaves nothing to learn from.
    """
    with placed("weights_schedule"):
        check_schedule(settings.weights_schedule, settings.weights(), settings.epochs)


def read_distillation(settings: DistillConfig, materials: Materials) -> list[str]:
    """Checks the other teachers, and hashes them and the file of a user's own schedule.

    Raises:
        InputError: A teacher is missing, or does not go with the recipe's.
    """
    from tinybert.modeling.hub import find_folder, hash_model

    if settings.cache == "all" and not materials.task.keeps_answers:
        raise PlacedError(
            f"all can't be kept of {materials.task.kind}: the teacher's answers are the whole "
            "vocabulary at every token; leave it out",
            ("cache",),
        )
    settings.check_vectors(getattr(materials.task, "vector", None))
    hashes = []
    for number, other in enumerate(settings.teachers):
        with placed("teachers", number, "model"):
            folder = find_folder(other.model)
            _check_teacher(folder, materials, settings.cache)
        hashes.append(hash_model(folder))
    schedule = hash_schedule(settings.weights_schedule)
    return hashes if schedule is None else [*hashes, schedule]


def _check_teacher(folder: "Path", materials: Materials, cache: str) -> None:
    from tinybert.modeling.load import (
        check_tables,
        known_task,
        load_model,
        load_tokenizer,
        why_no_task,
    )
    from tinybert.modeling.other_models import check_vocabulary, reads_alike
    from tinybert.runtime.config import max_positions, read_config

    task, theirs = materials.task, read_config(folder)
    if reads_alike(load_tokenizer(folder), materials.tokenizer):
        check_vocabulary(folder, materials.tokenizer)
    elif task.reads == "all":
        raise InputError(f"{folder}: {TOKENS_DIFFER}")
    elif cache == "off":
        raise InputError(
            f"{folder}: reads rows by a tokenizer of its own, once, and its answers are kept; "
            "leave `cache: off` out"
        )
    known = known_task(theirs)
    if known is None:
        raise InputError(f"{folder}: {why_no_task(theirs, task)}; fine-tune it first")
    ours, own = (getattr(each, "activation", None) or "identity" for each in (task, known))
    if ours != own:
        raise InputError(f"{folder}: its output has another activation than the teacher's")
    names = [each.model_config().get("id2label") for each in (task.for_model(known), task)]
    if names[0] != names[1]:
        raise InputError(f"{folder}: its labels are not the teacher's, in the same order")
    model, tokenizer = load_model(folder, task), load_tokenizer(folder)
    check_tables(model, tokenizer, str(folder), pair=task.joins_pairs)
    materials.check_length(max_positions(theirs), str(folder))
