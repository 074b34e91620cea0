"""What is said of 98%: kept, not kept, or that there is too little to tell."""

import pytest

from tinybert.report.build import build_report
from tinybert.report.kept import kept_lines, of_student, of_teacher
from tinybert.report.page import report_page
from tinybert.tasks import get_task

GOOD, UNSURE, LOW, WORSE = (
    (0.993, 0.985, 1.0),
    (0.985, 0.965, 1.005),
    (0.975, 0.96, 0.99),
    (0.95, 0.93, 0.97),
)


@pytest.mark.parametrize(
    ("train", "evaluation", "verdict"),
    [
        (GOOD, GOOD, "kept"),
        (GOOD, UNSURE, "kept"),
        (GOOD, LOW, "not proven"),  # the evaluation rows don't choose, but they are not hidden
        (GOOD, WORSE, "not kept"),
        (UNSURE, GOOD, "not proven"),
        (LOW, GOOD, "not kept"),
        (WORSE, WORSE, "not kept"),
        (None, GOOD, "not proven"),
        (None, WORSE, "not kept"),
    ],
)
def test_training_rows_decide_and_evaluation_rows_veto(comparison, train, evaluation, verdict):
    train = train and comparison(*train)
    assert of_student(comparison(*evaluation), train) == verdict


def test_few_rows_prove_nothing_however_they_come_out(comparison):
    for train in (comparison(rows=149), comparison(0.9, 0.8, 0.95, rows=149)):
        assert of_student(comparison(rows=20), train) == "not proven"
    assert of_student(comparison(rows=20), comparison(rows=150)) == "kept"
    assert of_teacher(comparison(rows=149)) == "not proven"
    assert of_teacher(comparison(rows=150)) == "kept"


def test_answers_alike_are_no_proof_of_a_metric(comparison):
    assert of_student(comparison(), comparison(metric="agreement")) == "not proven"
    assert of_student(comparison(), comparison(0.9, metric="agreement")) == "not kept"


@pytest.mark.parametrize(
    ("retention", "verdict"),
    [(GOOD, "kept"), (UNSURE, "not proven"), (LOW, "not proven"), (WORSE, "not kept")],
)
def test_of_the_teacher_evaluation_rows_alone_tell(comparison, retention, verdict):
    assert of_teacher(comparison(*retention)) == verdict


def test_nothing_is_kept_of_a_model_that_knows_nothing(comparison):
    nothing = comparison() | {"value": 0.0, "base": 0.0, "retention": None}
    assert of_student(nothing, nothing) == "not proven"
    assert of_teacher(nothing) == "not proven"


@pytest.fixture
def lines(measurements, comparison):
    """The lines for a quantized file that compares in some way, and the report."""

    def make(*, train=GOOD, evaluation=GOOD, teacher=GOOD, learned=False, **changes):
        fp32, int8 = measurements["artifacts"]
        fp32["of_teacher"] = comparison(*teacher)
        int8["of_teacher"] = comparison(*teacher)
        train = train and comparison(*train, **changes)
        student = {"eval": comparison(*evaluation), "train": train, "learned": learned}
        int8["of_student"] = student
        report = build_report(measurements, get_task("glue/sst-2"), 872, [], {"teacher": "t"})
        return kept_lines(report), report

    return make


def test_the_words(lines):
    (of_the_teacher, of_the_student), report = lines()
    assert of_the_teacher == (
        "98% of the teacher's accuracy, by 95% intervals on the evaluation rows: "
        "onnx/model.onnx kept, 99.3% (98.5 to 100.0); "
        "onnx/model_quantized.onnx kept, 99.3% (98.5 to 100.0)"
    )
    assert of_the_student == (
        "98% of the fp32 student's accuracy: onnx/model_quantized.onnx kept, 99.3% (98.5 to 100.0) "
        "on 500 training rows held out from quantization; 99.3% (98.5 to 100.0) on the evaluation "
        "rows"
    )
    assert of_the_student.replace("'", "&#x27;") in report_page(report)


def test_where_no_file_keeps_it_that_is_said(lines):
    (first, second, third), report = lines(train=WORSE, teacher=WORSE)
    assert "on the evaluation rows, which no file keeps: " in first
    assert "onnx/model_quantized.onnx not kept, " in second
    assert third == "No quantized file keeps 98% of the fp32 student: the best is in fp32."
    assert report["best"] == "onnx/model.onnx"
    report["best"] = "onnx/model_quantized.onnx"  # as where nothing else keeps a budget
    assert kept_lines(report)[-1] == "No quantized file keeps 98% of the fp32 student."
    assert "evaluation rows, not proven of any file: " in lines(teacher=UNSURE)[0][0]


def test_what_the_rows_were_is_said(lines):
    assert "training rows that qat learned from;" in lines(learned=True)[0][1]
    assert (
        "on 40 training rows held out from quantization, too few to tell;" in (lines(rows=40)[0][1])
    )
    assert (
        "answers as the fp32 student on 89.4% of 500 unlabeled training rows;"
        in (lines(metric="agreement")[0][1])
    )
    assert "not proven, there are no training rows that" in lines(train=None)[0][1]
