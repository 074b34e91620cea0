"""Search by vectors, measured as others measure it."""

import numpy as np
import pytest

from tinybert.base.errors import InputError
from tinybert.data.table import Table
from tinybert.tasks import get_task, task_from_config
from tinybert.tasks.outputs import Outputs
from tinybert.tasks.sentence_embedding import SentenceEmbedding


def drawn(seed, queries=7, documents=40, width=5):
    """Vectors of queries and documents, and grades of some documents a query."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(queries + documents, width)).astype(np.float32)
    grades = rng.integers(0, 4, (queries, documents)) * (rng.random((queries, documents)) < 0.2)
    grades[:, 0] = 1
    relevant = [
        *({queries + at: float(grade) for at, grade in enumerate(row) if grade} for row in grades),
        *([None] * documents),
    ]
    table = Table({"text": ["a"] * (queries + documents), "relevant": relevant}, "folder")
    return vectors, grades, table


@pytest.mark.parametrize("seed", range(3))
def test_metrics_are_those_of_scikit_learn(seed):
    from sklearn.metrics import average_precision_score, ndcg_score

    vectors, grades, table = drawn(seed)
    queries = len(grades)
    scaled = vectors * np.linspace(0.5, 2, len(vectors), dtype=np.float32)[:, None]
    task = get_task("retrieval")
    found = task.score(Outputs({"logits": scaled}), task.examples(table).labels)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = unit[:queries] @ unit[queries:].T
    assert found["ndcg_at_10"] == pytest.approx(ndcg_score(grades, alike, k=10), abs=1e-6)
    mean = np.mean([average_precision_score(g > 0, s) for g, s in zip(grades, alike, strict=True)])
    assert found["map"] == pytest.approx(mean, abs=1e-6)


def test_vectors_are_cut_where_that_is_asked_for():
    vectors, _, table = drawn(0)
    short = get_task({"kind": "retrieval", "truncate_dim": 3})
    labels = short.examples(table).labels
    cut = get_task("retrieval").score(Outputs({"logits": vectors[:, :3]}), labels)
    assert short.score(Outputs({"logits": vectors}), labels) == cut


def test_a_model_is_one_of_sentence_embedding():
    model = SentenceEmbedding(pooling="cls", vector=8)
    task = get_task("retrieval", model)
    assert task.pooling == "cls"
    config = {
        "architectures": ["BertForSentenceEmbedding"],
        "hidden_size": 8,
        **task.model_config(),
    }
    assert task_from_config(config) == model


def test_a_query_without_anything_relevant_does_not_count():
    vectors, _, table = drawn(0)
    task = get_task("retrieval")
    before = task.score(Outputs({"logits": vectors}), task.examples(table).labels)
    none = {
        "text": [*table.columns["text"], "b"],
        "relevant": [*table.columns["relevant"], {8: 0.0}],
    }
    after = task.examples(Table(none, "folder")).labels
    more = np.concatenate([vectors, vectors[:1]])
    assert task.score(Outputs({"logits": more}), after) == before


def test_what_is_no_such_folder_is_refused():
    with pytest.raises(InputError, match="expected a folder in BEIR layout"):
        get_task("retrieval").examples(Table({"text": ["a"]}, "rows.csv"))
    nothing = Table({"text": ["a", "b"], "relevant": [{1: 0.0}, None]}, "folder")
    with pytest.raises(InputError, match="no document is relevant"):
        get_task("retrieval").examples(nothing)
