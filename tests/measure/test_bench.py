import json
import os
import shutil
import subprocess
import sys

import pytest

from tinybert.errors import InputError
from tinybert.measure.bench import Worker, bench
from tinybert.measure.machine import busy_share, describe_machine, visible_cores
from tinybert.measure.table import bench_table
from tinybert.models import open_model


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
    }


def test_the_table_has_a_line_a_model_with_ratios_to_the_first(result):
    lines = bench_table(result).splitlines()
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


@pytest.mark.skipif(not os.path.exists("/proc/stat"), reason="read from Linux's /proc/stat")
def test_what_others_compute_is_noticed():
    spinning = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        assert busy_share() > 0.5 / os.cpu_count()
    finally:
        spinning.kill()
        spinning.wait()


def test_a_busy_machine_is_warned_of_and_noted(tiny_artifact_dir, monkeypatch, caplog):
    for busy, warned in ((0.93, True), (0.02, False), (None, False)):
        monkeypatch.setattr("tinybert.measure.bench.busy_share", lambda busy=busy: busy)
        caplog.clear()
        found = bench([str(tiny_artifact_dir)], length=8, threads=1, repeats=1)
        assert found.machine["busy"] == busy
        assert ("93% of the CPU busy" in caplog.text) == warned
