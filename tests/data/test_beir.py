"""A folder in BEIR layout: what is broken in it is named."""

import json

import numpy as np
import pytest

from tinybert.base.errors import InputError
from tinybert.data import read
from tinybert.data.layout import BEIR_LAYOUT
from tinybert.tasks import get_task
from tinybert.tasks.outputs import Outputs

CORPUS = [{"_id": "d1", "title": "Rome", "text": "a town"}, {"_id": "d2", "text": "a film"}]
QUERIES = [{"_id": "q1", "text": "films"}, {"_id": "q2", "text": "unjudged"}]
JUDGED = ["query-id\tcorpus-id\tscore", "q1\td2\t2", "q1\td1\t0"]


def folder(path, corpus=CORPUS, queries=QUERIES, judged=JUDGED):
    """Writes one."""
    (path / "qrels").mkdir()
    for name, rows in {"corpus": corpus, "queries": queries}.items():
        (path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (path / "qrels" / "test.tsv").write_text("\n".join(judged), encoding="utf-8")
    return path


def test_queries_that_are_judged_come_first_and_documents_have_their_titles(tmp_path):
    table = read(folder(tmp_path), "eval", BEIR_LAYOUT)
    assert table.columns == {
        "text": ["films", "Rome a town", "a film"],
        "relevant": [{2: 2.0, 1: 0.0}, None, None],
    }


def test_a_document_that_is_the_query_itself_is_not_looked_for(tmp_path):
    corpus = [*CORPUS, {"_id": "q1", "text": "films"}]
    table = read(folder(tmp_path, corpus=corpus), "eval", BEIR_LAYOUT)
    assert table.columns["relevant"][0] == {2: 2.0, 1: 0.0, 3: -1.0}
    task = get_task("retrieval")
    vectors = np.float32([[1, 0], [0, 1], [0.5, 0.5], [1, 0]])
    found = task.score(Outputs({"logits": vectors}), task.examples(table).labels)
    assert found == {"ndcg_at_10": 1.0, "map": 1.0}


def test_texts_to_learn_from_are_all_that_there_are(tmp_path):
    table = read(folder(tmp_path), "train", BEIR_LAYOUT)
    assert table.columns == {"text": ["films", "unjudged", "Rome a town", "a film"]}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"judged": [*JUDGED, "q9\td1\t1"]}, r"test.tsv: row 4: 'q9' is not in queries.jsonl"),
        ({"judged": [*JUDGED, "q1\td9\t1"]}, r"test.tsv: row 4: 'd9' is not in corpus.jsonl"),
        ({"judged": [*JUDGED, "q1\td1\tx"]}, r"row 4: score: expected a number ≥ 0, got 'x'"),
        ({"judged": [*JUDGED, "q1\td1\t-1"]}, r"row 4: score: expected a number ≥ 0, got '-1'"),
        ({"judged": [*JUDGED, "q1\td1\tnan"]}, r"row 4: score: expected a number ≥ 0, got 'nan'"),
        ({"judged": ["a\tb\tc", "q1\td1\t1"]}, r"test.tsv: no column 'query-id'"),
        ({"corpus": [*CORPUS, CORPUS[0]]}, r"corpus.jsonl: row 3: the _id 'd1' is there more than"),
        ({"corpus": [{"_id": 1, "text": "a"}]}, r'corpus.jsonl: row 1: expected {"_id": "...",'),
        ({"corpus": [{"_id": "d1", "text": " "}]}, r"corpus.jsonl: row 1: has neither title nor"),
        ({"queries": [{"text": "a"}]}, r"queries.jsonl: no column '_id'"),
    ],
)
def test_what_is_broken_is_named(tmp_path, broken, message):
    with pytest.raises(InputError, match=message):
        read(folder(tmp_path, **broken), "eval", BEIR_LAYOUT)


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_what_is_missing_is_named(tmp_path, name):
    (folder(tmp_path) / name).unlink()
    with pytest.raises(InputError, match=name):
        read(tmp_path, "eval", BEIR_LAYOUT)
