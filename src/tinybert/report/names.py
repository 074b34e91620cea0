"""How what a run used is called where others read it: a page or a card that is put on the web.

A path of the machine that it ran on says nothing to them, and much about whose it is. report.json
and recipe.yaml keep the paths, since the run needs them to go on.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinybert.modeling.hub import may_be_hub_id


def is_hub_model(name: str) -> bool:
    """Whether a model's name is that of a hub model, not of a folder here.

    Example:
        >>> is_hub_model("google-bert/bert-base-uncased"), is_hub_model("/home/me/teacher")
        (True, False)
    """
    return may_be_hub_id(name) and not os.path.exists(name)


def shown_name(name: str) -> str:
    """A model's hub id, or the name of its folder.

    Example:
        >>> shown_name("google-bert/bert-base-uncased"), shown_name("/home/me/teacher/")
        ('google-bert/bert-base-uncased', 'teacher')
    """
    return name if is_hub_model(name) else Path(os.path.abspath(name)).name or name


def without_folders(value: Any) -> Any:
    """A recipe, or a part of it, with absolute paths cut down to their last name.

    Example:
        >>> without_folders({"train": "/home/me/train.tsv", "eval": "data/dev.tsv"})
        {'train': '.../train.tsv', 'eval': 'data/dev.tsv'}
    """
    if isinstance(value, Mapping):
        return {key: without_folders(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_folders(each) for each in value]
    if isinstance(value, str) and (os.path.isabs(value) or value.startswith("~")):
        return f".../{Path(value).name}"
    return value
