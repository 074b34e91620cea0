"""Data sets of the Hugging Face Hub, through `datasets`."""

import contextlib
import os
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError, missing_extra, said
from tinybert.data.layout import Split
from tinybert.data.table import Table

_HUB_ID = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(:(?P<config>[\w.-]+))?")


def is_hub_id(data: str) -> bool:
    """Whether a name looks like a hub data set: "org/name" or "org/name:config".

    Example:
        >>> is_hub_id("nyu-mll/glue:sst2"), is_hub_id("../SST-2"), is_hub_id("train.tsv")
        (True, False, False)
    """
    return _HUB_ID.fullmatch(data) is not None


def may_be_hub_id(data: str, formats: Collection[str]) -> bool:
    """Whether a name that is no path here is a hub id rather than a mistyped path.

    "data/train.csv" looks like a hub id too: a name that has one of our suffixes, or lies in a
    folder that is there, is not worth a look on the network.

    Args:
        data: The name.
        formats: The suffixes of files that could have been meant.

    Example:
        >>> may_be_hub_id("nyu-mll/glue", {".csv"}), may_be_hub_id("nowhere/train.csv", {".csv"})
        (True, False)
    """
    known = data.endswith(tuple(formats))
    return is_hub_id(data) and not known and not os.path.isdir(Path(data).parent)


def read_hub(data: str, split: Split) -> Table:
    """Reads one split of a hub data set; class numbers become the class names it declares.

    Args:
        data: "org/name" or "org/name:config".
        split: "train", or "eval" for its validation split, or its test split where it has none.

    Raises:
        InputError: There is no such data set or split, no network, or no `datasets`.
    """
    with _reading(data) as (datasets, arguments):
        splits = datasets.load_dataset(*arguments)
    name = _split_name(splits, split)
    if name is None:
        raise InputError(f"{data}: has no {split} split; it has: {', '.join(splits)}")
    rows = splits[name]
    if not len(rows):
        raise InputError(f"{data}: split {name!r} has no rows")
    columns = {column: _named(rows.features[column], rows[column]) for column in rows.column_names}
    return Table(columns, f"{data} ({name})")


def stream_hub(data: str) -> Iterator[dict[str, Any]]:
    """The rows of a hub data set's train split, fetched as they are read.

    Args:
        data: "org/name" or "org/name:config".

    Raises:
        InputError: There is no such data set or split, no network, or no `datasets`.
    """
    with _reading(data) as (datasets, arguments):
        yield from datasets.load_dataset(*arguments, split="train", streaming=True)


def hub_revision(data: str) -> str:
    """Which version of a hub data set `stream_hub` would read now.

    Raises:
        InputError: There is no such data set, no network, or no `datasets`.
    """
    with _reading(data) as (datasets, arguments):
        return datasets.load_dataset_builder(*arguments).hash


@contextlib.contextmanager
def _reading(data: str) -> Iterator[tuple[Any, tuple[str, str | None]]]:
    """The package `datasets`, and the name and configuration to ask it for."""
    try:
        import datasets
        import huggingface_hub
    except ImportError:
        raise missing_extra("datasets", "train", f"to read {data!r} from the hub") from None

    parts = _HUB_ID.fullmatch(data)
    assert parts is not None, data
    # Whatever goes wrong in there (network, name, configuration, a broken file), and it is many
    # kinds of exception, it is about the name that the user gave.
    try:
        if not huggingface_hub.constants.HF_HUB_OFFLINE:
            # Fails at once where load_dataset retries for half a minute.
            huggingface_hub.HfApi().dataset_info(parts["name"], timeout=10)
        yield datasets, (parts["name"], parts["config"])
    except Exception as error:
        raise InputError(
            f"{data}: no such file or folder here, and it can't be read as a hub data set: "
            f"{said(error)} (HF_HUB_OFFLINE=1 reads a copy downloaded before)"
        ) from None


def _split_name(names: Iterable[str], split: Split) -> str | None:
    """The hub's name for a split; MNLI's "validation_matched" counts as a validation split."""
    prefixes = ("train",) if split == "train" else ("validation", "test")
    matches = (name for prefix in prefixes for name in names if name.startswith(prefix))
    return next(matches, None)


def _named(feature: Any, values: Iterable[Any]) -> list[Any]:
    """Class names for class numbers, alone or in lists; -1, the hub's "no label", becomes None."""
    names = getattr(feature, "names", None)
    if names is None:
        within = getattr(feature, "feature", None)
        if getattr(within, "names", None) is None:
            return list(values)
        return [None if each is None else _named(within, each) for each in values]
    return [None if value is None or value < 0 else names[value] for value in values]
