import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from tinybert.base.errors import InputError
from tinybert.formats.open import open_model
from tinybert.measure.bench import Worker, bench, times_faster
from tinybert.measure.machine import (
    BusyWatch,
    _core_ticks,
    _process_ticks,
    describe_machine,
    visible_cores,
)
from tinybert.measure.table import bench_table


@pytest.fixture(scope="module")
def result(tiny_bert_dir, tiny_artifact_dir):
    models = [
        str(tiny_bert_dir),
        str(tiny_artifact_dir),
        str(tiny_artifact_dir / "onnx/model.onnx"),
    ]
    return bench(models, batch=2, length=16, threads=1, repeats=12)


def test_a_row_a_model_in_order(result, tiny_bert_dir, tiny_artifact_dir):
    assert [(row.format, row.precision) for row in result.models] == [
        ("pytorch", "fp32"),
        ("onnx", "int8"),
        ("onnx", "fp32"),
    ]
    facts = open_model(tiny_bert_dir).facts()
    assert result.models[0].bytes == facts.bytes
    assert {row.parameters for row in result.models} == {facts.parameters}


def test_figures_are_consistent(result):
    for row in result.models:
        assert 0 < row.latency_ms <= row.latency_p95_ms
        assert row.throughput_per_s > 0
    # PyTorch's own megabytes are not in the process that runs ONNX.
    assert result.models[1].peak_memory_mb < result.models[0].peak_memory_mb / 2


def test_the_result_is_json(result):
    document = json.loads(json.dumps(result.as_json()))
    assert set(document) == {"machine", "batch", "length", "threads", "models"}
    assert (document["batch"], document["length"], document["threads"]) == (2, 16, 1)
    assert set(document["models"][0]) == {
        "model",
        "format",
        "precision",
        "bytes",
        "parameters",
        "latency_ms",
        "latency_p95_ms",
        "throughput_per_s",
        "peak_memory_mb",
        "runs_ms",
    }


def test_the_table_has_a_line_a_model_with_ratios_to_the_first(result):
    quiet = dataclasses.replace(result, machine=result.machine | {"busy": 0.0})
    lines = bench_table(quiet).splitlines()
    assert len(lines) == 2 + 3 + 1
    assert "x" not in lines[2].split("fp32")[1]
    assert "faster" in lines[3]
    assert "less" in lines[3]


def test_a_model_needs_no_tokenizer_to_be_measured(tiny_bert_dir, tmp_path):
    for name in ("config.json", "model.safetensors"):
        shutil.copy(tiny_bert_dir / name, tmp_path)
    (row,) = bench([str(tmp_path)], length=8, threads=1, repeats=1).models
    assert row.latency_ms > 0


def test_too_many_tokens_are_refused(tiny_artifact_dir):
    with pytest.raises(InputError, match=r"128 tokens at most.*129"):
        bench([str(tiny_artifact_dir)], length=129, repeats=1)


def test_what_is_no_model_is_refused(tiny_artifact_dir, tmp_path):
    with pytest.raises(InputError, match=str(tmp_path)):
        bench([str(tiny_artifact_dir), str(tmp_path)], length=8, repeats=1)


@pytest.mark.parametrize("option", ["batch", "length", "threads", "repeats"])
def test_options_must_be_positive(option):
    with pytest.raises(InputError, match=option):
        bench(["unused"], **{option: 0})


def test_no_model_is_refused():
    with pytest.raises(InputError, match="no model"):
        bench([])


def test_a_worker_that_dies_says_which_and_how(tiny_artifact_dir):
    with Worker(str(tiny_artifact_dir), batch=1, length=8, threads=1) as worker:
        worker._process.kill()
        with pytest.raises(RuntimeError, match=r"tiny-artifact.* code -9"):
            worker.time(1)


def test_the_machine_is_described():
    machine = describe_machine(2)
    assert list(machine) == [
        "cpu",
        "threads",
        "python",
        "torch",
        "transformers",
        "onnxruntime",
        "openvino",
    ]
    assert machine["onnxruntime"]
    assert visible_cores() >= 1


@pytest.fixture
def spinning():
    """A process that computes without end, with its id."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield process.pid
    process.kill()
    process.wait()


on_linux = pytest.mark.skipif(
    not os.path.exists("/proc/stat"), reason="read from Linux's /proc/stat"
)


@on_linux
def test_what_others_compute_is_noticed_and_what_we_compute_is_not(spinning):
    """One machine, watched by two: to one of them the process that computes is its own."""
    others, ours = BusyWatch(), BusyWatch([spinning])
    before = _process_ticks(spinning)
    while (used := _process_ticks(spinning) - before) < 50:
        time.sleep(0.05)
    apart = others.share() - ours.share()
    assert others.share() > 0
    # What the process used of the cores, which others may have kept busy beside it.
    used = (_process_ticks(spinning) - before) / (_core_ticks()[1] - others._before[1])
    assert apart == pytest.approx(used, rel=0.2)


@on_linux
def test_what_this_process_computes_is_not_others_work():
    watch = BusyWatch()
    start = time.process_time()
    while time.process_time() - start < 0.5:
        pass
    used, total, own = (
        late - early for late, early in zip(watch._times(), watch._before, strict=True)
    )
    assert own >= 45
    assert watch.share() <= (used - own + 2) / total


def test_where_the_system_tells_nothing_it_is_not_known(monkeypatch):
    def nowhere():
        raise FileNotFoundError("/proc/stat")

    monkeypatch.setattr("tinybert.measure.machine._core_ticks", nowhere)
    assert BusyWatch().share() is None


@on_linux
def test_a_busy_neighbour_leaves_no_ratio_of_times(spinning, tiny_artifact_dir, caplog):
    result = bench([str(tiny_artifact_dir)] * 2, length=8, threads=1, repeats=20)
    if result.machine["busy"] <= 0.1:
        pytest.skip("there are so many cores that one process is not felt")
    assert "those of a quiet machine" in caplog.text
    table = bench_table(result)
    assert "(busy)" in table
    assert "of the CPU busy" in table.splitlines()[-1]
    assert "faster)" not in table
    assert "slower)" not in table


def test_a_busy_machine_is_warned_of_and_noted(tiny_artifact_dir, monkeypatch, caplog):
    for busy, warned in ((0.93, True), (0.02, False), (None, False)):
        monkeypatch.setattr("tinybert.measure.bench.BusyWatch.share", lambda _, busy=busy: busy)
        caplog.clear()
        found = bench([str(tiny_artifact_dir)], length=8, threads=1, repeats=1)
        assert found.machine["busy"] == busy
        assert ("93% of the CPU busy" in caplog.text) == warned
        assert ("(busy)" in bench_table(found)) == warned


def test_runs_are_paired(result):
    """So that a ratio is the median of pairs, and can be computed again."""
    first, second, _ = result.models
    assert len(first.runs_ms) == len(second.runs_ms) == 12
    assert np.median(first.runs_ms) == pytest.approx(first.latency_ms, rel=1e-3)
    pairs = np.divide(first.runs_ms, second.runs_ms)
    assert times_faster(vars(first), vars(second)) == np.median(pairs)
