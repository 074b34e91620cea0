import json
from html.parser import HTMLParser

import pytest
import yaml

from tinybert.report.build import build_report
from tinybert.report.page import report_page
from tinybert.tasks import get_task

STEP = {
    "name": "distill",
    "seconds": 1234.5,
    "metric": 0.875,
    "parameters": 250_000,
    "bytes": 10**6,
}


class Page(HTMLParser):
    """The text of a page, and whether every element that was opened is closed in order."""

    def __init__(self, page):
        super().__init__()
        self.open, self.texts, self.links = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture
def report(measurements):
    return build_report(measurements, get_task("glue/sst-2"), 10, [STEP], {"teacher": "<my> & co"})


def test_the_page_is_whole_and_loads_nothing(report):
    page = Page(report_page(report))
    assert page.open == []
    assert page.links == []
    assert "teacher: <my> & co\n" in page.texts


def test_the_page_tells_every_model_and_step(report):
    texts = Page(report_page(report)).texts
    for figure in (
        "onnx/model_quantized.onnx",
        "1.00 MB (8.0x smaller)",
        "0.8750",
        "1,234",
        "a cpu",
    ):
        assert figure in texts


def test_a_metric_without_spread_has_a_place(report):
    for model in (report["teacher"], *report["artifacts"]):
        model |= {"metric": 1.0, "metric_low": 1.0, "metric_high": 1.0}
    assert "1.0000" in Page(report_page(report)).texts


def test_the_page_names_no_folders_of_this_machine(measurements, tmp_path):
    recipe = {
        "teacher": str(tmp_path / "my-teacher"),
        "data": {"train": "/home/me/train.tsv", "unlabeled": ["/home/me/*.txt", "near/a.txt"]},
        "steps": [{"student": {"init": "~/me/student"}}],
    }
    page = report_page(build_report(measurements, get_task("glue/sst-2"), 10, [], recipe))
    assert str(tmp_path) not in page
    assert "/me" not in page
    texts = Page(page).texts
    assert texts.count("my-teacher, compressed") == 2
    (shown,) = [text for text in texts if text.startswith("teacher:")]
    for name in (".../my-teacher", ".../train.tsv", ".../*.txt", "near/a.txt", ".../student"):
        assert name in shown


COSTS = ("bytes", "parameters", "latency_ms", "peak_memory_mb")
MODEL = (*COSTS, "metric", "metric_low", "metric_high")
KEPT = ("verdict", "eval retention", "eval retention_low", "eval retention_high")
SHOWN = [
    *("machine cpu", "task kind", "task metric", "task eval_rows", "recipe teacher"),
    *(f"measured_at {name}" for name in ("batch", "length", "threads")),
    *(f"teacher {name}" for name in MODEL),
    *(f"teacher onnx {name}" for name in COSTS),
    *(f"artifacts {at} {name}" for at in (0, 1) for name in (*MODEL, "path", "faster")),
    *(f"artifacts 1 kept of_teacher {name}" for name in KEPT),
    *(f"artifacts 1 kept of_student {name}" for name in KEPT),
    *(f"artifacts 1 kept of_student train {name}" for name in ("retention", "rows")),
    *(f"steps 0 {name}" for name in STEP),
]
"""What the page has of report.json, by its keys; the file has more."""


@pytest.mark.parametrize("place", SHOWN)
def test_the_page_is_of_the_report_alone_and_follows_it(report, place):
    saved = json.dumps(report)
    page = report_page(json.loads(saved))
    assert report_page(report) == page
    *parents, last = (int(key) if key.isdigit() else key for key in place.split())
    at = changed = json.loads(saved)
    for key in parents:
        at = at[key]
    at[last] = f"other {at[last]}" if isinstance(at[last], str) else at[last] * 3 + 7
    assert report_page(changed) != page


def test_the_best_file_is_marked(report):
    other = report | {"best": "onnx/model.onnx"}
    assert "onnx/model.onnx (best)" in Page(report_page(other)).texts
    assert "onnx/model_quantized.onnx (best)" not in Page(report_page(other)).texts


def test_the_recipe_can_be_copied_from_the_page(measurements):
    recipe = {
        "teacher": "org/name",
        "task": {"kind": "text-classification", "labels": ["a: b", "<i>", "ü"]},
        "steps": [{"student": {"layers": 4}}],
    }
    page = report_page(build_report(measurements, get_task("glue/sst-2"), 10, [], recipe))
    (shown,) = [text for text in Page(page).texts if text.startswith("teacher:")]
    assert yaml.safe_load(shown) == recipe
