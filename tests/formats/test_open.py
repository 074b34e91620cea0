import shutil
import subprocess
import sys

import pytest

from tinybert.base.errors import InputError
from tinybert.formats.open import open_model


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
    monkeypatch.delitem(sys.modules, "tinybert.modeling.torch_model", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"{package} .*tinybert\[train\]"):
        open_model(tiny_bert_dir)


@pytest.mark.parametrize("name", ["./absent", "/no/such/model", "runs/out/onnx/model.onnx"])
def test_a_path_that_is_not_there_is_not_looked_for_on_the_hub(name):
    with pytest.raises(InputError, match="no such file or folder"):
        open_model(name)


def test_each_runtime_stays_out_of_the_other_ones_memory(tiny_bert_dir, tiny_artifact_dir):
    script = (
        "import sys; from tinybert.formats.open import open_model; open_model(sys.argv[1]); "
        "print([name for name in ('torch', 'onnxruntime') if name in sys.modules])"
    )
    for model, expected in [(tiny_bert_dir, ["torch"]), (tiny_artifact_dir, ["onnxruntime"])]:
        ran = subprocess.run(
            [sys.executable, "-c", script, str(model)], capture_output=True, text=True, check=True
        )
        assert ran.stdout.strip() == repr(expected)


def test_an_empty_folder_is_no_model(tmp_path):
    with pytest.raises(InputError, match=str(tmp_path)):
        open_model(tmp_path)
