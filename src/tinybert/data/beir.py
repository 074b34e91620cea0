"""Queries, documents, and which documents answer which query, in a folder as BEIR lays it out."""

from pathlib import Path
from typing import Any

from tinybert.base.errors import InputError, short
from tinybert.data.delimited import read_tsv
from tinybert.data.jsonl import read_jsonl
from tinybert.data.layout import Split
from tinybert.data.table import Table

CORPUS = "corpus.jsonl"
"""The documents of a folder in BEIR layout."""

ITSELF = -1.0
"""The grade of a document that is the query itself, which is not looked for."""

_JUDGED = ("query-id", "corpus-id", "score")


def read_beir(folder: Path, split: Split) -> Table:
    """Reads corpus.jsonl, queries.jsonl and, of qrels, test.tsv (or dev.tsv where there is none).

    Args:
        folder: Has them.
        split: "eval" reads the queries that are judged, then all documents; "train" the texts of
            all queries and documents, of which nothing is known.

    Returns:
        "text", of a document its title and its text; and "relevant": of a query grades by the row
        of the document, counted from 0, of a document None. A document with the query's own id is
        the query itself, in BEIR's program too: it has the grade -1.

    Raises:
        InputError: A file is missing or broken, an id is there twice, or one is judged that is not
            there.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "corpus.jsonl").write_text('{"_id": "d1", "title": "", "text": "a film"}')
        >>> _ = (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "films"}')
        >>> (folder / "qrels").mkdir()
        >>> rows = "query-id\\tcorpus-id\\tscore\\nq1\\td1\\t1"
        >>> _ = (folder / "qrels" / "test.tsv").write_text(rows)
        >>> read_beir(folder, "eval").columns
        {'text': ['films', 'a film'], 'relevant': [{1: 1.0}, None]}
    """
    documents = _texts(folder / CORPUS)
    queries = _texts(folder / "queries.jsonl")
    if split == "train":
        return Table({"text": [*queries.values(), *documents.values()]}, str(folder))
    found = [
        path for name in ("test", "dev") if (path := folder / "qrels" / f"{name}.tsv").exists()
    ]
    if not found:
        raise InputError(f"{folder}: has no qrels/test.tsv, which says what answers which query")
    table = read_tsv(found[0])
    ids, judged, grades = (table.column(name) for name in _JUDGED)
    place = {id_: row for row, id_ in enumerate(documents)}
    relevant: dict[str, dict[int, float]] = {}
    for row, (query, document, grade) in enumerate(zip(ids, judged, grades, strict=True)):
        for id_, known, file in ((query, queries, "queries"), (document, documents, "corpus")):
            if id_ not in known:
                raise InputError(f"{table.where(row)}: {short(id_)} is not in {file}.jsonl")
        relevant.setdefault(query, {})[place[document]] = _grade(table, row, grade)
    for query, grades_of in relevant.items():
        if query in place:
            grades_of[place[query]] = ITSELF
    texts = [queries[query] for query in relevant]
    return Table(
        {
            "text": [*texts, *documents.values()],
            "relevant": [
                *(
                    {len(texts) + at: grade for at, grade in judged.items()}
                    for judged in relevant.values()
                ),
                *([None] * len(documents)),
            ],
        },
        str(folder),
    )


def _grade(table: Table, row: int, cell: str) -> float:
    try:
        grade = float(cell)
    except ValueError:
        grade = -1.0
    if not 0 <= grade < float("inf"):
        raise InputError(f"{table.where(row)}: score: expected a number ≥ 0, got {short(cell)}")
    return grade


def _texts(path: Path) -> dict[str, str]:
    """Texts by id, in the file's order."""
    if not path.exists():
        raise InputError(
            f"{path.parent}: has no {path.name}; a folder in BEIR layout has corpus.jsonl, "
            "queries.jsonl and qrels/test.tsv"
        )
    table = read_jsonl(path)
    titles = table.columns.get("title") or [None] * len(table)
    texts: dict[str, str] = {}
    for row, (id_, title, text) in enumerate(
        zip(table.column("_id"), titles, table.column("text"), strict=True)
    ):
        if not isinstance(id_, str) or not isinstance(text, str) or not _is_text(title):
            raise InputError(
                f'{table.where(row)}: expected {{"_id": "...", "text": "..."}}, and a "title" that '
                "is text if there is one"
            )
        if id_ in texts:
            raise InputError(f"{table.where(row)}: the _id {short(id_)} is there more than once")
        texts[id_] = f"{title or ''} {text}".strip()
        if not texts[id_]:
            raise InputError(f"{table.where(row)}: has neither title nor text")
    return texts


def _is_text(title: Any) -> bool:
    return title is None or isinstance(title, str)
