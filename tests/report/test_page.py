from html.parser import HTMLParser

import pytest

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
