"""Documents that are found by the vectors of queries: how good sentence encoders are for search."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError
from tinybert.data.beir import ITSELF
from tinybert.data.layout import BEIR_LAYOUT, Layout
from tinybert.data.table import Table
from tinybert.tasks.outputs import Outputs
from tinybert.tasks.sentence_embedding import SentenceEmbedding, unit
from tinybert.tasks.task import Examples

_AT = 10
_QUERIES_AT_ONCE = 256
_RELEVANT = "relevant"


@dataclass(frozen=True, kw_only=True)
class Retrieval(SentenceEmbedding):
    """Search by sentence embeddings, in a folder as BEIR lays it out.

    The models are those of sentence-embedding; this is another way to measure them.

    Example:
        >>> rows = {"text": ["films", "a film"], "relevant": [{1: 1.0}, None]}
        >>> task = Retrieval()
        >>> labels = task.examples(Table(rows, "folder")).labels
        >>> vectors = np.eye(2, dtype=np.float32)
        >>> task.score(Outputs({"logits": vectors}), labels)
        {'ndcg_at_10': 1.0, 'map': 1.0}
    """

    kind: ClassVar[str] = "retrieval"
    options: ClassVar[tuple[str, ...]] = ("metrics", "truncate_dim")
    scored_by: ClassVar[tuple[str, ...]] = ("ndcg_at_10", "map")

    text: tuple[str, ...] = ("text",)
    label: str = _RELEVANT
    metrics: tuple[str, ...] = ("ndcg_at_10", "map")
    layout: Layout = BEIR_LAYOUT

    def is_unlabeled(self, table: Table) -> bool:
        """Whether nothing says what answers which query."""
        return _RELEVANT not in table.columns

    def examples(self, table: Table, labeled: bool = True) -> Examples:
        """Queries and documents, a text a row; of a query what is relevant, of a document None."""
        if not labeled:
            return super().examples(table, labeled)
        if _RELEVANT not in table.columns:
            raise InputError(
                f"{table.source}: expected a folder in BEIR layout: corpus.jsonl, queries.jsonl "
                "and qrels/test.tsv"
            )
        labels = np.empty(len(table), object)
        labels[:] = table.column(_RELEVANT)
        if not any(grade > 0 for judged in labels if judged for grade in judged.values()):
            raise InputError(f"{table.source}: no document is relevant to a query")
        return Examples(self.rows(table), labels, table.source)

    def as_teacher(self) -> SentenceEmbedding:
        """Sentence embeddings with the metric of texts without scores."""
        return replace(
            SentenceEmbedding(),
            pooling=self.pooling,
            normalize=self.normalize,
            vector=self.vector,
            truncate_dim=self.truncate_dim,
        ).as_teacher()

    def model_config(self) -> dict[str, Any]:
        """A model is one of sentence-embedding."""
        return replace(
            SentenceEmbedding(), pooling=self.pooling, normalize=self.normalize, vector=self.vector
        ).model_config()

    def tally(self, outputs: Outputs, labels: NDArray[Any]) -> NDArray[Any]:
        """The nDCG at 10 and the average precision of each query, (queries, 2).

        Queries with nothing relevant count for nothing, as in TREC's own program.
        """
        vectors = unit(self.cut(outputs.logits))
        documents = np.flatnonzero([each is None for each in labels])
        queries = [
            at for at, judged in enumerate(labels) if judged and any(map(_counts, judged.values()))
        ]
        found = []
        for start in range(0, len(queries), _QUERIES_AT_ONCE):
            some = queries[start : start + _QUERIES_AT_ONCE]
            for query, alike in zip(some, vectors[some] @ vectors[documents].T, strict=True):
                grades = np.zeros(len(labels))
                grades[[*labels[query]]] = [*labels[query].values()]
                own = grades[documents]
                order = np.argsort(-alike, kind="stable")
                order = order[own[order] != ITSELF]
                found.append(_measures(own[order]))
        return np.array(found)

    def measure(self, metric: str, tally: NDArray[Any]) -> float:
        """The mean over queries."""
        return float(tally[:, self.scored_by.index(metric)].mean())

    def guesses(self, examples: Examples) -> Iterator[Outputs]:
        """Vectors that are all alike, by which documents are found in the order of their rows."""
        yield Outputs({"logits": np.ones((len(examples), self.width), np.float32)})

    @classmethod
    def from_model_config(cls, config: Mapping[str, Any]) -> None:
        """None: models are sentence-embedding's."""


def _counts(grade: float) -> bool:
    return grade > 0


def _measures(grades: NDArray[np.float64]) -> tuple[float, float]:
    """nDCG at 10, and average precision over all, of the grades of documents as they were found.

    A grade counts as it is, divided by the logarithm of its place (Järvelin and Kekäläinen 2002),
    as TREC's own program and BEIR do.

    Example:
        >>> ndcg, precision = _measures(np.array([0.0, 1.0, 0.0, 1.0]))
        >>> round(ndcg, 4), precision
        (0.6509, 0.5)
    """
    discounts = 1 / np.log2(np.arange(2, _AT + 2))
    best = np.sort(grades)[::-1][:_AT]
    gained, possible = (float(each[:_AT] @ discounts[: len(each[:_AT])]) for each in (grades, best))
    places = np.flatnonzero(grades > 0)
    return gained / possible, float((np.arange(1, len(places) + 1) / (places + 1)).mean())
