"""How the files of a data set lie in its folder."""

from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "eval"]
"""Which part of DATA to read, where DATA has parts: a folder or a hub data set."""


@dataclass(frozen=True)
class Layout:
    """The files of a folder in GLUE layout.

    Attributes:
        train: The file of the training split.
        eval: The file of the evaluation split.
        header: The column names of its .tsv files where these have no header row.
        broken_rows: Whether its .tsv files are known to have rows that lack columns, which are
            left out.
    """

    train: str = "train.tsv"
    eval: str = "dev.tsv"
    header: tuple[str, ...] | None = None
    broken_rows: bool = False

    def file(self, split: Split) -> str:
        """The file name of a split.

        Example:
            >>> Layout().file("eval")
            'dev.tsv'
        """
        return self.train if split == "train" else self.eval


GLUE_LAYOUT = Layout()
"""Of most GLUE tasks: two files with header rows."""
