"""Damaged data: tables, corpora, files of texts."""

import itertools
import json
from pathlib import Path
from typing import Any

from fuzz import mutators
from fuzz.mutators import Dice


def rows(dice: Dice, base: Path, work: Path) -> None:
    """A data set: .tsv, .csv, .jsonl."""
    suffix = dice.choice([".tsv", ".csv", ".jsonl"])
    values = [json.loads(line) for line in (base / "reviews.jsonl").read_text().splitlines()]
    if suffix == ".jsonl" and dice.random() < 0.5:
        values = mutators.mutate_value(dice, values)
    content = _table_bytes(values if isinstance(values, list) else [values], suffix)
    if suffix != ".jsonl" or dice.random() < 0.5:
        content = mutators.mutate_bytes(dice, content)
    path = work / f"data{suffix}"
    path.write_bytes(content)
    _examples(dice, path)


def _table_bytes(values: list[Any], suffix: str) -> bytes:
    if suffix == ".jsonl":
        return "\n".join(map(json.dumps, values)).encode("utf-8", "surrogatepass")
    mark = "\t" if suffix == ".tsv" else ","
    return "".join(
        f"{mark.join(row)}\n" for row in [["sentence", "label"], *([*v.values()] for v in values)]
    ).encode()


def _examples(dice: Dice, path: Path) -> None:
    from tinybert.data import read
    from tinybert.tasks import get_task

    kind = dice.choice(["text-classification", "text-regression"])
    table = read(path)
    task = get_task(kind).fit(table)
    task.model_config()
    task.examples(table)


def parquet(dice: Dice, base: Path, work: Path) -> None:
    """A Parquet file: columns of any type, and damaged bytes."""
    import pyarrow
    import pyarrow.parquet

    path = work / "data.parquet"
    odd = [
        pyarrow.array([10**13, -(10**13), None, 0], pyarrow.timestamp("s")),
        pyarrow.array([2**62, 1, None, 0], pyarrow.timestamp("us", "UTC")),
        pyarrow.array([2**40, 1, None, 0], pyarrow.timestamp("ns", "Mars/Olympus")),
        pyarrow.array([2**30, 1, None, 0], pyarrow.date32()),
        pyarrow.array([2**60, 1, None, 0], pyarrow.duration("s")),
        pyarrow.array([b"\xff", b"a", None, b""], pyarrow.binary()),
        pyarrow.array([[1], [], None, [2]], pyarrow.list_(pyarrow.int64())),
        pyarrow.array([{"a": 1}, None, {"a": 2}, {}], pyarrow.struct({"a": pyarrow.int8()})),
        pyarrow.array([float("nan"), float("inf"), None, 1e300]),
        pyarrow.array(["a", "b", None, "a"]).dictionary_encode(),
        pyarrow.nulls(4),
    ]
    columns = {
        "sentence": pyarrow.array(["good", "bad", "dull", "fine"]),
        "label": pyarrow.array([1, 0, 0, 1]),
        "more": dice.choice(odd),
    }
    if dice.random() < 0.4:
        columns[dice.choice(list(columns))] = dice.choice(odd)
    if dice.random() < 0.1:
        # Dictionaries of one value: a few bytes for any number of rows.
        columns = {"sentence": ["good"] * 50_000, "label": [1] * 50_000}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    if dice.random() < 0.5:
        path.write_bytes(mutators.mutate_bytes(dice, path.read_bytes()))
    if dice.random() < 0.5:
        return _examples(dice, path)
    return _passages(path)


def corpus(dice: Dice, base: Path, work: Path) -> None:
    """A corpus or a file of texts: .txt, .txt.gz, .jsonl.gz."""
    import gzip

    from tinybert.cli.texts import TextInput
    from tinybert.tasks import get_task

    suffix = dice.choice([".txt", ".txt.gz", ".jsonl.gz"])
    name = "reviews.jsonl" if "jsonl" in suffix else "corpus.txt"
    content = mutators.mutate_bytes(dice, (base / name).read_bytes())
    if suffix.endswith(".gz"):
        content = gzip.compress(content)
        if dice.random() < 0.5:
            content = mutators.mutate_bytes(dice, content)
    path = work / f"corpus{suffix}"
    path.write_bytes(content)
    if suffix == ".txt" and dice.random() < 0.5:
        list(TextInput(file=str(path)).rows(get_task("text-classification"), 1))
        return
    _passages(path)


def _passages(path: Path) -> None:
    from tinybert.data.corpus import hash_corpus, read_corpus

    hash_corpus([str(path)])
    for _ in itertools.islice(read_corpus([str(path)]), 100_000):
        pass
