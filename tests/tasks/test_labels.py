import pytest

from tinybert.base.errors import InputError
from tinybert.data.table import Table
from tinybert.tasks import get_task


def test_labels_of_5000_digits_are_names():
    names = ["9" * 5000, "1" * 5000]
    task = get_task("text-classification").fit(
        Table({"sentence": ["a", "b"], "label": names}, "data.tsv")
    )
    assert task.labels == ("1" * 5000, "9" * 5000)


def test_a_long_label_is_quoted_short():
    table = Table({"sentence": ["a"], "label": ["x" * 10**6]}, "data.tsv")
    task = get_task({"kind": "text-classification", "labels": ["yes", "no"]})
    with pytest.raises(InputError, match=r"data\.tsv: row 1: unknown label") as refused:
        task.examples(table)
    assert len(str(refused.value)) < 600
    with pytest.raises(InputError, match="every row has the label") as refused:
        get_task("text-classification").fit(table)
    assert len(str(refused.value)) < 600
