"""The settings of `student`."""

from collections.abc import Mapping
from dataclasses import replace
from math import gcd, lcm
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from tinybert.base.errors import InputError, PlacedError, placed
from tinybert.families import Capability, family_of
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.modeling.mapping import LayerMapping, group_heads, map_layers
from tinybert.runtime.config import first_position, read_config, require_positions
from tinybert.steps.base import Need, StepConfig
from tinybert.steps.choice import Choice, sizes
from tinybert.steps.expected import Expected, Plan
from tinybert.training.materials import Materials

TABLES = ("vocab_size", "type_vocab_size")
"""Rows of a student's embedding tables, which are its teacher's."""

FAST_HEAD_STEP = 8
"""The heads of shapes that `shape: fast` tries have multiples of it as widths."""

FEW_HEADS = 4
"""Heads of a layer that is faster than one of TinyBERT's 12, and as wide."""

LAYERS = (1, 2, 3, 4, 6, 8, 10)
WIDTHS = (1, 13 / 16, 2 / 3, 1 / 2, 1 / 3, 1 / 6)
"""Shares of the teacher's width that a search tries; 13/16 of MiniLM's 384 are TinyBERT's 312."""

NEURON_STEPS = 24
"""Parts of the teacher's neurons that a search tries one by one."""


FEWEST_TOKENS = 8192
"""The fewest that tell enough of a teacher, where a student is only tried."""


