"""Where each value of a recipe was written, so that an error can say it."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tinybert.base.errors import InputError, LocatedError, cut, said, short
from tinybert.base.files import require_file

LARGEST_FILE = 1 << 18
"""Bytes of a recipe; PyYAML takes seconds for as many."""

MOST_VALUES = 10_000
"""The most values of a recipe, aliases followed: a few lines of them can stand for 10^9 values."""

DEEPEST = 30
"""Brackets within brackets."""

_POSITION = re.compile(r"[0-9]{1,6}")
"""The number of an entry in a list; `isdigit` also takes "²", and `int` fails at 5,000 digits."""

Place = tuple[str | int, ...]
"""Keys and list positions from the top of the recipe to a value."""


class _Loader(yaml.SafeLoader):
    """Reads 3e-5 as the number that everyone means; to YAML 1.1 it is text without a dot."""

    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        """A bracket; PyYAML takes a time that grows with the square of those that are open."""
        if self.flow_level > DEEPEST:
            raise yaml.scanner.ScannerError(
                None, None, "brackets are nested too deeply", self.get_mark()
            )
        super().fetch_flow_collection_start(token)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """The value of a node; what Python finds wrong with it has a line as YAML's errors have.

        A date in month 13, "!!int x", a number of 5,000 digits: PyYAML lets their errors through.
        """
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, AttributeError, LookupError, OverflowError) as error:
            if isinstance(error, yaml.YAMLError):
                raise
            problem = f"not a value: {said(error)}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None


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
        values, lines = read_yaml(path)
        if not isinstance(values, dict):
            raise InputError(f"{path}: expected a recipe: a mapping with `teacher`, `task`, ...")
        return cls(values, str(path), lines)

    def error(self, place: Place, message: str) -> LocatedError:
        """The error of the value at `place`, with its line or the `--set` that gave it."""
        if place:  # what raised it may name the key too
            message = message.removeprefix(f"{place[-1]}: ")
        keys = cut(".".join(map(str, place)), 100)
        for length in range(len(place), -1, -1):
            part = place[:length]
            if part in self.overridden:
                return LocatedError(f"--set {cut(self.overridden[part], 100)}: {keys}: {message}")
            if part in self.lines:
                return LocatedError(f"{self.name}:{self.lines[part]}: {keys}: {message}")
        return LocatedError(f"{self.name}: {keys}: {message}")

    def override(self, assignment: str) -> None:
        """Applies one `path.to.key=value`; the value is read as YAML.

        Raises:
            InputError: It has no "=", or the path leads nowhere.
        """
        path, equals, text = assignment.partition("=")
        option = f"--set {cut(assignment, 200)}"
        if not equals or not path:
            raise InputError(f"{option}: expected path.to.key=value")
        value, _ = _parse(text, option, has_lines=False)
        if value == "" and text.strip(" '\""):  # `|` and `>` begin a text of several lines
            value = text
        for place in self._places(path.split("."), option):
            self._assign(place, value, assignment)

    def _places(self, keys: list[str], option: str) -> list[Place]:
        """The places that a path means; a step may be named without its number."""
        steps = self.values.get("steps")
        if keys[0] != "steps" or len(keys) < 2 or not isinstance(steps, list):
            return [tuple(keys)]
        steps[:] = [{step: {}} if isinstance(step, str) else step for step in steps]
        if _POSITION.fullmatch(keys[1]):
            return [tuple(keys)]
        named: list[Place] = [
            ("steps", index, *keys[1:])
            for index, step in enumerate(steps)
            if isinstance(step, dict) and keys[1] in step
        ]
        if not named:
            raise InputError(f"{option}: the recipe has no step {short(keys[1])}")
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
    where = cut(".".join(map(str, place)), 100)
    if isinstance(parent, dict):
        parent.setdefault(key, None)
        return key
    if not isinstance(parent, list):
        raise InputError(f"--set {cut(assignment, 200)}: {where} is a value, not a section")
    if not _POSITION.fullmatch(str(key)) or int(key) >= len(parent):
        raise InputError(
            f"--set {cut(assignment, 200)}: {where} is a list of {len(parent)}, from 0"
        )
    return int(key)


def read_yaml(path: Path) -> tuple[Any, dict[Place, int]]:
    """What a small YAML file says, and the line of each key.

    Raises:
        InputError: There is no such file, or it is no YAML.
    """
    require_file(path)
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"{path}: is larger than {LARGEST_FILE:,} bytes; is it a recipe?")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable text file ({said(error)})") from None
    return _parse(text, str(path))


def _parse(text: str, name: str, *, has_lines: bool = True) -> tuple[Any, dict[Place, int]]:
    """The value of a YAML text, and the line of each key in it.

    Args:
        text: YAML.
        name: Of where it is from, for messages.
        has_lines: Whether one can look up a line there.

    Raises:
        InputError: It is not YAML, or not what a recipe may hold.
    """
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        lines: dict[Place, int] = {}
        if root is None:
            return None, lines
        _add_lines(lines, root)
        return loader.construct_document(root), lines
    except yaml.YAMLError as error:
        raise InputError(_yaml_message(name, error, has_lines)) from None
    except RecursionError:
        raise InputError(f"{name}: a value holds itself, or is nested too deeply") from None
    except ValueError as error:  # "\\U00110000" in quotes, of which PyYAML makes a character
        raise InputError(f"{name}: not YAML: {said(error)}") from None


def _add_lines(lines: dict[Place, int], node: yaml.Node, place: Place = ()) -> None:
    """Notes the line, from 1, of every key and list entry below a node."""

    def add(inner: Place, line: int, value: yaml.Node) -> None:
        lines[inner] = line + 1
        if len(lines) > MOST_VALUES:
            raise yaml.constructor.ConstructorError(
                None, None, f"more than {MOST_VALUES:,} values, aliases followed", node.start_mark
            )
        _add_lines(lines, value, inner)

    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be text", key.start_mark
                )
            inner = (*place, key.value)
            if inner in lines:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {short(key.value)} is given twice", key.start_mark
                )
            add(inner, key.start_mark.line, value)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            add((*place, index), value.start_mark.line, value)


def _yaml_message(name: str, error: yaml.YAMLError, has_lines: bool) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = cut(getattr(error, "problem", None) or "not valid YAML")
    return f"{name}:{mark.line + 1}: {problem}" if mark and has_lines else f"{name}: {problem}"
