"""What a model's config.json says about the task of a sequence classifier."""

from collections.abc import Iterable, Mapping
from typing import Any

from tinybert.base.errors import InputError

ACTIVATION = "sentence_transformers"
"""The key of config.json under which a cross-encoder names the activation behind its head."""

OLD_ACTIVATION = "sbert_ce_default_activation_function"
"""The key that older cross-encoders name it under."""

_ACTIVATIONS = {"identity": "linear.Identity", "sigmoid": "activation.Sigmoid"}


def named_activation(config: Mapping[str, Any]) -> str | None:
    """The activation that a cross-encoder's config.json names; None where it names none.

    Raises:
        InputError: It is neither "identity" nor "sigmoid".

    Example:
        >>> path = "torch.nn.modules.activation.Sigmoid"
        >>> named_activation({"sentence_transformers": {"activation_fn": path}})
        'sigmoid'
        >>> named_activation({"sbert_ce_default_activation_function": "torch.nn.Identity"})
        'identity'
    """
    theirs = config.get(ACTIVATION)
    named = theirs.get("activation_fn") if isinstance(theirs, Mapping) else None
    named = named or config.get(OLD_ACTIVATION)
    if named is None:
        return None
    activation = str(named).rpartition(".")[2].lower()
    if activation not in _ACTIVATIONS:
        raise InputError(
            f"config.json: the activation behind its head is {str(named)[:99]!r}; those that can "
            f"be used here are: {', '.join(_ACTIVATIONS)}"
        )
    return activation


def activation_config(activation: str | None) -> dict[str, Any]:
    """What a config.json says of an activation, so that sentence-transformers reads it."""
    if activation is None:
        return {}
    return {ACTIVATION: {"activation_fn": f"torch.nn.modules.{_ACTIVATIONS[activation]}"}}


def is_classifier_of(
    config: Mapping[str, Any], kind: str, head: str = "ForSequenceClassification"
) -> bool:
    """Whether a config.json is that of a classifier that may be of this kind.

    One that we wrote says its kind; for another the end of its class's name decides.

    Example:
        >>> config = {"architectures": ["BertForTokenClassification"]}
        >>> is_classifier_of(config, "token-classification", "ForTokenClassification")
        True
    """
    if saved := saved_task(config):
        return saved.get("kind") == kind
    architectures = config.get("architectures") or []
    return any(str(name).endswith(head) for name in architectures)


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
    saved = saved_task(config)
    return {name: _field(name, saved[name]) for name in names if name in saved}


def _field(name: str, value: Any) -> str | tuple[str, ...]:
    if name == "label" and isinstance(value, str):
        return value
    if name != "label" and isinstance(value, list | tuple):
        return tuple(map(str, value))
    raise InputError(f'config.json: "tinybert": "task": {name!r} is damaged')


def saved_task(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `Task.model_config` saved of a task under "tinybert"; empty for another's model."""
    ours = config.get("tinybert")
    saved = ours.get("task") if isinstance(ours, Mapping) else None
    return saved if isinstance(saved, Mapping) else {}
