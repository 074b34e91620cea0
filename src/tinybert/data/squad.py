"""Questions about contexts, in the files that SQuAD 1.1 and 2.0 come in."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError, said, short
from tinybert.data.jsonl import unique_keys
from tinybert.data.lines import read_text
from tinybert.data.table import Table

_COLUMNS = ("id", "question", "context", "answers")

_SHAPE = (
    'expected SQuAD\'s {"data": [{"paragraphs": [{"context": "...", "qas": [{"id": "...", '
    '"question": "...", "answers": [{"text": "...", "answer_start": 0}]}]}]}]}; a file with an '
    "object a line is named .jsonl"
)


def read_squad(path: Path) -> Table:
    """Reads a file whose root is {"data": [{"paragraphs": [{"context", "qas"}]}]}.

    Returns:
        "id", "question", "context" and, where some question has them, "answers": lists of
        {"text", "answer_start"}, none for a question that `is_impossible`. Rows are questions,
        counted through the file from 1.

    Raises:
        InputError: The file is no JSON or of another shape; the message names the place.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "dev.json"
        >>> question = {"id": "1", "question": "Where?", "answers": []}
        >>> paragraph = {"context": "In Rome.", "qas": [question]}
        >>> _ = file.write_text(json.dumps({"data": [{"paragraphs": [paragraph]}]}))
        >>> read_squad(file).columns
        {'id': ['1'], 'question': ['Where?'], 'context': ['In Rome.'], 'answers': [[]]}
    """
    text = read_text(path)
    try:
        root = json.loads(text, object_pairs_hook=unique_keys)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}: line {error.lineno}: not JSON: {error.msg} at character {error.colno}; "
            f"{_SHAPE}"
        ) from None
    except (ValueError, RecursionError) as error:  # a key twice, a number too long, too deep
        raise InputError(f"{path}: not usable JSON: {said(error)}") from None
    found = [*_questions(path, root)]
    if not found:
        raise InputError(f"{path}: has no question; {_SHAPE}")
    names = [name for name in _COLUMNS if any(name in row for row in found)]
    return Table(
        {name: [row.get(name) for row in found] for name in names}, str(path), unit="question"
    )


def is_impossible(question: Mapping[str, Any], where: str) -> bool:
    """Whether a question is said to have no answer, as SQuAD 2.0 has it.

    Args:
        question: Or a row of it.
        where: Names it.

    Raises:
        InputError: It is neither true nor false.

    Example:
        >>> is_impossible({"is_impossible": True}, ""), is_impossible({}, "")
        (True, False)
    """
    found = question.get("is_impossible")
    if found is not None and type(found) is not bool:
        raise InputError(f"{where}: is_impossible is {short(found)}, neither true nor false")
    return bool(found)


def _questions(path: Path, root: Any) -> Iterator[dict[str, Any]]:
    where = str(path)
    for at, article in _items(where, root, "data"):
        for inner, paragraph in _items(at, article, "paragraphs"):
            context = _require(inner, paragraph, "context")
            for place, question in _items(inner, paragraph, "qas"):
                row = {name: question[name] for name in ("id", "answers") if name in question}
                if is_impossible(question, place):
                    if row.get("answers"):
                        raise InputError(f"{place}: is_impossible, and has answers")
                    row["answers"] = []
                yield {**row, "question": _require(place, question, "question"), "context": context}


def _items(where: str, holder: Any, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects of a list, each with how a message names it."""
    items = _require(where, holder, key)
    if not isinstance(items, list):
        raise InputError(f"{where}: {key!r} is {short(items)}, no list; {_SHAPE}")
    for number, item in enumerate(items):
        at = f"{where}{'.' if where.endswith(']') else ': '}{key}[{number}]"
        if not isinstance(item, Mapping):
            raise InputError(f"{at}: is {short(item)}, no object; {_SHAPE}")
        yield at, item


def _require(where: str, holder: Any, key: str) -> Any:
    if not isinstance(holder, Mapping) or key not in holder:
        raise InputError(f"{where}: has no {key!r}; {_SHAPE}")
    return holder[key]
