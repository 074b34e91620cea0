"""The one place where Transformers loads a tokenizer: a fast one, as artifacts carry."""

from importlib.util import find_spec
from pathlib import Path

import transformers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from tinybert.base.errors import InputError, said
from tinybert.modeling.hub import require_model_files
from tinybert.modeling.own_code import NOT_RUN, refuse_own_code
from tinybert.modeling.pretrained import load_config
from tinybert.runtime.config import read_object
from tinybert.runtime.panics import quiet_panics

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
    return tokenizer


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
        f"{folder}: its tokenizer, a {name}, is written in Python and has no fast form "
        "(tokenizer.json), which compressed models carry; take a model that has one"
    )
