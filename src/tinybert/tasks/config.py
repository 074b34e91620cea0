"""What a model's config.json says about the task of a sequence classifier."""

from collections.abc import Iterable, Mapping
from typing import Any

from tinybert.errors import InputError


def is_classifier_of(config: Mapping[str, Any], kind: str) -> bool:
    """Whether a config.json is that of a sequence classifier that may be of this kind.

    One that we wrote says its kind; for another the name of its class decides.
    """
    if saved := _saved(config):
        return saved.get("kind") == kind
    architectures = config.get("architectures") or []
    return any(str(name).endswith("ForSequenceClassification") for name in architectures)


def config_labels(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a model's outputs, in order; stock Transformers' own where it gives none.

    Raises:
        InputError: They are not numbered from 0 on.

    Example:
        >>> config_labels({"id2label": {"0": "no", "1": "yes"}}), config_labels({})
        (('no', 'yes'), ('LABEL_0', 'LABEL_1'))
    """
    names = config.get("id2label")
    if names is None:
        return tuple(f"LABEL_{index}" for index in range(config.get("num_labels", 2)))
    try:
        by_id = {int(index): str(name) for index, name in names.items()}
        return tuple(by_id[index] for index in range(len(names)))
    except (AttributeError, KeyError, ValueError):
        raise InputError(
            'config.json: "id2label" must map "0", "1", ... to the names of the labels'
        ) from None


def saved_fields(config: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The fields of a task as `Task.model_config` saved them; empty for another's model.

    Raises:
        InputError: They are damaged.
    """
    saved = _saved(config)
    return {name: _field(name, saved[name]) for name in names if name in saved}


def _field(name: str, value: Any) -> str | tuple[str, ...]:
    if name == "label" and isinstance(value, str):
        return value
    if name != "label" and isinstance(value, list | tuple):
        return tuple(map(str, value))
    raise InputError(f'config.json: "tinybert": "task": {name!r} is damaged')


def _saved(config: Mapping[str, Any]) -> Mapping[str, Any]:
    ours = config.get("tinybert")
    saved = ours.get("task") if isinstance(ours, Mapping) else None
    return saved if isinstance(saved, Mapping) else {}
