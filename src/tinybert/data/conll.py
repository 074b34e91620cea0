"""Words with tags, as the CoNLL shared tasks write them: a word a line, a blank line a sentence."""

import re
from pathlib import Path

from tinybert.base.errors import InputError, short
from tinybert.data.lines import read_lines
from tinybert.data.table import Table

_BLANKS = re.compile(r"[ \t]+")

DOCUMENT = "-DOCSTART-"
"""What a line between two documents begins with."""


def read_conll(path: Path, word: int = 0, tag: int = -1) -> Table:
    """Reads sentences; columns are parted by tabs if the first line has one, else by blanks.

    Args:
        path: The file.
        word: The column of the word, counted from 0.
        tag: The column of its tag; -1 is the last.

    Returns:
        "tokens" and "tags", lists of strings; its rows are named by their first line.

    Raises:
        InputError: A line lacks a column or has another number of them than the first, or the
            file has no sentence; the message names the line.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "train.txt"
        >>> _ = file.write_text("-DOCSTART- O\\n\\nEU B-ORG\\nrejects O\\n\\nPeter B-PER\\n")
        >>> read_conll(file).columns
        {'tokens': [['EU', 'rejects'], ['Peter']], 'tags': [['B-ORG', 'O'], ['B-PER']]}
    """
    tokens: list[list[str]] = []
    tags: list[list[str]] = []
    numbers: list[int] = []
    inside, width, tabs = False, 0, None
    for number, line in enumerate(read_lines(path), 1):
        line = line.strip(" \r\n")
        if not line.strip() or line.startswith(DOCUMENT):
            inside = False
            continue
        tabs = "\t" in line if tabs is None else tabs
        cells = line.split("\t") if tabs else _BLANKS.split(line)
        cells = [cell.strip(" ") for cell in cells]
        try:
            found = cells[word], cells[tag]
        except IndexError:
            found = "", ""
        if len(cells) < 2 or not all(cell.strip() for cell in found) or "\r" in line:
            raise InputError(
                f"{path}: line {number}: expected a word and its tag with a "
                f"{'tab' if tabs else 'blank'} between, got {short(line)}"
            )
        width = width or len(cells)
        if len(cells) != width:
            raise InputError(
                f"{path}: line {number}: has {len(cells)} columns, and those before it {width}: "
                f"{short(line)}"
            )
        if not inside:
            tokens.append([])
            tags.append([])
            numbers.append(number)
            inside = True
        tokens[-1].append(found[0])
        tags[-1].append(found[1])
    if not tokens:
        raise InputError(f"{path}: has no sentence: lines of a word and its tag")
    if word == 0 and _are_counted(tokens):
        raise InputError(
            f"{path}: line {numbers[0]}: the first column counts the words (1, 2, ...); where the "
            "second has the words, say so to the task: `columns: [2, -1]`"
        )
    return Table({"tokens": tokens, "tags": tags}, str(path), numbers, "line")


def _are_counted(sentences: list[list[str]]) -> bool:
    """Whether all words are their own numbers, as in the first column of CoNLL-U."""
    return all(
        words == [str(number) for number in range(1, len(words) + 1)] for words in sentences
    ) and any(len(words) > 1 for words in sentences)