class StudentConfig(StepConfig):
    """The shape of the student and where its first weights come from.

    The default shape is TinyBERT's smallest (4 layers, 312 wide, 12 heads, 1200 neurons).
    """

    name: ClassVar[str] = "student"
    function: ClassVar[str] = "tinybert.steps.student.step:student"
    shrinks: ClassVar[bool] = True

    layers: int = Field(4, gt=0, description="transformer layers")
    hidden_size: int = Field(312, gt=0, description="width of hidden states and embeddings")
    attention_heads: int = Field(12, gt=0, description="heads a layer; must divide hidden_size")
    intermediate_size: int = Field(1200, gt=0, description="neurons of a feed-forward block")
    positions: int | None = Field(
        None,
        gt=0,
        description="tokens that it takes at most, the rows of its table of positions; default: "
        "the teacher's",
    )
    shape: Literal["given", "fast"] = Field(
        "given",
        description="fast: of shapes with as many layers and heads, and about as many weights, "
        "the one whose exported file runs fastest on this machine",
    )
    base: str | None = Field(
        None,
        min_length=1,
        description="a path or hub id: another encoder, of any family and with its own tokenizer, "
        "which is the 'teacher' of `init` and gives the student its vocabulary; the recipe's "
        "teacher then teaches by its predictions, and by its layers where both read the same "
        "tokens",
    )
    init: str = Field(
        "teacher",
        description="'teacher': the teacher's weights, compressed; 'random'; or a checkpoint",
    )
    mapping: LayerMapping = Field(
        "uniform", description="teacher layer (from 1) that each student layer starts from"
    )
    calibration_rows: int = Field(
        1024, gt=0, description="training rows that `init: teacher` measures the teacher on"
    )
    calibration_tokens: int = Field(
        32768, gt=0, description="the most tokens that these rows may have together; 1 GB each 32K"
    )

    @property
    def opens_layers(self) -> bool:
        """It makes new ones."""
        return True

    @property
    def begins_with(self) -> str | None:
        """Its base."""
        return self.base

    @property
    def depends_on_export(self) -> bool:
        """Where it is chosen by the speed of the file that the run ends in."""
        return self.shape == "fast"

    @property
    def from_checkpoint(self) -> bool:
        """Whether `init` names one."""
        return self.init not in ("teacher", "random")

    def asks(self) -> dict[str, tuple[Capability, ...]]:
        """Weights that can be carried over, for `init: teacher`."""
        return {"init": ("student",)} if self.init == "teacher" else {}

    def choices(self, plan: Plan) -> dict[str, Choice]:
        """All sizes. Weights of losses are by trials on MRPC and SST-2 (benchmarks/results)."""
        teacher = plan.teacher
        if (
            teacher is None
            or self.base is not None
            or self.init != "teacher"
            or self.shape == "fast"
        ):
            return {}
        heads = [count for count in {teacher.heads, FEW_HEADS} if count <= teacher.heads]
        step = lcm(*heads, FAST_HEAD_STEP)
        widths = {max(round(part * teacher.hidden_size / step), 1) * step for part in WIDTHS}
        widths = {each for each in widths if each <= teacher.hidden_size}
        widths = widths or {teacher.hidden_size}
        neurons = {
            max(round(part * teacher.neurons / NEURON_STEPS), 1)
            for part in range(1, NEURON_STEPS + 1)
        }
        length = min(plan.max_length, teacher.positions or plan.max_length)
        return {
            # Texts are cut to as many, so that rows of other positions are never read.
            "positions": Choice(({"positions": length},), (0.0,)),
            "layers": sizes(
                "layers",
                [n for n in LAYERS if n < teacher.layers] + [teacher.layers],
                *(teacher.layers, 2.0),
            ),
            "hidden_size": sizes("hidden_size", [*widths], teacher.hidden_size, 10.0),
            "attention_heads": sizes("attention_heads", heads, teacher.heads, 1.0),
            "intermediate_size": sizes(
                "intermediate_size", [*neurons], teacher.neurons, 0.8, grows=True
            ),
        }

    def shortened(self, share: float) -> Self:
        """The same, for which the teacher is measured on fewer tokens; half of its time."""
        if share >= 1:
            return self
        tokens = max(round(self.calibration_tokens * share), FEWEST_TOKENS)
        few = min(tokens, self.calibration_tokens)
        return self.model_copy(update={"calibration_tokens": few})

    def needs(self, corpus: bool) -> set[Need]:
        """Rows, where the teacher is measured on them."""
        return {"rows"} if self.init == "teacher" else set()

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "StudentConfig":
        if self.hidden_size % self.attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is not a multiple of "
                f"attention_heads {self.attention_heads}"
            )
        if self.shape == "fast" and self.from_checkpoint:
            raise ValueError("shape: a checkpoint has a shape of its own; leave `shape: fast` out")
        return self

    def effects(self) -> dict[str, tuple[bool, str]]:
        """Options of `init: teacher` may be those of students that start otherwise."""
        from_teacher = self.init == "teacher", "only `init: teacher` starts from its layers"
        names = ("mapping", "calibration_rows", "calibration_tokens")
        return dict.fromkeys(names, from_teacher)

    def check(self, before: Expected, plan: Plan) -> Expected:
        """A model of its shape, which `init: teacher` must be able to make of the one before."""
        if self.base is not None and plan.folder is not None:
            with placed("base"):
                before = self._on_base(self.base, before, plan.folder)
        after = super().check(before, plan)
        if before.shape is None:
            return after
        if self.positions is not None:
            with placed("positions"):
                self._check_positions(self.positions, before.shape.positions, plan.max_length)
        if self.init == "teacher":
            before.require_every_token()
            self._check_smaller(before.shape)
        untrained = self.init != "teacher" or self.base is not None
        return replace(after, shape=self._shape(before.shape), untrained=untrained)

    def _on_base(self, base: str, before: Expected, teacher: Path) -> Expected:
        """What is expected of the base, which comes in place of what the steps before made."""
        from tinybert.modeling.hub import find_folder
        from tinybert.modeling.load import load_tokenizer
        from tinybert.modeling.other_models import reads_alike

        if before.shrunk_by is not None or before.trimmed_by is not None:
            by = before.shrunk_by or before.trimmed_by
            raise InputError(f"begins anew, and what `{by}` made is lost: leave one of them out")
        folder = find_folder(base)
        alike = reads_alike(load_tokenizer(folder), load_tokenizer(teacher))
        return replace(before, shape=ExpectedShape.of(read_config(folder)), foreign=not alike)

    def _check_positions(self, own: int, teachers: int | None, length: int) -> None:
        if teachers is not None and own > teachers:
            raise InputError(f"{own} are more than the {teachers} of the teacher")
        require_positions(own, length, "the student")

    def _check_smaller(self, source: ExpectedShape) -> None:
        sizes = {"hidden_size": source.hidden_size, "intermediate_size": source.neurons}
        for name, most in sizes.items():
            if getattr(self, name) > most:
                raise PlacedError(
                    f"{getattr(self, name)} is more than the teacher's {most}; `init: teacher` can "
                    "only make it smaller",
                    (name,),
                )
        with placed("layers" if isinstance(self.mapping, str) else "mapping"):
            map_layers(source.layers, self.layers, self.mapping)
        with placed("attention_heads"):
            group_heads(source.heads, self.attention_heads)

    def _shape(self, source: ExpectedShape) -> ExpectedShape:
        """Its shape; with `shape: fast` about that."""
        head_size = self.hidden_size // self.attention_heads
        if self.shape == "fast":  # what divides the widths of heads of all candidates
            head_size = gcd(head_size, FAST_HEAD_STEP)
        narrow = source.embedding_size != source.hidden_size  # and stays as it is
        return ExpectedShape(
            model_type=source.model_type,
            layers=self.layers,
            hidden_size=self.hidden_size,
            head_size=head_size,
            head_counts=(self.attention_heads,) * self.layers,
            neuron_counts=(self.intermediate_size,) * self.layers,
            embedding_size=source.embedding_size if narrow else self.hidden_size,
            positions=self.positions or source.positions,
            vocabulary=source.vocabulary,
        )

    def read(self, materials: Materials) -> list[str]:
        """Checks the models that it starts from."""
        found = []
        if self.base is not None:
            with placed("base"):
                found.append(self._read_base(self.base, materials))
            materials = self.materials_after(materials)
        return [*found, *self._read_checkpoint(materials)]

    def materials_after(self, materials: Materials) -> Materials:
        """The tokenizer and the config.json of its base, where it has one."""
        if self.base is None:
            return materials
        from tinybert.modeling.hub import find_folder
        from tinybert.modeling.load import load_tokenizer

        folder = find_folder(self.base)
        return replace(materials, config=read_config(folder), tokenizer=load_tokenizer(folder))

    def _read_base(self, base: str, materials: Materials) -> str:
        from tinybert.distillation.check import TOKENS_DIFFER
        from tinybert.modeling.blocks import blocks
        from tinybert.modeling.hub import find_folder, hash_model
        from tinybert.modeling.load import check_tables, load_model, load_tokenizer
        from tinybert.modeling.other_models import reads_alike
        from tinybert.runtime.config import max_positions

        folder = find_folder(base)
        tokenizer = load_tokenizer(folder)
        if materials.task.reads == "all" and not reads_alike(tokenizer, materials.tokenizer):
            raise InputError(f"{base}: {TOKENS_DIFFER}")
        materials.check_length(max_positions(read_config(folder)), base)
        model = load_model(folder, materials.task, new_head=True)
        check_tables(model, tokenizer, base, pair=materials.task.joins_pairs)
        blocks(model)  # refuses layers of a kind that no step can open
        return hash_model(folder)

    def _read_checkpoint(self, materials: Materials) -> list[str]:
        if not self.from_checkpoint:
            return []
        from tinybert.modeling.hub import find_folder, hash_model
        from tinybert.modeling.other_models import check_vocabulary, has_tokenizer

        with placed("init"):
            folder = find_folder(self.init)
            self._check_checkpoint(folder, materials.config)
            if has_tokenizer(folder):
                check_vocabulary(folder, materials.tokenizer)
        return [hash_model(folder)]

    def _check_checkpoint(self, folder: Path, teacher: Mapping[str, Any]) -> None:
        theirs = read_config(folder)
        sizes = family_of(teacher.get("model_type")).sizes
        wanted = {name: getattr(self, ours) for ours, name in sizes.names.items()}
        wanted |= {name: teacher.get(name) for name in (*TABLES, sizes.positions)}
        if self.positions is not None:
            wanted[sizes.positions] = self.positions + first_position(teacher)
        for name, value in wanted.items():
            if theirs.get(name) != value:
                raise InputError(f"{folder} has {name} {theirs.get(name)}, the student {value}")
