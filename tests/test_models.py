import shutil
import sys

import pytest

from tinybert.errors import InputError
from tinybert.models import open_model


def test_each_kind_of_path_opens_in_its_own_runtime(tiny_bert_dir, tiny_artifact_dir):
    assert open_model(tiny_bert_dir).format == "pytorch"
    assert open_model(str(tiny_artifact_dir)).format == "onnx"
    assert open_model(tiny_artifact_dir / "onnx/model.onnx").format == "onnx"


def test_a_hub_folder_with_both_is_pytorch(tiny_bert_dir, tiny_artifact_dir, tmp_path):
    both = shutil.copytree(tiny_bert_dir, tmp_path / "both")
    shutil.copytree(tiny_artifact_dir / "onnx", both / "onnx")
    assert open_model(both).format == "pytorch"


def test_all_kinds_predict_alike(tiny_bert_dir, tiny_artifact_dir):
    texts = ["a good film", "dull"]
    kinds = [open_model(tiny_bert_dir), open_model(tiny_artifact_dir / "onnx/model.onnx")]
    pytorch, onnx = (model(texts) for model in kinds)
    assert [entry["label"] for entry in pytorch] == [entry["label"] for entry in onnx]
    assert [entry["score"] for entry in pytorch] == pytest.approx(
        [entry["score"] for entry in onnx], abs=1e-4
    )


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_a_missing_package_names_the_extra(tiny_bert_dir, monkeypatch, package):
    monkeypatch.delitem(sys.modules, "tinybert.torch_model", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"{package} .*tinybert\[train\]"):
        open_model(tiny_bert_dir)


def test_an_empty_folder_is_no_model(tmp_path):
    with pytest.raises(InputError, match=str(tmp_path)):
        open_model(tmp_path)
