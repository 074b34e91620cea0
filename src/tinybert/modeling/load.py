"""Loading and saving Hugging Face models as every room of the house wants them."""

from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers import (
    BatchEncoding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from tinybert.base.errors import InputError
from tinybert.base.files import atomic_path
from tinybert.families import family_of, require
from tinybert.modeling.heads import find_head
from tinybert.modeling.parts import masked_lm_modules
from tinybert.modeling.pretrained import load_config, load_weights
from tinybert.modeling.sentence_encoder import save_sentence_files
from tinybert.modeling.shape import note_shape
from tinybert.modeling.tokenizer import check_inputs, load_fast_tokenizer, save_tokenizer
from tinybert.runtime.config import read_config
from tinybert.tasks import task_from_config
from tinybert.tasks.config import ACTIVATION, OLD_ACTIVATION
from tinybert.tasks.task import Task, Text


def known_task(config: dict[str, Any]) -> Task | None:
    """The task of a config.json's model; None where it has no head for one of ours."""
    try:
        return task_from_config(config)
    except InputError:
        return None


def why_no_task(config: dict[str, Any], task: Task) -> str:
    """Why `known_task` knows none: a bare encoder, or a head for something else."""
    try:
        task_from_config(config)
    except InputError as error:
        names = [str(name) for name in config.get("architectures") or []]
        bare = all(name.endswith(("Model", "MaskedLM", "PreTraining")) for name in names)
        if not bare:
            return str(error)
    return f"has no head for {task.kind}"


def load_model(folder: Path, task: Task, *, new_head: bool = False) -> PreTrainedModel:
    """Loads a model with the task's head, fp32, in eval mode.

    Args:
        folder: A Hugging Face directory.
        task: Names the head and its labels.
        new_head: Whether the head may be missing in the files, or be another task's, and start
            at random.

    Raises:
        InputError: The weights are broken, don't fit config.json, or the head is missing.
    """
    if not new_head or _has_head(read_config(folder), task):
        # Checks what Transformers would only warn about: weights missing or of another shape.
        from tinybert.modeling.torch_model import load_torch

        model = load_torch(folder)
        _ = model.task
        module = model.module
    else:
        module = _with_new_head(folder, task)
    module.config.update(task.model_config())
    return module.float().eval()


def _has_head(config: dict[str, Any], task: Task) -> bool:
    known = known_task(config)
    try:
        return known is not None and bool(task.for_model(known))
    except InputError:
        return False


def _with_new_head(folder: Path, task: Task) -> PreTrainedModel:
    from tinybert.modeling.torch_model import load_torch

    load_torch(folder)  # its checks
    config = load_config(folder)
    for key in (ACTIVATION, OLD_ACTIVATION):  # of the old head
        vars(config).pop(key, None)
    config.update(task.model_config())
    head = find_head(task.head)
    model, missing, mismatched = load_weights(head, folder, config, new_head=True)
    new = {*missing, *mismatched}
    _forget_head(model, new)
    return model


@torch.no_grad()
def _forget_head(model: PreTrainedModel, new: Container[str]) -> None:
    """Draws what is not new of a head again: another task's may happen to have the same shape."""
    base = model.base_model_prefix
    for name, weight in model.named_parameters():
        if not name.startswith(f"{base}.") and name not in new:
            if weight.dim() > 1:
                nn.init.normal_(weight, std=model.config.initializer_range)
            else:
                nn.init.zeros_(weight)


def load_masked_lm(folder: Path) -> PreTrainedModel:
    """Loads a model with its masked-LM head, fp32, in eval mode.

    Raises:
        InputError: The folder has no such model, or its files lack weights of it.
    """
    from tinybert.modeling.torch_model import load_torch

    model = load_torch(folder)
    if not has_masked_lm(model.module):
        raise InputError(
            f"{folder}: has no masked-LM head, it is of the class {type(model.module).__name__}; "
            "name a model that has one"
        )
    if model.untrained:
        raise InputError(
            f"{folder}: its files lack {', '.join(model.untrained)}, so its predictions would be "
            "random; name a model with a trained masked-LM head"
        )
    return model.module


def has_masked_lm(model: PreTrainedModel) -> bool:
    """Whether a model predicts masked words."""
    head: Any = transformers.MODEL_FOR_MASKED_LM_MAPPING.get(type(model.config), None)
    return head is not None and isinstance(model, head)


def masked_lm_head(model: PreTrainedModel) -> nn.Module:
    """What makes logits over the vocabulary of the last hidden states of a masked-LM.

    Raises:
        InputError: The model is no such.

    Example:
        >>> from transformers import RobertaConfig, RobertaForMaskedLM
        >>> model = RobertaForMaskedLM(RobertaConfig(vocab_size=9, hidden_size=8,
        ...     num_hidden_layers=1, num_attention_heads=2, intermediate_size=8))
        >>> masked_lm_head(model)(torch.ones(1, 3, 8)).shape
        torch.Size([1, 3, 9])
    """
    require(family_of(model.config.model_type), "masked-lm")
    if not has_masked_lm(model):
        raise InputError(f"{type(model).__name__} has no masked-LM head that can be used here")
    modules = masked_lm_modules(model)
    return modules[0] if len(modules) == 1 else nn.Sequential(*modules)


def load_tokenizer(folder: str | Path, max_length: int | None = None) -> PreTrainedTokenizerBase:
    """Loads a fast tokenizer.

    Args:
        folder: A Hugging Face directory.
        max_length: Tokens that texts are cut to from now on; None keeps the tokenizer's own.

    Raises:
        InputError: The folder has no tokenizer with a fast form.
    """
    tokenizer = load_fast_tokenizer(folder)
    if max_length is not None:
        tokenizer.model_max_length = max_length
    return tokenizer


def check_tables(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, source: str, *, pair: bool
) -> None:
    """Refuses a tokenizer with ids that a model's tables have no row for.

    Args:
        model: The model.
        tokenizer: What gives it its ids.
        source: The model's name, for messages.
        pair: Whether texts are pairs.

    Raises:
        InputError: There may be a text with such an id.
    """
    from tinybert.modeling.torch_model import tables_of

    check_inputs(model, tokenizer, source)
    tables = tables_of(model, source)
    tables.check(tokenizer.backend_tokenizer, pad_id=tokenizer.pad_token_id or 0, pair=pair)
    tables.check_ids(max(tokenizer.get_vocab().values()), 0)  # an id may be missing before it


def tokenize(
    texts: Sequence[Text], tokenizer: PreTrainedTokenizerBase, max_length: int, **options: Any
) -> BatchEncoding:
    """Tokenizes sentences or pairs, cut to `max_length`; `options` are the tokenizer's."""
    # A list of pairs must be lists, or the tokenizer takes it for pre-split words.
    rows = [list(text) if isinstance(text, tuple) else text for text in texts]
    return tokenizer(rows, max_length=max_length, **{"truncation": True, **options})


def forget_last_call(tokenizer: PreTrainedTokenizerBase) -> None:
    """Takes back the truncation and padding of the last call, or they'd be saved and hashed."""
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Writes a Hugging Face directory, whole or not at all."""
    forget_last_call(tokenizer)
    note_shape(model)
    with atomic_path(folder) as temporary:
        model.save_pretrained(temporary)
        save_tokenizer(tokenizer, temporary)
        save_sentence_files(model, tokenizer, temporary)
