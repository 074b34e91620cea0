"""The one place where Transformers loads a tokenizer: a fast one, as artifacts carry."""

import json
from importlib.util import find_spec
from pathlib import Path

import transformers
from transformers import (
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from tinybert.base.errors import InputError, said
from tinybert.base.files import write_text
from tinybert.families import find_family
from tinybert.modeling.hub import require_model_files
from tinybert.modeling.own_code import NOT_RUN, refuse_own_code
from tinybert.modeling.pretrained import load_config
from tinybert.runtime.config import read_object
from tinybert.runtime.panics import quiet_panics
from tinybert.tasks.causal_lm import writes_texts

_SETTINGS = "tokenizer_config.json"


def load_fast_tokenizer(folder: str | Path) -> PreTrainedTokenizerFast:
    """Loads the tokenizer of a Hugging Face directory.

    Raises:
        InputError: There is none that has, or can be given, a fast form (tokenizer.json).
    """
    folder = Path(folder)
    # Without a config of ours Transformers would look for the architecture in the folder's name.
    options = {"config": load_config(folder)} if (folder / "config.json").exists() else {}
    require_model_files(folder)
    try:
        with quiet_panics():
            tokenizer = AutoTokenizer.from_pretrained(folder, **options, **NOT_RUN)
    except Exception as error:  # OSError, ValueError, KeyError, those of tokenizers, ...
        refuse_own_code(folder, error)
        _refuse_slow(folder, _class_name(folder))
        reason = said(error)
        if not (folder / "tokenizer.json").exists():
            reason = _sentencepiece(folder) or reason
            raise InputError(
                f"{folder}: has no tokenizer.json, and none can be made of its other files "
                f"({reason})"
            ) from None
        raise InputError(f"{folder}: its tokenizer is broken ({reason})") from None
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise _slow(folder, type(tokenizer).__name__)
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        # What Transformers makes of a folder without a tokenizer: every word unknown.
        raise InputError(f"{folder}: has no tokenizer.json and no vocabulary to make one of")
    if tokenizer.pad_token is None and _writes(folder):
        tokenizer.pad_token = tokenizer.eos_token  # GPT-2's has none, and any will do
    return tokenizer


def save_tokenizer(tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Writes a tokenizer's files, its tokenizer.json in one line.

    Transformers indents it, which makes that of a trimmed vocabulary half as large again: in a
    model of a megabyte, more than a layer.

    Args:
        tokenizer: A fast one.
        folder: Is made where it is missing.
    """
    tokenizer.save_pretrained(folder)
    path = folder / "tokenizer.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    write_text(path, json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def _writes(folder: Path) -> bool:
    path = folder / "config.json"
    return path.exists() and writes_texts(read_object(path))


def _class_name(folder: Path) -> str | None:
    path = folder / _SETTINGS
    return read_object(path).get("tokenizer_class") if path.exists() else None


def _refuse_slow(folder: Path, name: str | None) -> None:
    """Refuses a class that would be slow even if the packages that it asks for were there."""
    known = getattr(transformers, name, None) if isinstance(name, str) else None
    if isinstance(known, type) and not issubclass(known, PreTrainedTokenizerFast):
        raise _slow(folder, known.__name__)


def _sentencepiece(folder: Path) -> str | None:
    """What is missing to read a SentencePiece model; Transformers then asks for `tiktoken`."""
    files = sorted(path.name for path in folder.glob("*.model"))
    if not files or find_spec("sentencepiece") is not None:
        return None
    return f"{files[0]} needs sentencepiece; run: pip install sentencepiece protobuf"


def _slow(folder: Path, name: str) -> InputError:
    return InputError(
        f"{folder}: its tokenizer, {name}, is written in Python and has no fast form "
        "(tokenizer.json), which compressed models carry; take a model that has one"
    )


def check_inputs(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, source: str) -> None:
    """Refuses a tokenizer whose padding or token types a causal model would take for words.

    Args:
        model: Of any family.
        tokenizer: What pads its rows.
        source: The model's name, for messages.

    Raises:
        InputError: One of them names no padding token, they differ, or there are token types.
    """
    family = find_family(model.config.model_type)
    if family is None or family.reads != "last":
        return
    writes = writes_texts(model.config.to_dict())
    if "token_type_ids" in tokenizer.model_input_names:
        raise InputError(
            f"{source}: its tokenizer gives token types, which {model.config.model_type} models "
            'looks up among its words; set "model_input_names": ["input_ids", "attention_mask"] '
            "in tokenizer_config.json"
        )
    if writes and tokenizer.pad_token_id is None:
        raise InputError(
            f"{source}: its tokenizer names neither a padding token nor an end of texts; set "
            '"pad_token" or "eos_token" in tokenizer_config.json'
        )
    if writes:  # what stands behind the text is seen by none of it
        return
    own, given = model.config.pad_token_id, tokenizer.pad_token_id
    if own is None or own != given:
        raise InputError(
            f"{source}: reads the last token that is no padding, so that config.json must name "
            f"the tokenizer's padding token; its pad_token_id is {own}, the tokenizer's {given}: "
            "set both (a pad_token of its own in tokenizer_config.json is best)"
        )
