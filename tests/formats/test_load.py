import json
import shutil
import subprocess
import sys
import textwrap

import pytest

from tinybert.base.errors import InputError
from tinybert.formats.load import load

TEXTS = ["a good film", "dull"]


@pytest.fixture
def artifact(tiny_artifact_dir, tmp_path):
    """A copy that a test may break."""
    return shutil.copytree(tiny_artifact_dir, tmp_path / "artifact")


def test_an_output_folder_gives_its_best_artifact(artifact):
    assert load(artifact).path == artifact / "onnx/model_quantized.onnx"
    (artifact / "report.json").write_text(json.dumps({"best": "onnx/model.onnx"}))
    assert load(artifact).path == artifact / "onnx/model.onnx"


def test_a_folder_of_the_transformers_js_layout(artifact):
    (artifact / "report.json").unlink()
    assert load(artifact).path.name == "model_quantized.onnx"
    (artifact / "onnx/model_quantized.onnx").unlink()
    assert load(artifact).path.name == "model.onnx"


def test_a_file_finds_its_tokenizer_beside_it_or_above(artifact, tmp_path):
    above = load(artifact / "onnx/model.onnx")(TEXTS)
    flat = tmp_path / "flat"
    shutil.copytree(artifact / "onnx", flat)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(artifact / name, flat)
    assert load(flat / "model.onnx")(TEXTS) == above


def test_an_unfinished_run_is_refused(tmp_path):
    (tmp_path / "recipe.yaml").touch()
    with pytest.raises(InputError, match="unfinished"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "onnx/model_quantized.onnx"])
def test_a_missing_file_is_named(artifact, name):
    (artifact / name).unlink()
    with pytest.raises(InputError, match=name):
        load(artifact)


@pytest.mark.parametrize("report", ["{", "[]", "{}", '{"best": 3}', '{"best": "onnx/other.onnx"}'])
def test_a_broken_report_is_named(artifact, report):
    (artifact / "report.json").write_text(report)
    with pytest.raises(InputError, match=r"report\.json"):
        load(artifact)


def test_other_paths_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such"):
        load(tmp_path / "absent")
    with pytest.raises(InputError, match="no compressed model"):
        load(tmp_path)
    other = tmp_path / "notes.txt"
    other.touch()
    with pytest.raises(InputError, match=r"\.onnx"):
        load(other)


def test_predicts_without_torch_and_transformers(tiny_artifact_dir):
    script = textwrap.dedent(
        """
        import json, sys

        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in ("torch", "transformers", "onnx", "yaml", "pydantic"):
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        sys.meta_path.insert(0, Absent())
        from tinybert.formats.load import load

        print(json.dumps(load(sys.argv[1])(json.loads(sys.argv[2]))))
        """
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tiny_artifact_dir), json.dumps(TEXTS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == load(tiny_artifact_dir)(TEXTS)


def test_a_bare_name_within_the_folder(tiny_artifact_dir, monkeypatch):
    monkeypatch.chdir(tiny_artifact_dir / "onnx")
    assert load("model.onnx")(["a film"])[0].keys() == {"label", "score", "scores"}


@pytest.mark.parametrize(
    "best",
    [
        "../x.onnx",
        "/etc/passwd",
        "..\\x.onnx",
        "C:x.onnx",
        "onnx/../../x.onnx",
        "a" * 5000,
        "\x00",
        7,
    ],
    ids=lambda best: str(best)[:20],
)
def test_a_best_artifact_outside_the_folder(best, tiny_artifact_dir, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(tiny_artifact_dir, folder)
    for name in ("x.onnx", "out/..\\x.onnx", "out/C:x.onnx"):
        shutil.copy(folder / "onnx" / "model.onnx", tmp_path / name)
    (folder / "report.json").write_text(json.dumps({"best": best}), encoding="utf-8")
    with pytest.raises(InputError, match=r"report\.json: its best artifact"):
        load(folder)
