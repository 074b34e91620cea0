"""Hub data sets, with `datasets` standing in for the network."""

import sys

import datasets
import huggingface_hub
import pytest

from tinybert.base.errors import InputError
from tinybert.data import has_splits, read

FEATURES = datasets.Features(
    {"sentence": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])}
)


def split(*labels):
    rows = {"sentence": ["text"] * len(labels), "label": list(labels)}
    return datasets.Dataset.from_dict(rows, features=FEATURES)


@pytest.fixture
def hub(monkeypatch):
    """A hub of the data sets put into this dict by (name, config)."""
    sets = {}
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda self, name, timeout: None)
    monkeypatch.setattr(datasets, "load_dataset", lambda name, config: sets[name, config])
    return sets


def test_class_numbers_become_names_and_no_label_becomes_none(hub):
    hub["org/set", None] = {"train": split(1, 0, -1)}
    assert read("org/set").columns["label"] == ["pos", "neg", None]


def test_class_numbers_in_lists_become_names(hub):
    names = datasets.ClassLabel(names=["O", "B-PER"])
    features = datasets.Features(
        {"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(names)}
    )
    rows = {"tokens": [["she", "ate"], ["it"]], "ner_tags": [[1, 0], [0]]}
    hub["org/set", None] = {"train": datasets.Dataset.from_dict(rows, features=features)}
    assert read("org/set").columns["ner_tags"] == [["B-PER", "O"], ["O"]]


def test_numbers_of_classes_in_lists_become_names(hub):
    features = datasets.Features({"labels": datasets.List(datasets.ClassLabel(names=["a", "b"]))})
    rows = datasets.Dataset.from_dict({"labels": [[1, 0], []]}, features=features)
    hub["org/set", None] = {"train": rows}
    assert read("org/set").columns["labels"] == [["b", "a"], []]


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        (["train", "test", "validation"], "validation"),
        (["train", "test"], "test"),
        (["train", "validation_matched", "validation_mismatched"], "validation_matched"),
    ],
)
def test_evaluation_rows_come_from_the_validation_split_or_the_test_split(hub, splits, expected):
    hub["org/set", "part"] = {name: split(name == expected) for name in splits}
    table = read("org/set:part", "eval")
    assert table.columns["label"] == ["pos"]
    assert table.source == f"org/set:part ({expected})"
    assert has_splits("org/set:part")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("org/other", "can't be read as a hub data set"),
        ("org/test-only", "no train split; it has: test"),
        ("org/empty", "has no rows"),
    ],
)
def test_what_the_hub_lacks_is_refused(hub, name, message):
    hub["org/test-only", None] = {"test": split(1)}
    hub["org/empty", None] = {"train": split()}
    with pytest.raises(InputError, match=f"{name}: .*{message}"):
        read(name)


def test_no_network_is_one_clear_line(monkeypatch):
    def offline(self, name, timeout):
        raise OSError("[Errno -2] Name or service not known\nwhile asking")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", offline)
    with pytest.raises(InputError, match=r"org/set: .*Name or service not known") as caught:
        read("org/set")
    assert "\n" not in str(caught.value)


def test_without_datasets_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match=r"pip install 'tinybert\[train\]'"):
        read("org/set")
