import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from tinybert.report.build import build_report
from tinybert.report.plot import figures_plot
from tinybert.tasks import get_task

WIDE = FontProperties(family="DejaVu Sans")  # matplotlib brings it
ASCENT, DESCENT = 12.1, 3.1  # of 13 pixels, in that font


@pytest.fixture
def report(measurements):
    """Makes a report of some files; without a number, of two."""

    def make(files=2, **changes):
        report = build_report(measurements, get_task("glue/sts-b"), 10, [], {"teacher": "t"})
        last = report["artifacts"][-1]
        report["artifacts"] = [
            {**last, "path": f"onnx/model_{number}.onnx", "bytes": 1_000_000 * (number + 1)}
            for number in range(files)
        ]
        report["best"] = report["artifacts"][0]["path"]
        for model in (report["teacher"], report["teacher"]["onnx"], *report["artifacts"]):
            model |= changes
        return report

    return make


def boxes(element, left=0.0, top=0.0):
    """Each mark and text of a picture: its element and left, top, right and bottom."""
    move = re.match(r"translate\(([\d.-]+) ([\d.-]+)\)", element.get("transform", ""))
    left, top = (left + float(move[1]), top + float(move[2])) if move else (left, top)
    for child in element:
        x, y = left + number(child, "x"), top + number(child, "y")
        if child.tag == "text":
            width = TextPath((0, 0), child.text, size=13, prop=WIDE).get_extents().x1
            start = x - width if child.get("text-anchor") == "end" else x
            yield child, (start, y - ASCENT, start + width, y + DESCENT)
        elif child.tag == "rect":
            yield child, (x, y, x + number(child, "width"), y + number(child, "height"))
        elif child.tag == "line":
            ends = left + number(child, "x1"), left + number(child, "x2")
            yield child, (ends[0], top - 1, ends[1], top + 1)  # two pixels wide
        elif child.tag == "circle":
            x, y, r = left + number(child, "cx"), top + number(child, "cy"), number(child, "r")
            yield child, (x - r, y - r, x + r, y + r)
        else:
            assert child.tag == "g"
            yield from boxes(child, left, top)


def number(element, name):
    return float(element.get(name, 0))


def overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


EQUAL = {
    "bytes": 1_000_000,
    "latency_ms": 1.0,
    "metric": 0.9,
    "metric_low": 0.9,
    "metric_high": 0.9,
}
LONG = {"bytes": 1_400_000_000, "latency_ms": 1234.5, "metric": -0.1234, "metric_low": -0.2}


@pytest.mark.parametrize("changes", [{}, EQUAL, LONG], ids=["usual", "equal", "long"])
@pytest.mark.parametrize("files", [1, 2, 8])
def test_all_lies_in_the_picture_and_nothing_on_a_text(report, files, changes):
    drawn = ElementTree.fromstring(figures_plot(report(files, **changes)))
    assert drawn.tag == "svg"
    left, top, width, height = map(float, drawn.get("viewBox").split())
    found = list(boxes(drawn))
    for element, (start, above, end, below) in found:
        what = ElementTree.tostring(element)
        assert left <= start <= end <= left + width, what
        assert top <= above <= below <= top + height, what
    for at, (element, box) in enumerate(found):
        if element.tag == "text":
            others = [other for other, its in found[:at] + found[at + 1 :] if overlap(box, its)]
            assert not others, (element.text, [other.text for other in others])


@pytest.mark.parametrize("path", ["a.onnx", "openvino/model_quantized.xml", "x" * 60, "a&<b>.onnx"])
def test_a_name_of_any_length_is_whole(report, path):
    made = report(2, **LONG)
    made["artifacts"][1]["path"] = path
    drawn = ElementTree.fromstring(figures_plot(made))
    texts = {element.text: box for element, box in boxes(drawn) if element.tag == "text"}
    assert {path, "1,400", "1,234", "-0.1234"} <= set(texts)
    assert texts[path][0] >= 0
    assert texts[path][2] < texts["MB"][0]


@pytest.mark.parametrize("files", [1, 2, 8])
def test_a_row_a_model_and_a_mark_a_figure(report, files):
    made = report(files)
    drawn = ElementTree.fromstring(figures_plot(made))
    names = ["teacher, PyTorch", "teacher, ONNX", *(each["path"] for each in made["artifacts"])]
    rows = [element.get("y") for element in drawn if element.tag == "text"]
    assert [element.text for element in drawn if element.tag == "text"] == names
    assert [float(y) for y in rows] == sorted({float(y) for y in rows})
    tags = [element.tag for element, _ in boxes(drawn)]
    assert tags.count("rect") == 2 * len(names)
    assert tags.count("circle") == tags.count("line") == len(names)
    assert len(drawn.findall(".//g[@class='best']")) == 3  # one a panel


def test_bars_are_as_long_as_their_figures_are_large(report):
    made = report(8)
    drawn = ElementTree.fromstring(figures_plot(made))
    models = [made["teacher"], made["teacher"]["onnx"], *made["artifacts"]]
    bars = [number(element, "width") for element, _ in boxes(drawn) if element.tag == "rect"]
    for values, lengths in (
        ([model["bytes"] for model in models], bars[: len(models)]),
        ([model["latency_ms"] for model in models], bars[len(models) :]),
    ):
        scale = max(lengths) / max(values)
        assert lengths == pytest.approx([value * scale for value in values], abs=0.06)


def test_an_interval_holds_its_metric(report):
    made = report(2)
    made["artifacts"][0] |= {"metric": 0.5, "metric_low": 0.45, "metric_high": 0.6}
    drawn = ElementTree.fromstring(figures_plot(made))
    found = [box for element, box in boxes(drawn) if element.tag in ("line", "circle")]
    middles = [(box[0] + box[2]) / 2 for box in found[1::2]]
    for line, at in zip(found[::2], middles, strict=True):
        assert line[0] <= at <= line[2]
    teacher, _, changed, other = middles
    assert changed < other == teacher
    for above, below in pairwise(found[::2]):
        assert above[3] < below[1]
