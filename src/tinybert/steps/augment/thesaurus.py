"""Synonyms in a file of a user's, in the format of Solr and Elasticsearch."""

from pathlib import Path

from tinybert.base.errors import InputError, short
from tinybert.data.lines import read_lines


def read_thesaurus(path: Path) -> dict[str, list[str]]:
    """The words that may stand for each word, by the word in lower case.

    A line is `big, large, huge`, of which each may stand for the others, or `car => automobile,
    motor car`, one way. Blank lines and those that begin with # are left out.

    Args:
        path: The file.

    Raises:
        InputError: It can't be read, or a line has one word only.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "words.txt"
        >>> _ = path.write_text("big, large\\ncar => motor car\\n")
        >>> read_thesaurus(path)
        {'big': ['large'], 'large': ['big'], 'car': ['motor car']}
    """
    found: dict[str, list[str]] = {}
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        left, arrow, right = line.partition("=>")
        words, others = _words(left), _words(right) if arrow else _words(left)
        if not words or not others or (not arrow and len(words) < 2):
            raise InputError(
                f"{path}: line {number}: expected words with commas between, or "
                f"`word => word, word`, got {short(line)}"
            )
        for word in words:
            own = found.setdefault(word.lower(), [])
            own += [each for each in others if each != word and each not in own]
    if not found:
        raise InputError(f"{path}: has no words")
    return found


def _words(text: str) -> list[str]:
    return [" ".join(word.split()) for word in text.split(",") if word.strip()]
