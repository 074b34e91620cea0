"""The one place where Transformers loads a config and weights, and what it must not drop unseen."""

import contextlib
import logging
import re
import sys
from collections.abc import Collection, Iterator
from inspect import getsource
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from transformers import AutoConfig, PretrainedConfig, PreTrainedModel

from tinybert.base.errors import InputError, said
from tinybert.families import FAMILIES, find_family
from tinybert.modeling.own_code import NOT_RUN, refuse_own_code
from tinybert.modeling.shape import shaped
from tinybert.modeling.transposed import open_layers
from tinybert.runtime.config import read_config, read_object
from tinybert.tasks.config import ACTIVATION

_LAYER = re.compile(r"\.layers?\.(\d+)\.")

_HARMLESS = ("position_ids",)
"""What older versions stored although it says nothing."""

_OTHER_HEADS = {
    *(name for family in FAMILIES.values() for name in family.masked_lm),
    *("pooler", "sop_classifier", "discriminator_predictions", "seq_relationship"),
    *("fit_dense", "fit_denses"),  # TinyBERT's own checkpoints: what its students learned by
}
"""Heads of pretraining, and what they read: many fine-tuned models' files still have them."""

_DEFAULTS = {"position_embedding_type": "absolute"}
"""Keys of config.json that Transformers once honoured for more models than now."""


class Loaded(NamedTuple):
    """A model and what Transformers drew at random because the files don't have it, or else."""

    module: PreTrainedModel
    missing: list[str]
    mismatched: list[str]


def load_config(folder: Path) -> PretrainedConfig:
    """Reads config.json as Transformers does, for a model that is to give its logits only.

    Output flags are cleared: they change nothing that is computed, but what a model returns.

    Raises:
        InputError: It is broken, or doesn't say which architecture it is of.
    """
    settings = read_config(folder)
    if not settings.get("model_type"):
        # Transformers would look for an architecture's name in that of the folder.
        raise InputError(
            f"{folder / 'config.json'}: doesn't say its architecture; if it is BERT's, add "
            '"model_type": "bert"'
        )
    try:
        if read_object(folder / "config.json").get("model_type"):
            config = AutoConfig.from_pretrained(folder, **NOT_RUN)
        else:
            config = AutoConfig.for_model(**settings)
    except Exception as error:  # its own, those of the hub's dataclasses, ...
        refuse_own_code(folder, error)
        raise _not_whole(folder, error) from None
    config.output_attentions = config.output_hidden_states = False
    config.return_dict = True
    if getattr(config, "chunk_size_feed_forward", 0):
        config.chunk_size_feed_forward = 0  # the same numbers; lengths that are no multiples fail
    family = find_family(config.model_type)
    if family is not None and family.causal:
        config.use_cache = False  # of what it would go on writing with
    for key in (ACTIVATION, "tinybert"):
        if key in settings and not hasattr(config, key):
            setattr(config, key, settings[key])  # from a file of its own
    return config


def load_weights(
    model_class: Any, folder: Path, config: PretrainedConfig, *, new_head: bool = False
) -> Loaded:
    """Loads a model, fp32 and in eval mode, whose encoder is wholly that of the files.

    Args:
        model_class: The class of `transformers`, before it has the shape that `config` notes.
        folder: Has the weights.
        config: Of the model to make.
        new_head: Whether the head may be of another size in the files.

    Raises:
        InputError: The files are broken, lack weights of the encoder, have some that this class
            would leave out, or some that are no finite numbers; or config.json asks for what this
            version of Transformers doesn't do.
    """
    try:
        with _unreported():
            module, loading = shaped(model_class, config).from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # to name them below, which its own error does not
                **NOT_RUN,
            )
    except Exception as error:  # its own, of safetensors, of pickle, of the hub's dataclasses, ...
        refuse_own_code(folder, error)
        raise _not_whole(folder, error) from None
    for name, in_file, in_model in sorted(loading["mismatched_keys"]):
        if not new_head or is_encoders(module, name):
            raise InputError(
                f"{folder}: {name} is {list(in_file)} in the weights "
                f"but {list(in_model)} by config.json"
            )
    missing = sorted(loading["missing_keys"])
    _check_missing(folder, module, missing)
    _check_unexpected(folder, module, loading["unexpected_keys"], new_head)
    _check_honoured(folder, module)
    mismatched = [name for name, *_ in loading["mismatched_keys"]]
    _check_finite(folder, module, {*missing, *mismatched})
    open_layers(module)
    return Loaded(module.eval(), missing, mismatched)


