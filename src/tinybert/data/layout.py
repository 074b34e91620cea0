"""How the files of a data set lie in its folder."""

from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "eval"]
"""Which part of DATA to read, where DATA has parts: a folder or a hub data set."""


@dataclass(frozen=True)
class Layout:
    """The files of a folder.

    Attributes:
        name: What the layout is called, for messages.
        train: The file of the training split.
        eval: The file of the evaluation split.
        header: The column names of its .tsv files where these have no header row.
        broken_rows: Whether its .tsv files are known to have rows that lack columns, which are
            left out.
        conll: The columns of the word and of its tag where the folder's .txt files are of words
            with tags, counted from 0, or from -1 from the right; None where they are not.
        others: More names that the files may have, by split.
        belongs: Whether the files of the folder belong together, so that none is a split.
    """

    name: str = "GLUE"
    train: str = "train.tsv"
    eval: str = "dev.tsv"
    header: tuple[str, ...] | None = None
    broken_rows: bool = False
    conll: tuple[int, int] | None = None
    others: tuple[tuple[Split, str], ...] = ()
    belongs: bool = False

    def file(self, split: Split) -> str:
        """The file name of a split.

        Example:
            >>> Layout().file("eval")
            'dev.tsv'
        """
        return self.train if split == "train" else self.eval

    def files(self, split: Split) -> list[str]:
        """The file names that a split may have, the usual one first.

        Example:
            >>> CONLL_LAYOUT.files("train")
            ['train.txt', 'train.conll', 'train.jsonl']
        """
        return [self.file(split), *(name for of, name in self.others if of == split)]


GLUE_LAYOUT = Layout()
"""The layout of most GLUE tasks: two files with header rows."""

CONLL_LAYOUT = Layout(
    name="CoNLL",
    train="train.txt",
    eval="valid.txt",
    conll=(0, -1),
    others=(
        ("train", "train.conll"),
        ("train", "train.jsonl"),
        ("eval", "dev.txt"),
        ("eval", "valid.conll"),
        ("eval", "dev.conll"),
        ("eval", "valid.jsonl"),
        ("eval", "dev.jsonl"),
    ),
)
"""The layout of words with tags, as the CoNLL shared tasks have them."""

SQUAD_LAYOUT = Layout(
    name="SQuAD",
    train="train.json",
    eval="dev.json",
    others=(
        ("train", "train-v1.1.json"),
        ("train", "train-v2.0.json"),
        ("train", "train.jsonl"),
        ("eval", "dev-v1.1.json"),
        ("eval", "dev-v2.0.json"),
        ("eval", "dev.jsonl"),
        ("eval", "validation.jsonl"),
    ),
)
"""The layout of questions about contexts, with the names that SQuAD's own files have too."""

BEIR_LAYOUT = Layout(name="BEIR", belongs=True)
"""The layout of queries and documents, as BEIR has them: see `tinybert.data.beir`."""
