"""A device is known by how fast it runs small models."""

import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.measure import profile as module
from tinybert.measure.device import Device
from tinybert.measure.latency import work
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.steps.quantize.config import QuantizeConfig

BERT = {"model_type": "bert"}
SHAPE = ExpectedShape(
    "bert",
    layers=3,
    hidden_size=256,
    head_size=64,
    head_counts=(4, 4, 4),
    neuron_counts=(512, 512, 512),
    embedding_size=256,
)
FLOATS = QuantizeConfig(method="qat", bits=4, activations=False)


def invented(slower=1.0, **changes):
    """A profile of a device on which a layer and a million multiply-adds take so long."""
    with zipfile.ZipFile(Path(module.__file__).with_name(module.BLOCKS)) as archive:
        blocks = json.loads(archive.read("blocks.json"))["blocks"]
    factors = {"fp32": 1.0, "int8-static": 0.5, "int8-dynamic": 0.6, "int4": 2.0, "int2": 3.0}
    for block in blocks:
        width, heads = block["hidden_size"], block["attention_heads"]
        layers = block["layers"]
        shape = replace(
            SHAPE,
            layers=layers,
            hidden_size=width,
            head_size=width // heads,
            head_counts=(heads,) * layers,
            neuron_counts=(block["intermediate_size"],) * layers,
        )
        counts = work(shape, 128, 1, True)
        block["ratio"] = slower * factors[block["kind"]] * (0.1 * counts[1] + 1e-8 * counts[2])
    return {
        "schema": module.SCHEMA,
        "runtime": "onnx",
        "machine": {},
        **{"length": 128, "batch": 1, "threads": 1},
        "reference_ms": 2.0,
        "blocks": blocks,
        **changes,
    }


def device_of(tmp_path, content):
    path = tmp_path / "board.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return Device.read(path)


@pytest.mark.parametrize(
    ("quantize", "factor"),
    [(None, 1.0), (QuantizeConfig(method="qat"), 0.5), (QuantizeConfig(), 0.6), (FLOATS, 2.0)],
)
def test_times_are_expected_from_the_blocks_of_that_kind(tmp_path, quantize, factor):
    device = device_of(tmp_path, invented())
    counts = work(SHAPE, 128, 1, True)
    truth = 2.0 * factor * (0.1 * counts[1] + 1e-8 * counts[2])
    found = device.milliseconds(SHAPE, quantize, reads_first=True)
    assert found == pytest.approx(truth, rel=1e-3)
    assert device.milliseconds(SHAPE, quantize, reads_first=False) > found


def test_what_it_says_nothing_of_is_refused(tmp_path):
    device = device_of(tmp_path, invented())
    device.check("onnx", BERT, None)
    for arguments, message in (
        (("openvino", BERT, None), "of onnx files, not of openvino"),
        (("onnx", {"model_type": "modernbert"}, None), "those of modernbert are others"),
        (("onnx", BERT, QuantizeConfig(keep_sensitive=1)), "leave `keep_sensitive`"),
    ):
        with pytest.raises(InputError, match=message):
            device.check(*arguments)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not a profile"),
        ("[]", "not a profile"),
        ("{}", "not a profile"),
        (json.dumps(invented(schema=99)), "of another version"),
        (json.dumps(invented(blocks=[])), "not a profile"),
        (json.dumps(invented(reference_ms="fast")), "reference_ms is 'fast'"),
        (json.dumps(invented(reference_ms=-1.0)), "reference_ms is -1"),
        (json.dumps(invented(length="128")), "length is '128'"),
        (json.dumps(invented(threads=0)), "threads is 0"),
        (json.dumps(invented(batch=True)), "batch is True"),
        (json.dumps(invented(reference_ms=float("nan"))), "reference_ms is nan"),
        (json.dumps(invented(slower=float("inf"))), "ratio is inf"),
        (json.dumps(invented(slower=-1.0)), "ratio is -"),
        (
            json.dumps(invented()).replace('"layers": 4', '"layers": 1000000000'),
            "layers is 1000000",
        ),
        (
            json.dumps(invented()).replace('"attention_heads": 4', '"attention_heads": 0'),
            "heads is 0",
        ),
        (json.dumps(invented(runtime=None)), "runtime"),
        (json.dumps(invented(reference_ms=10**400)), "reference_ms is 1000"),
        (json.dumps(invented()).replace('"int4"', '"int5"'), "kind is 'int5'"),
        (json.dumps(invented()).replace('"int4"', '"int2"'), "fewer than 4 blocks of int4"),
        ("[" * 200_000, "not a profile"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, content, message):
    path = tmp_path / "board.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        Device.read(path)
    with pytest.raises(InputError, match="no profile can be read"):
        Device.read(tmp_path / "none.json")


def test_the_command_times_what_ships(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(module, "REPEATS", 1)
    path = tmp_path / "here.json"
    arguments = ["profile", "--out", str(path), "--length", "8", "--threads", "1"]
    assert main(arguments) == 0
    assert str(path) in capsys.readouterr().out
    device = Device.read(path)
    assert device.conditions == {"length": 8, "batch": 1, "threads": 1}
    blocks = device.content["blocks"]
    assert {each["kind"] for each in blocks} == {
        *("fp32", "int8-static", "int8-dynamic", "int4", "int2")
    }
    assert all(each["ratio"] > 0 for each in blocks)
    assert {"cpu", "onnxruntime", "cores", "simd", "busy"} <= {*device.content["machine"]}


def test_a_profile_of_a_busy_device_is_told(tmp_path, caplog):
    device_of(tmp_path, invented(machine={"busy": 0.83})).check("onnx", BERT, None)
    assert "board: other processes kept 83% of the device's CPU busy" in caplog.text


def test_nothing_is_timed_where_nothing_can_be_written(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")  # as a device is: not to be replaced by a file
    for path in (tmp_path, tmp_path / "none" / "file.json", tmp_path / "pipe"):
        assert main(["profile", "--out", str(path)]) == 2
        assert f"--out {path}: name a file" in capsys.readouterr().err


def test_what_ships_is_small():
    assert Path(module.__file__).with_name(module.BLOCKS).stat().st_size < 2e6
