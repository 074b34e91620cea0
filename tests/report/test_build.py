import pytest

from tinybert.report.build import build_report, choose_best
from tinybert.report.table import report_table
from tinybert.tasks import get_task


def artifact(metric, latency, size=1000):
    return {"metric": metric, "latency_ms": latency, "bytes": size}


@pytest.mark.parametrize(
    ("teacher", "best"),
    [
        (0.90, 1),  # the fastest is within 2%
        (0.96, 0),  # only the most accurate is
        (0.99, 0),  # none is
        (0.0, 1),
        (-0.1, 1),
    ],
)
def test_the_best(teacher, best):
    artifacts = [artifact(0.95, 4.0), artifact(0.89, 2.0)]
    assert choose_best(artifacts, teacher) is artifacts[best]


def test_of_two_about_as_fast_the_smaller_is_the_best():
    artifacts = [artifact(0.9, 4.0, 22_000), artifact(0.9, 4.3, 3_000), artifact(0.9, 5.0, 1_000)]
    assert choose_best(artifacts, 0.9) is artifacts[1]


@pytest.fixture
def report(measurements):
    return build_report(measurements, get_task("glue/sst-2"), 10, [], recipe={"teacher": "t"})


def test_ratios_are_those_of_the_best(report):
    assert report["best"] == "onnx/model_quantized.onnx"
    assert report["ratios"] == {
        "retention": 1.0,
        "smaller": 8.0,
        "faster": 8.0,
        "faster_than_onnx": 4.0,
        "less_memory": 8.0,
    }


def test_a_teacher_that_knows_nothing_has_no_retention(measurements):
    measurements["teacher"] = measurements["teacher"] | {"metric": 0.0}
    report = build_report(measurements, get_task("glue/cola"), 10, [], recipe={})
    assert report["ratios"]["retention"] is None
    assert "matthews" in report_table(report)


def test_the_table_has_the_rows_of_the_article(report):
    lines = report_table(report).splitlines()
    names = [line.split("  ")[0] for line in lines]
    assert {"size", "parameters", "CPU latency", "memory", "accuracy"} <= set(names)
    (size,) = [line for line in lines if line.startswith("size")]
    assert "8.00 MB" in size
    assert "(8.0x smaller)" in size
    assert "onnx/model_quantized.onnx (best)" in lines[0]
