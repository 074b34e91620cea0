"""The files by which Sentence Transformers knows what makes a vector of an encoder's states."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError, short
from tinybert.families.registry import width_of
from tinybert.tasks.sentence_embedding import CLASS_END, SentenceEmbedding, pooling_of

MODULES = "modules.json"
SETTINGS, PROMPTS = "sentence_bert_config.json", "config_sentence_transformers.json"
POOLING, DENSE, NORMALIZE = "1_Pooling", "2_Dense", "3_Normalize"

_POOLINGS = {
    "mean": "pooling_mode_mean_tokens",
    "cls": "pooling_mode_cls_token",
    "weightedmean": "pooling_mode_weightedmean_tokens",
}
_TYPES = "sentence_transformers.models."


def as_sentence_encoder(
    config: Mapping[str, Any],
    modules: Any,
    read: Callable[[str], Mapping[str, Any]],
    has: Callable[[str], bool],
    name: str,
) -> dict[str, Any]:
    """The config.json of a bare encoder with what modules.json says is done with its states.

    Args:
        config: Of the encoder.
        modules: What modules.json holds.
        read: Reads a JSON file below the folder.
        has: Whether there is such a file.
        name: Of modules.json, for messages.

    Returns:
        The same where it is no bare encoder, or the modules are not those of one vector a text, or
        ask for what is not done here.

    Raises:
        InputError: modules.json is broken.
    """
    architectures = config.get("architectures") or []
    bare = len(architectures) == 1 and str(architectures[0]).endswith("Model")
    if not bare or "tinybert" in config:
        return dict(config)
    if not isinstance(modules, list) or not all(isinstance(each, Mapping) for each in modules):
        raise InputError(f"{name}: expected a list of modules, got {short(modules)}")
    kinds = [str(each.get("type")).rpartition(".")[2] for each in modules]
    if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
        return dict(config)  # other modules change the vector: it is no more than an encoder here
    paths = [each.get("path") for each in modules]
    if paths[0] != "" or not isinstance(paths[1], str) or Path(paths[1]).name != paths[1]:
        return dict(
            config
        )  # the encoder lies elsewhere, or something outside of the folder is read
    beside = [read(each) for each in (SETTINGS, PROMPTS) if has(each)]
    if any(each.get("do_lower_case") or each.get("default_prompt_name") for each in beside):
        return dict(config)  # texts would have to be changed before they are read
    settings = read(f"{paths[1]}/config.json")
    modes = {
        key for key, value in settings.items() if key.startswith("pooling_mode") and value is True
    }
    mode = settings.get("pooling_mode")  # as newer versions write it
    found = [each for each, key in _POOLINGS.items() if modes == {key} or mode == each]
    if not found:
        return dict(config)
    stem = str(architectures[0]).removesuffix("Model")
    task = {
        "kind": SentenceEmbedding.kind,
        "pooling": found[0],
        "normalize": kinds[2:] == ["Normalize"],
        "vector": pooling_of(config)[2],
    }
    return {**config, "architectures": [stem + CLASS_END], "tinybert": {"task": task}}


def sentence_files(config: Mapping[str, Any], length: int | None) -> dict[str, Any]:
    """What Sentence Transformers reads beside an encoder of ours, by path; empty of others.

    Args:
        config: Its config.json.
        length: Tokens that texts are cut to; None where nothing says.

    Example:
        >>> sentence_files({"architectures": ["BertForSequenceClassification"]}, 128)
        {}
    """
    names = config.get("architectures") or []
    if not any(str(name).endswith(CLASS_END) for name in names):
        return {}
    pooling, normalizes, vector = pooling_of(config)
    width = width_of(config)
    parts = {"": "Transformer", POOLING: "Pooling", DENSE: "Dense"}
    parts |= {NORMALIZE: "Normalize"} if normalizes else {}
    return {
        MODULES: [
            {"idx": at, "name": str(at), "path": path, "type": _TYPES + kind}
            for at, (path, kind) in enumerate(parts.items())
        ],
        f"{POOLING}/config.json": {
            "word_embedding_dimension": width,
            **{key: each == pooling for each, key in _POOLINGS.items()},
            "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False,
        },
        f"{DENSE}/config.json": {
            "in_features": width,
            "out_features": vector,
            "bias": False,
            "activation_function": "torch.nn.modules.linear.Identity",
        },
        SETTINGS: {"max_seq_length": length, "do_lower_case": False},
        PROMPTS: {
            "prompts": {},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }
