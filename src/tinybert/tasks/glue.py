"""The tasks of GLUE (https://gluebenchmark.com) as rows: columns, labels, metrics, files.

Labels have the names and the order of the hub's copy ("nyu-mll/glue"), so that 0 and 1
in the files stand for the first and the second.
"""

from tinybert.data.layout import Layout
from tinybert.tasks.task import Task
from tinybert.tasks.text_classification import TextClassification
from tinybert.tasks.text_regression import TextRegression

_ENTAILMENT = ("entailment", "not_entailment")

GLUE: dict[str, Task] = {
    "glue/cola": TextClassification(
        labels=("unacceptable", "acceptable"),
        metrics=("matthews", "accuracy"),
        layout=Layout(header=("source", "label", "star", "sentence")),
    ),
    "glue/sst-2": TextClassification(labels=("negative", "positive")),
    "glue/mrpc": TextClassification(
        text=("#1 String", "#2 String"),
        label="Quality",
        labels=("not_equivalent", "equivalent"),
        metrics=("f1", "accuracy"),
    ),
    "glue/qqp": TextClassification(
        text=("question1", "question2"),
        label="is_duplicate",
        labels=("not_duplicate", "duplicate"),
        metrics=("f1", "accuracy"),
        layout=Layout(broken_rows=True),  # a few of its train.tsv, which GLUE's own code skips too
    ),
    "glue/sts-b": TextRegression(text=("sentence1", "sentence2"), label="score"),
    "glue/mnli": TextClassification(
        text=("sentence1", "sentence2"),
        label="gold_label",
        labels=("entailment", "neutral", "contradiction"),
        layout=Layout(eval="dev_matched.tsv"),
    ),
    "glue/qnli": TextClassification(text=("question", "sentence"), labels=_ENTAILMENT),
    "glue/rte": TextClassification(text=("sentence1", "sentence2"), labels=_ENTAILMENT),
    "glue/wnli": TextClassification(
        text=("sentence1", "sentence2"), labels=("not_entailment", "entailment")
    ),
}
"""GLUE's tasks by their name in a recipe."""
