import pytest

from tinybert.report.promise import (
    figures,
    frontier_lines,
    is_kept,
    nearest,
    promise_lines,
    verdicts,
    worst,
)


def artifact(size=4_000_000, latency=0.9, retention=(0.996, 0.985, 1.004)):
    names = ("retention", "retention_low", "retention_high")
    compared = dict(zip(names, retention or (None,) * 3, strict=True))
    return {
        "bytes_deployed": size,
        "latency_ms": latency,
        "peak_memory_mb": 80.0,
        "kept": {"of_teacher": {"eval": compared}},
    }


def got(**changes):
    return figures(artifact(**changes), None)


def test_a_drop_is_what_is_lost_of_the_teachers_metric():
    found = got()
    assert found["size_mb"] == 4.0
    assert found["drop"] == pytest.approx(0.004)
    assert (found["drop_low"], found["drop_high"]) == pytest.approx((-0.004, 0.015))


def test_the_budgets_own_batch_is_what_counts():
    timed = {"latency_ms": 7.0, "peak_memory_mb": 120.0}
    found = figures(artifact(), timed)
    assert (found["latency_ms"], found["memory_mb"]) == (7.0, 120.0)


@pytest.mark.parametrize(
    ("most", "strict", "kept"),
    [
        (12.1, False, True),
        (12.1, True, True),
        (11.9, False, "within noise"),
        (11.9, True, False),
        (9.9, False, False),
    ],
)
def test_what_a_device_is_expected_to_take_may_be_more(most, strict, kept):
    found = figures(artifact(latency=0.9), None, expected=10.0)
    assert (found["latency_ms"], found["latency_high"]) == (10.0, 12.0)
    # However busy this machine is: nothing was timed on it.
    assert verdicts({"latency_ms": most}, found, busy=True, strict=strict)["latency_ms"] == kept


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"size_mb": 4.0}, True),
        ({"size_mb": 3.999}, False),
        ({"latency_ms": 0.9}, True),
        ({"latency_ms": 0.8}, False),
        ({"memory_mb": 79.0}, False),
        ({"drop": 0.015}, True),
        ({"drop": 0.01}, "within noise"),
        ({"drop": 0.003}, False),
        ({"size_mb": 5.0, "drop": 0.01}, "within noise"),
        ({"size_mb": 3.0, "drop": 0.01}, False),
    ],
)
def test_every_bound_is_compared(asked, kept):
    assert worst(verdicts(asked, got(), busy=False)) == kept


def test_a_busy_machine_tells_no_latency_but_sizes():
    found = verdicts({"latency_ms": 5.0, "size_mb": 5.0}, got(), busy=True)
    assert found == {"latency_ms": "unknown", "size_mb": True}


def test_a_teacher_that_knows_nothing_tells_no_drop():
    assert verdicts({"drop": 0.5}, got(retention=None), busy=False) == {"drop": "unknown"}


def test_strictly_the_worse_end_counts():
    assert verdicts({"drop": 0.01}, got(), busy=False, strict=True) == {"drop": False}
    assert verdicts({"drop": 0.02}, got(), busy=False, strict=True) == {"drop": True}


def test_the_files_that_keep_most_are_nearest():
    assert nearest([{"a": 1}, {"b": 1}, {"c": 1}], [False, "within noise", "within noise"]) == [
        {"b": 1},
        {"c": 1},
    ]


def report(kept, bounds, asked, **changes):
    return {
        "best": "onnx/model_quantized.onnx",
        "budget": {
            "asked": asked,
            "got": got(**changes),
            "bounds": bounds,
            "kept": kept,
            "at": {"device": None},
            "strict": False,
        },
    }


def test_the_first_line_says_whether_it_is_kept():
    lines = promise_lines(report("within noise", {"drop": "within noise"}, {"drop": 0.01}))
    assert lines == [
        "Budget kept within noise by onnx/model_quantized.onnx: drop 0.4% (-0.4 to 1.5%) of 1%"
    ]
    assert promise_lines({"best": "x"}) == []


def test_what_to_relax_would_be_enough():
    asked = {"size_mb": 3.0, "drop": 0.003}
    lines = promise_lines(report(False, {"size_mb": False, "drop": False}, asked))
    assert lines[0].startswith("Budget not kept by")
    assert lines[1:] == [
        "To keep it, size would have to be 4.02 MB or more",
        "To keep it, drop would have to be 0.5% or more",
    ]


def test_only_true_and_noise_count_as_kept():
    values = {True: True, "within noise": True, "unknown": False, False: False}
    assert {kept: is_kept({"budget": {"kept": kept}}) for kept in values} == values
    assert is_kept({})


def test_the_frontier_is_shown_where_nothing_keeps_the_budget():
    missed = report(False, {"size_mb": False}, {"size_mb": 3.0})
    entry = {
        "trial": 3,
        "size_mb": 4.0,
        "latency_ms": None,
        "drop": 0.02,
        "frontier": True,
        "distance": 0.01,
        "share": 0.33,
    }
    missed["search"] = {"trials": 2, "candidates": [entry, {**entry, "frontier": False}]}
    text = "\n".join(frontier_lines(missed))
    assert "Of 2 candidates" in text
    assert text.count("4.00 MB") == 1
    missed["budget"]["kept"] = True
    assert frontier_lines(missed) == []


def test_a_winner_that_time_cut_short_is_told():
    found = report(True, {"size_mb": True}, {"size_mb": 5.0})
    found["search"] = {"trials": 2, "share": 0.05}
    assert promise_lines(found)[1] == (
        "Time was short: after 2 candidates the chosen one got 5% of its epochs; a larger --time "
        "lets it learn more"
    )
    found["search"]["share"] = 1.0
    assert len(promise_lines(found)) == 1
