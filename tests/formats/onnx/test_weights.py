"""ONNX files that are damaged where the weights are counted."""

import time

import onnx
import pytest

from tinybert.base.errors import InputError
from tinybert.formats.onnx.weights import read_tensors, read_weights


def test_a_number_without_end(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x80" * 10**7)
    began = time.monotonic()
    with pytest.raises(InputError, match=r"model\.onnx: .*a number without an end at byte 0"):
        read_tensors(path)
    assert time.monotonic() - began < 5


def with_tensor(path, change):
    tensor = onnx.helper.make_tensor("weight", onnx.TensorProto.FLOAT, [2, 2], [1.0] * 4)
    change(tensor)
    graph = onnx.helper.make_graph([], "graph", [], [], [tensor])
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    return path


@pytest.mark.parametrize("dims", [[-1, 2], [2**62, 2**62], [2] * 100])
def test_a_shape_that_no_tensor_has(dims, tmp_path):
    path = with_tensor(tmp_path / "m.onnx", lambda tensor: tensor.dims.extend(dims))
    with pytest.raises(InputError, match=r"m\.onnx: .*a tensor of shape"):
        read_weights(path)


@pytest.mark.parametrize("name", ["nowhere", "a\x00b", "x" * 5000])
def test_weights_beside_the_file_that_are_not_there(name, tmp_path):
    def point(tensor):
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", name

    path = with_tensor(tmp_path / "m.onnx", point)
    with pytest.raises(InputError, match=r"m\.onnx: weights beside it are missing"):
        read_weights(path)