_REPORTS = ("modeling_utils", "distributed.tensor_parallel")
"""Where Transformers says which weights it found, and which it did not spread over devices."""


@contextlib.contextmanager
def _unreported() -> Iterator[None]:
    """A block in which Transformers does not print what is checked here and said in a line."""
    loggers = [logging.getLogger(f"transformers.{name}") for name in _REPORTS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def is_encoders(module: PreTrainedModel, name: str) -> bool:
    """Whether a weight is the encoder's: neither a head's nor the pooler's, which heads read.

    Args:
        module: The model.
        name: Of a weight in a file, which has or lacks the prefix of the model's encoder.

    Example:
        >>> from transformers import BertConfig, BertModel
        >>> model = BertModel(BertConfig(vocab_size=9, hidden_size=8, num_attention_heads=2,
        ...     num_hidden_layers=1, intermediate_size=8))
        >>> names = ["bert.encoder.x", "encoder.x", "bert.pooler.dense.bias", "cls.x"]
        >>> [is_encoders(model, name) for name in names]
        [True, True, False, False]
    """
    prefix = f"{module.base_model_prefix}."
    first = name.removeprefix(prefix).partition(".")[0]
    parts = {part for part, _ in module.base_model.named_children()}
    return first != "pooler" and (name.startswith(prefix) or first in parts)


def _check_missing(folder: Path, module: PreTrainedModel, missing: list[str]) -> None:
    if scores := [name for name in missing if name.endswith(".selection.weight")]:
        raise InputError(
            f"{folder}: its files lack {scores[0]}, which says what tokens go on; make it anew "
            "with `shorten`"
        )
    if lacking := [name for name in missing if is_encoders(module, name)]:
        raise InputError(
            f"{folder}: its files lack {_count(lacking)} of the encoder of a "
            f"{type(module).__name__}; their names or the architecture in config.json are wrong"
        )


def _check_unexpected(
    folder: Path, module: PreTrainedModel, names: Collection[str], new_head: bool
) -> None:
    """Refuses weights that would be left out, but for heads that the model is not used with."""
    layers = getattr(module.config, "num_hidden_layers", None) or sys.maxsize
    left = [
        name
        for name in sorted(names)
        if (is_encoders(module, name) or not (new_head or _is_other_head(module, name)))
        and not name.endswith(_HARMLESS)
        and not any(int(layer) >= layers for layer in _LAYER.findall(name)[:1])
    ]
    if left:
        raise InputError(
            f"{folder}: its files have {_count(left)}, which a "
            f"{type(module).__name__} doesn't know and would leave out, so that it would compute "
            "something else; take a model that this version of Transformers holds whole"
        )


def _is_other_head(module: PreTrainedModel, name: str) -> bool:
    """Whether a weight is of a head of pretraining, or the model is without a head itself."""
    first = name.removeprefix(f"{module.base_model_prefix}.").partition(".")[0]
    return first in _OTHER_HEADS or module.base_model is module


def _check_honoured(folder: Path, module: PreTrainedModel) -> None:
    for key, usual in _DEFAULTS.items():
        asked = getattr(module.config, key, None)
        if asked in (None, usual):
            continue
        # Classes with another shape are defined here, so the file is the stock class's.
        source = getsource(sys.modules[type(module.base_model).__module__])
        if key not in source:
            raise InputError(
                f"{folder / 'config.json'}: {key} is {str(asked)[:99]!r}, which this version of "
                f"Transformers no longer honours for {module.config.model_type}: it would compute "
                f"something else; take a model whose {key} is {usual!r}"
            )


def _check_finite(folder: Path, module: nn.Module, drawn: Collection[str]) -> None:
    for name, weight in module.named_parameters():
        # A sum is the quickest test; it may overflow where all is well.
        if name not in drawn and not weight.sum().isfinite() and not weight.isfinite().all():
            raise InputError(
                f"{folder}: {name} has weights that are no finite numbers (NaN or infinity); was "
                "its training broken off by a too high learning rate?"
            )


def _count(names: list[str]) -> str:
    more = f" and {len(names) - 1} more weights" if len(names) > 1 else ""
    return f"{names[0]}{more}"


def _not_whole(folder: Path, error: Exception) -> InputError:
    return InputError(f"{folder}: not a whole Hugging Face model ({said(error)})")
