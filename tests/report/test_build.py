import re
from pathlib import Path

import pytest

from tinybert.recipe.recipe import Recipe
from tinybert.report.build import build_report, choose_best
from tinybert.report.card import model_card
from tinybert.report.page import report_page
from tinybert.report.table import report_notes, report_table
from tinybert.tasks import get_task


def artifact(latency, size=1000, of_student=None, of_teacher="not proven"):
    of_student = of_student and {"verdict": of_student}
    kept = {"of_teacher": {"verdict": of_teacher}, "of_student": of_student}
    return {"latency_ms": latency, "bytes": size, "kept": kept}


@pytest.mark.parametrize(("of_student", "best"), [("kept", 1), ("not proven", 1), ("not kept", 0)])
@pytest.mark.parametrize("of_teacher", ["kept", "not proven", "not kept"])
def test_the_file_that_was_asked_for_is_best_unless_it_is_seen_to_be_worse(
    of_student, best, of_teacher
):
    """Whether the student itself is as good as its teacher is another matter."""
    fp32 = artifact(4.0, 4000, of_teacher=of_teacher)
    int8 = artifact(2.0, 1000, of_student, of_teacher)
    assert choose_best([fp32, int8]) is (fp32, int8)[best]


def test_of_several_targets_the_one_that_keeps_it():
    onnx, openvino = artifact(2.0, of_student="kept"), artifact(1.0, of_student="not kept")
    assert choose_best([artifact(4.0), onnx, artifact(3.0), openvino]) is onnx
    openvino["kept"]["of_student"]["verdict"] = "not proven"
    assert choose_best([artifact(4.0), onnx, artifact(3.0), openvino]) is openvino


def test_without_quantization_the_fastest_that_is_not_shown_to_lose_more():
    slow, fast = artifact(4.0), artifact(2.0, of_teacher="not kept")
    assert choose_best([slow, fast]) is slow
    slow["kept"]["of_teacher"]["verdict"] = "not kept"
    assert choose_best([slow, fast]) is fast


def test_of_two_about_as_fast_the_smaller_is_the_best():
    artifacts = [artifact(4.0, 22_000), artifact(4.3, 3_000), artifact(5.0, 1_000)]
    assert choose_best(artifacts) is artifacts[1]


@pytest.fixture
def report(measurements):
    return build_report(measurements, get_task("glue/sst-2"), 10, [], recipe={"teacher": "t"})


def test_ratios_are_those_of_the_best(report):
    assert report["best"] == "onnx/model_quantized.onnx"
    assert report["ratios"] == {
        "retention": 1.0,
        "retention_low": 1.0,
        "retention_high": 1.0,
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


def build(measurements):
    return build_report(measurements, get_task("glue/sst-2"), 10, [], recipe={"teacher": "t"})


@pytest.mark.parametrize("show", [report_table, report_page])
def test_a_busy_machine_has_no_ratios_of_times(measurements, show):
    """1656.1 times faster was one."""
    quiet = show(build(measurements))
    assert "(8.0x faster)" in quiet
    assert "busy" not in quiet.replace("<td>busy</td>", "")
    measurements["single"]["machine"]["busy"] = 0.47
    report = build(measurements)
    assert report["ratios"]["faster"] is report["ratios"]["faster_than_onnx"] is None
    assert report["ratios"]["smaller"] == 8.0
    assert report["measured_at"]["busy"]
    assert "faster)" not in show(report)
    assert "1.00 ms (busy)" in show(report)
    assert "other processes kept 47% of the CPU busy" in show(report)


def test_ratios_of_times_are_medians_of_pairs(measurements):
    """Of pairs, not of medians: something slowed the machine down for a while."""
    teacher, *_, int8 = measurements["single"]["models"]
    teacher["runs_ms"], int8["runs_ms"] = [80.0, 20.0, 800.0], [10.0, 2.0, 100.0]
    assert build(measurements)["ratios"]["faster"] == 8.0


@pytest.mark.parametrize(
    ("retention", "shown"),
    [
        ((1.136, 0.95, 1.32), "0.9000 (within noise: 95.0 to 132.0%)"),
        ((0.99, 0.98, 1.0), "0.9000 (within noise: 98.0 to 100.0%)"),
        ((0.95, 0.93, 0.97), "0.9000 (95.0%: 93.0 to 97.0%)"),
        ((1.1, 1.05, 1.15), "0.9000 (110.0%: 105.0 to 115.0%)"),
    ],
)
def test_a_metric_is_no_better_or_worse_than_chance_may_make_it(
    measurements, comparison, retention, shown
):
    measurements["artifacts"][1]["of_teacher"] = comparison(*retention)
    report = build(measurements)
    assert shown in report_table(report)
    ratios = report["ratios"]
    assert (ratios["retention_low"], ratios["retention_high"]) == retention[1:]


def test_the_card_tells_what_was_kept(report):
    recipe = Recipe.from_mapping({"teacher": "t", "task": "glue/sst-2", "data": {"train": "x"}})
    card = model_card(report, recipe)
    assert "- 98% of the teacher's accuracy, by 95% intervals on the evaluation rows: " in card
    assert "(8.0x faster)" in card


def test_every_field_is_told(measurements):
    step = {"name": "distill", "seconds": 1.0, "metric": 0.9, "parameters": 1, "bytes": 4}
    report = build_report(measurements, get_task("glue/sst-2"), 10, [step], {})
    page = Path(__file__).parents[2] / "docs" / "report.md"
    told = set(re.findall(r"`(\w+)`", page.read_text(encoding="utf-8")))
    assert not set(keys(report)) - told - set(report["machine"])


def keys(value):
    """Every key of a report, at any depth."""
    if isinstance(value, dict):
        yield from value
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict | list):
            yield from keys(each)


@pytest.mark.parametrize(("metric", "said"), [(0.7, False), (0.9, True), (0.95, True)])
def test_a_baseline_that_is_as_good_is_said_so(measurements, metric, said):
    measurements["baseline"]["metric"] = metric
    report = build_report(measurements, get_task("glue/sst-2"), 10, [], {})
    assert report["baseline"]["metric"] == metric
    *_, note = report_notes(report)
    assert note.startswith(
        f"TF-IDF with a linear model, of 40 training rows: accuracy {metric:.4f}"
    )
    assert ("no worse than" in note) is said
    measurements["baseline"] = None
    assert not any(
        "TF-IDF" in note
        for note in report_notes(build_report(measurements, get_task("glue/sst-2"), 10, [], {}))
    )
