"""Python of a user's own that a recipe names, found and read without running it."""

import ast
import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

_MAKES_NAMES = {"exec", "globals", "setattr", "vars", "__getattr__"}


@contextlib.contextmanager
def users_modules() -> Iterator[None]:
    """Looks for modules in the current folder first, as `python -m` does and a script does not."""
    folder = os.getcwd()
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(folder)


def find_module(name: str) -> Path | None:
    """The file of a module, found where an import would find it; None where it has no file.

    Args:
        name: With dots where it lies in a package, which is not imported either.

    Raises:
        ImportError: There is no such module.

    Example:
        >>> find_module("json.decoder").name
        'decoder.py'
    """
    if name in sys.modules:
        file = getattr(sys.modules[name], "__file__", None)
        return None if file is None else Path(file)
    file = None
    with users_modules():
        folders: Sequence[str] | None = None
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            package = ".".join(parts[:count])
            specs = (finder.find_spec(package, folders) for finder in sys.meta_path)
            spec = next((spec for spec in specs if spec is not None), None) if all(parts) else None
            if spec is None:
                raise ImportError(f"No module named {package!r}")
            try:
                folders = [*(spec.submodule_search_locations or [])]
            except KeyError:  # a package without __init__.py in another: known when it is imported
                return None
            file = spec.origin if spec.has_location else None
    return None if file is None else Path(file)


def binds(file: Path, name: str) -> bool:
    """Whether a file of Python may make a name; what is not Python's source may.

    Raises:
        SyntaxError: The file is no Python.

    Example:
        >>> binds(Path(__file__), "binds"), binds(Path(__file__), "unbinds")
        (True, False)
    """
    if file.suffix != ".py":
        return True
    for node in ast.walk(ast.parse(file.read_bytes(), str(file))):
        match node:
            case ast.FunctionDef(name=made) | ast.AsyncFunctionDef(name=made):
                found = {made}
            case ast.ClassDef(name=made) | ast.Name(id=made):
                found = {made}
            case ast.alias(name=made, asname=known_as):
                found = {known_as or made}
            case _:
                continue
        if found & {name, "*", *_MAKES_NAMES}:
            return True
    return False
