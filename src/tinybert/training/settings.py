"""The settings of a section of a recipe, described for people and programs."""

import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from tinybert.training.section import Config


@dataclass(frozen=True)
class Setting:
    """One key of a section.

    Attributes:
        name: The key.
        values: What may stand there, in words; literal values are in backquotes.
        default: None where it must be given, or its description says what is taken.
        required: Whether it must be given.
        description: What it does.
        sections: The settings that a mapping below this key may have, or each mapping of a list.
    """

    name: str
    values: str
    default: Any
    required: bool
    description: str
    sections: tuple[type[Config], ...] = ()

    @property
    def shown_default(self) -> str:
        """The default as YAML has it; "" where there is none."""
        return "" if self.default is None else _yaml(self.default)


def settings_of(config: type[Config]) -> list[Setting]:
    """The settings of a section, in the order of their declaration.

    Example:
        >>> from tinybert.training.config import TrainingConfig
        >>> first = settings_of(TrainingConfig)[0]
        >>> first.name, first.values, first.shown_default
        ('epochs', 'number > 0', '3')
    """
    return [_setting(name, field) for name, field in config.model_fields.items()]


def all_settings(config: type[Config], prefix: str = "") -> Iterator[Setting]:
    """The settings of a section and of those within it, these with dotted names."""
    for setting in settings_of(config):
        name = f"{prefix}{setting.name}"
        yield Setting(**(vars(setting) | {"name": name}))
        for section in setting.sections:
            yield from all_settings(section, f"{name}.")


def summary(config: type[Config]) -> str:
    """What a section is for, in a sentence."""
    return (config.__doc__ or "").strip().partition("\n")[0]


def about(config: type[Config]) -> str:
    """What a section is for: its docstring, without the indentation."""
    head, _, rest = (config.__doc__ or "").strip().partition("\n")
    return "\n".join([head, textwrap.dedent(rest)]).strip()


def _setting(name: str, field: FieldInfo) -> Setting:
    parts = (field.annotation, *get_args(field.annotation))
    return Setting(
        name,
        _values(field.annotation) + _bounds(field),
        _default(field),
        field.is_required(),
        field.description or "",
        tuple(part for part in parts if isinstance(part, type) and issubclass(part, Config)),
    )


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


def _default(field: FieldInfo) -> Any:
    has_none = field.is_required() or isinstance(field.default, Config)
    return None if has_none else field.default


def _yaml(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:g}".replace("e-0", "e-")
    return json.dumps(value).replace('"', "")
