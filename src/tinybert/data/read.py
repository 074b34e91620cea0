"""Reading DATA: a file, a folder in GLUE, CoNLL, SQuAD or BEIR layout, or a hub data set."""

import os
from pathlib import Path

from tinybert.base.errors import InputError, short
from tinybert.data.beir import read_beir
from tinybert.data.conll import read_conll
from tinybert.data.delimited import read_csv, read_tsv
from tinybert.data.hub import may_be_hub_id, read_hub
from tinybert.data.jsonl import read_jsonl
from tinybert.data.layout import GLUE_LAYOUT, Layout, Split
from tinybert.data.lines import read_lines
from tinybert.data.parquet import read_parquet
from tinybert.data.squad import read_squad
from tinybert.data.table import Table

_READERS = {
    ".csv": read_csv,
    ".json": read_squad,
    ".jsonl": read_jsonl,
    ".parquet": read_parquet,
}
FORMATS = tuple(sorted([".conll", ".tsv", *_READERS]))
"""The suffixes of tables that `read` takes; texts alone, a line each, may also be a .txt."""


def read(
    data: str | os.PathLike[str],
    split: Split = "train",
    layout: Layout = GLUE_LAYOUT,
    column: str = "sentence",
) -> Table:
    """Reads the rows of DATA.

    Args:
        data: A .tsv, .csv, .jsonl, .conll or .parquet file, a .json file as SQuAD has them, a
            folder in GLUE, CoNLL, SQuAD or BEIR layout, or a hub id ("org/name" or
            "org/name:config"), which is tried only where no such path exists. A .txt file is a
            text a line, unless the layout says that it has words with tags.
        split: The part to read of a folder or a hub data set; a file is one part.
        layout: The file names and header of the folder, such as `task.layout`.
        column: What the column of a .txt file's texts is called.

    Raises:
        InputError: It can't be read; the message names the file and the row.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "train.tsv"
        >>> _ = file.write_text("sentence\\tlabel\\na great film\\t1\\n")
        >>> read(file).columns
        {'sentence': ['a great film'], 'label': ['1']}
    """
    path = Path(data)
    if has_splits(data):
        if not os.path.isdir(path):
            return read_hub(str(data), split)
        if layout.belongs:
            return read_beir(path, split)
        path = _file_of_split(path, layout, split)
    elif not os.path.exists(path):
        raise InputError(f"{data}: no such file or folder")
    if path.suffix == ".tsv":
        return read_tsv(path, layout.header, skip_broken=layout.broken_rows)
    if path.suffix in _READERS:
        return _READERS[path.suffix](path)
    if path.suffix == ".txt" and layout.conll is None:
        texts = [line for line in read_lines(path) if line.strip()]
        return Table({column: texts}, str(path))
    if path.suffix == ".conll" or (path.suffix == ".txt" and layout.conll):
        return read_conll(path, *(layout.conll or (0, -1)))
    raise InputError(
        f"{path}: unknown format {short(path.suffix)}; known: {', '.join(FORMATS)}, .txt"
    )


def _file_of_split(folder: Path, layout: Layout, split: Split) -> Path:
    """The file of a split: as the layout has it, or of the same name in another format."""
    usual, *other_names = layout.files(split)
    wanted = folder / usual
    if wanted.is_file():
        return wanted
    if named := [name for name in other_names if (folder / name).is_file()]:
        if len(named) > 1:
            raise InputError(f"{folder}: has {' and '.join(named)}; name the file to read")
        return folder / named[0]
    others = [file for suffix in FORMATS if (file := wanted.with_suffix(suffix)).is_file()]
    if len(others) > 1:
        found = " and ".join(file.name for file in others)
        raise InputError(f"{folder}: has {found}; name the file to read")
    if not others:
        raise InputError(
            f"{folder}: this folder has no {wanted.name}; a folder in "
            f"{layout.name} layout has {layout.train} and {layout.eval}, "
            f"or files of these names that end in {', '.join(FORMATS)}"
        )
    return others[0]


def has_splits(data: str | os.PathLike[str]) -> bool:
    """Whether DATA brings its own evaluation split: a folder or a hub id, but not a file.

    Example:
        >>> has_splits("nyu-mll/glue:sst2"), has_splits("train.tsv")
        (True, False)
    """
    if os.path.exists(data):  # unlike Path.exists, never raises on odd names
        return os.path.isdir(data)
    return may_be_hub_id(str(data), (*FORMATS, ".txt"))
