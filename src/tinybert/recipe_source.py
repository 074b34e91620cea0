"""Where each value of a recipe was written, so that an error can say it."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tinybert.errors import InputError

Place = tuple[str | int, ...]
"""Keys and list positions from the top of the recipe to a value."""


class _Loader(yaml.SafeLoader):
    """Reads 3e-5 as the number that everyone means; to YAML 1.1 it is text without a dot."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


@dataclass
class RecipeSource:
    """The raw values of a recipe and where they came from.

    Attributes:
        values: As read.
        name: The file, or "recipe".
        lines: The line of each key in the file.
        overridden: The `--set` that gave a value.
    """

    values: dict[str, Any]
    name: str
    lines: dict[Place, int] = field(default_factory=dict)
    overridden: dict[Place, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "RecipeSource":
        """Reads a YAML file.

        Raises:
            InputError: There is no such file, or it is not YAML with a mapping at its top.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not a readable text file ({error})") from None
        try:
            root = yaml.compose(text, _Loader)
            lines = {} if root is None else _lines(root)
            values = yaml.load(text, _Loader)
        except yaml.YAMLError as error:
            raise InputError(_yaml_message(path, error)) from None
        except RecursionError:
            raise InputError(f"{path}: a value holds itself, or is nested too deeply") from None
        if not isinstance(values, dict):
            raise InputError(f"{path}: expected a recipe: a mapping with `teacher`, `task`, ...")
        return cls(values, str(path), lines)

    def error(self, place: Place, message: str) -> InputError:
        """The error of the value at `place`, with its line or the `--set` that gave it."""
        keys = ".".join(map(str, place))
        if place:  # what raised it may name the key too
            message = message.removeprefix(f"{place[-1]}: ")
        for length in range(len(place), -1, -1):
            part = place[:length]
            if part in self.overridden:
                return InputError(f"--set {self.overridden[part]}: {keys}: {message}")
            if part in self.lines:
                return InputError(f"{self.name}:{self.lines[part]}: {keys}: {message}")
        return InputError(f"{self.name}: {keys}: {message}")

    def override(self, assignment: str) -> None:
        """Applies one `path.to.key=value`; the value is read as YAML.

        Raises:
            InputError: It has no "=", or the path leads nowhere.
        """
        path, equals, text = assignment.partition("=")
        if not equals or not path:
            raise InputError(f"--set {assignment}: expected path.to.key=value")
        try:
            value = yaml.load(text, _Loader)
        except yaml.YAMLError:
            raise InputError(f"--set {assignment}: the value is not YAML") from None
        for place in self._places(path.split("."), assignment):
            self._assign(place, value, assignment)

    def _places(self, keys: list[str], assignment: str) -> list[Place]:
        """The places that a path means; a step may be named without its number."""
        steps = self.values.get("steps")
        if keys[0] != "steps" or len(keys) < 2 or not isinstance(steps, list):
            return [tuple(keys)]
        steps[:] = [{step: {}} if isinstance(step, str) else step for step in steps]
        if keys[1].isdigit():
            return [tuple(keys)]
        named: list[Place] = [
            ("steps", index, *keys[1:])
            for index, step in enumerate(steps)
            if isinstance(step, dict) and keys[1] in step
        ]
        if not named:
            raise InputError(f"--set {assignment}: the recipe has no step {keys[1]!r}")
        return named

    def _assign(self, path: Place, value: Any, assignment: str) -> None:
        """Sets a value, making the sections on its way that are not there."""
        parent: Any = self.values
        place: Place = ()
        for key in path[:-1]:
            key = _key_in(parent, key, place, assignment)
            place = (*place, key)
            if parent[key] is None:
                parent[key] = {}
                self.overridden[place] = assignment
            parent = parent[key]
        last = _key_in(parent, path[-1], place, assignment)
        parent[last] = value
        self.overridden[(*place, last)] = assignment


def _key_in(parent: Any, key: str | int, place: Place, assignment: str) -> str | int:
    """The key of a section, made if need be, or the position in a list, that `key` means."""
    where = ".".join(map(str, place))
    if isinstance(parent, dict):
        parent.setdefault(key, None)
        return key
    if not isinstance(parent, list):
        raise InputError(f"--set {assignment}: {where} is a value, not a section")
    if not str(key).isdigit() or int(key) >= len(parent):
        raise InputError(f"--set {assignment}: {where} is a list of {len(parent)}, from 0")
    return int(key)


def _lines(node: yaml.Node, place: Place = ()) -> dict[Place, int]:
    """The line, from 1, of every key and list entry below a node."""
    lines: dict[Place, int] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be text", key.start_mark
                )
            inner = (*place, key.value)
            if inner in lines:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} is given twice", key.start_mark
                )
            lines[inner] = key.start_mark.line + 1
            lines |= _lines(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            inner = (*place, index)
            lines[inner] = value.start_mark.line + 1
            lines |= _lines(value, inner)
    return lines


def _yaml_message(path: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "not valid YAML"
    return f"{path}:{mark.line + 1}: {problem}" if mark else f"{path}: {problem}"
