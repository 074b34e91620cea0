"""What tokenizer_config.json says against tokenizer.json, honoured as Transformers honours it.

Transformers builds the tokenizers of some classes anew from tokenizer_config.json, and takes the
vocabulary alone from tokenizer.json. Where the two files differ, the tokens would be others here.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors

from tinybert.base.errors import InputError

_BERT = ("Bert", "DistilBert", "Electra", "MobileBert", "SqueezeBert", "LayoutLM", "Lxmert")
_CLASSES = {f"{name}Tokenizer": "bert" for name in _BERT}
_CLASSES |= {"MPNetTokenizer": "mpnet", "AlbertTokenizer": "albert"}
_CLASSES |= dict.fromkeys(["RobertaTokenizer", "LongformerTokenizer"], "roberta")
"""How the classes that Transformers builds anew are built."""

_MODEL_TYPES = {name.lower(): "bert" for name in (*_BERT, "ConvBert")}
_MODEL_TYPES |= {"mpnet": "mpnet", "roberta": "roberta", "albert": "albert"}
"""The same for models whose files name no class of tokenizer."""


def honour(
    tokenizer: Tokenizer, settings: Mapping[str, Any], config: Mapping[str, Any], path: Path
) -> None:
    """Makes a tokenizer give the tokens that Transformers' gives, in place.

    Args:
        tokenizer: As tokenizer.json describes it.
        settings: tokenizer_config.json.
        config: The model's config.json, which says what class `settings` doesn't name.
        path: The file of `settings`, for messages.

    Raises:
        InputError: The two files contradict each other in a way that can't be honoured.
    """
    _check_added(tokenizer, settings, path)
    named = settings.get("tokenizer_class") or config.get("tokenizer_class")
    if named is None:
        kind = _MODEL_TYPES.get(str(config.get("model_type")))
    else:
        kind = _CLASSES.get(str(named).removesuffix("Fast"))
    if kind is None:  # a class that takes tokenizer.json as it is
        return
    model = {"roberta": "BPE", "albert": "Unigram"}.get(kind, "WordPiece")
    if type(tokenizer.model).__name__ != model:
        raise InputError(
            f"{path}: a tokenizer of the class {named or config.get('model_type')} is a {model}, "
            f"and that of tokenizer.json is a {type(tokenizer.model).__name__}; save both files "
            "again by the tokenizer's save_pretrained"
        )
    if kind == "albert":
        _check_albert(tokenizer, settings, path)
    elif kind == "roberta":
        _set_byte_level(tokenizer, settings)
    else:
        _set_bert(tokenizer, settings)
    if kind in _ENDS:
        _set_ends(tokenizer, settings, kind)


def _set_bert(tokenizer: Tokenizer, settings: Mapping[str, Any]) -> None:
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=bool(settings.get("tokenize_chinese_chars", True)),
        strip_accents=settings.get("strip_accents"),
        lowercase=bool(settings.get("do_lower_case", True)),
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    wanted = {
        "unk_token": _content(settings.get("unk_token")) or "[UNK]",
        "max_input_chars_per_word": 100,
        "continuing_subword_prefix": "##",
    }
    model: Any = tokenizer.model
    for name, value in wanted.items():
        if getattr(model, name) != value:
            setattr(model, name, value)


_ENDS = {"bert": ("[CLS]", "[SEP]"), "mpnet": ("<s>", "</s>"), "roberta": ("<s>", "</s>")}
"""What stands before and after a text where the settings don't say."""


def _set_ends(tokenizer: Tokenizer, settings: Mapping[str, Any], kind: str) -> None:
    given = [_content(settings.get(f"{end}_token")) for end in ("cls", "sep")]
    ends = [name or usual for name, usual in zip(given, _ENDS[kind], strict=True)]
    first, last = ((name, tokenizer.token_to_id(name) or 0) for name in ends)
    if any(tokenizer.token_to_id(name) is None for name in ends):
        return
    if kind == "bert":
        single = f"{first[0]}:0 $A:0 {last[0]}:0"
        tokenizer.post_processor = processors.TemplateProcessing(
            single=single, pair=f"{single} $B:1 {last[0]}:1", special_tokens=[first, last]
        )
    else:
        tokenizer.post_processor = processors.RobertaProcessing(last, first)


def _set_byte_level(tokenizer: Tokenizer, settings: Mapping[str, Any]) -> None:
    blank = bool(settings.get("add_prefix_space", False))
    tokenizer.normalizer = None
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=blank)


def _check_albert(tokenizer: Tokenizer, settings: Mapping[str, Any], path: Path) -> None:
    normalizer = json.loads(tokenizer.to_str()).get("normalizer") or {}
    steps = {step.get("type") for step in normalizer.get("normalizers", [normalizer])}
    for key, usual, step, wanted in (
        ("do_lower_case", True, "Lowercase", True),
        ("keep_accents", False, "StripAccents", False),
    ):
        if (bool(settings.get(key, usual)) == wanted) != (step in steps):
            raise InputError(
                f"{path}: {key} is {settings.get(key, usual)}, and tokenizer.json does otherwise; "
                "save both files again by the tokenizer's save_pretrained"
            )


def _check_added(tokenizer: Tokenizer, settings: Mapping[str, Any], path: Path) -> None:
    added = settings.get("added_tokens_decoder")
    for index, token in added.items() if isinstance(added, Mapping) else ():
        content = _content(token)
        if content is not None and str(tokenizer.token_to_id(content)) != str(index):
            raise InputError(
                f"{path}: adds the token {content[:99]!r} as {str(index)[:20]}, and tokenizer.json "
                "doesn't; save both files again by the tokenizer's save_pretrained"
            )


def _content(token: Any) -> str | None:
    """A special token's text, which older files hold in a mapping."""
    content = token.get("content") if isinstance(token, Mapping) else token
    return content if isinstance(content, str) else None
