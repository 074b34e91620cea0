"""Where a recipe may write: in no folder of others, and over nothing that it reads."""

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tinybert.output.claim import check_apart, check_claim, is_published, named_folder
from tinybert.output.publication import check_places
from tinybert.recipe.recipe import Recipe
from tinybert.recipe.several import named_by_parts
from tinybert.report.publish import published_names, sure_names


def check_out(out: str | Path, recipe: Recipe) -> Path:
    """The output folder of a recipe, if the recipe may be run there.

    Raises:
        InputError: It has files that no run wrote, one that the recipe reads and a run replaces, or
            one of its user's where the run will write.
    """
    folder = named_folder(out)
    check_claim(folder, "compress")
    paths = list(read_by(recipe))
    source = Path(recipe.source.name)
    if source.is_file() and not is_published(folder, source):
        paths.append(("the recipe", source))
    check_apart(folder, paths, published_names())
    check_places(folder, sure_names(recipe.export))
    return folder


def read_by(recipe: Recipe) -> Iterator[tuple[str, Path]]:
    """Every file and folder that a recipe names and that is there, with the name of its key.

    A step's option counts where its value happens to be the name of one: too much is no harm.

    Example:
        >>> recipe = Recipe.from_mapping({"teacher": "no/such", "task": "glue/sst-2",
        ...     "data": {"train": "."}})
        >>> list(read_by(recipe))
        [('data.train', PosixPath('.'))]
    """
    values = recipe.resolved()
    data = {key: values["data"][key] for key in ("train", "eval", "soft_labels", "unlabeled")}
    read = {"teacher": values["teacher"], "data": data, "steps": values["steps"]}
    read["task.tasks"] = named_by_parts(values["task"])
    for key, text in _strings(read, ""):
        if os.path.exists(text):
            yield key, Path(text)
        elif glob.has_magic(text):
            yield from ((key, Path(path)) for path in glob.iglob(text, recursive=True))


def _strings(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        # A NUL can be in no path, and the system's calls raise at one.
        if value and "\0" not in value:
            yield key, value
        return
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield from _strings(inner, f"{key}.{name}" if key else str(name))
