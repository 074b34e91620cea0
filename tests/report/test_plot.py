import re
from xml.etree import ElementTree

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from tinybert.report.build import build_report
from tinybert.report.plot import figures_plot
from tinybert.tasks import get_task

WIDE = FontProperties(family="DejaVu Sans")  # matplotlib brings it


def ends(text, left):
    """Where a text of 13 pixels begins and ends."""
    width = TextPath((0, 0), text.text, size=13, prop=WIDE).get_extents().x1
    start = left + float(text.get("x", 0))
    return (start - width, start) if text.get("text-anchor") == "end" else (start, start + width)


def texts(element, left=0.0):
    move = re.match(r"translate\(([\d.]+)", element.get("transform", ""))
    left += float(move[1]) if move else 0.0
    for child in element:
        if child.tag == "text":
            yield child.text, *ends(child, left)
        yield from texts(child, left)


@pytest.mark.parametrize("path", ["a.onnx", "openvino/model_quantized.xml", "x" * 60])
def test_no_text_is_cut_or_written_over(measurements, path):
    report = build_report(measurements, get_task("glue/sts-b"), 10, [], {"teacher": "t"})
    report["artifacts"][1]["path"] = path
    for model in (report["teacher"], *report["artifacts"]):
        model |= {"bytes": 1_400_000_000, "latency_ms": 1234.5, "metric": -0.1234}
    drawn = ElementTree.fromstring(figures_plot(report))
    width = float(drawn.get("viewBox").split()[2])
    written = [*texts(drawn)]
    assert {path, "1,400", "1,234", "-0.1234"} <= {text for text, *_ in written}
    for text, start, end in written:
        assert 0 <= start < end <= width, text
    left = max(end for text, _, end in written if text in (path, "teacher, PyTorch"))
    assert left < min(start for text, start, _ in written if text == "MB")
