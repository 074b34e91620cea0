"""A new family, task, step and format: a file or folder each, and one line in its registry.

They are added to a copy of the package, and the program is run on them.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tinybert

FILES = {
    "families/data2vec.py": """
from dataclasses import replace

from tinybert.families.bert import ROBERTA

DATA2VEC = replace(ROBERTA, model_types=("data2vec-text",))
""",
    "tasks/tone.py": """
from dataclasses import dataclass
from typing import ClassVar

from tinybert.tasks.text_classification import TextClassification


@dataclass(frozen=True, kw_only=True)
class Tone(TextClassification):
    kind: ClassVar[str] = "tone"
""",
    "steps/halve/__init__.py": "",
    "steps/halve/config.py": '''
from typing import ClassVar

from pydantic import Field

from tinybert.steps.base import StepConfig


class HalveConfig(StepConfig):
    """How much of the head's weights is left."""

    name: ClassVar[str] = "halve"
    function: ClassVar[str] = "tinybert.steps.halve.step:halve"

    left: float = Field(default=0.5, description="the share that is left")
''',
    "steps/halve/step.py": """
def halve(config, model, context):
    model.classifier.out_proj.weight.data.mul_(config.left)
    return model
""",
    "formats/boxed/__init__.py": "",
    "formats/boxed/convert.py": """
from tinybert.formats.onnx.convert import convert
""",
    "formats/boxed/run.py": """
from tinybert.formats.onnx.run import OnnxModel


class BoxedModel(OnnxModel):
    format = "boxed"


def open_model(path, threads, files):
    return BoxedModel(path, threads, files)
""",
    "formats/boxed/weights.py": """
from tinybert.formats.onnx.weights import read_raw, read_weights
""",
    "formats/boxed/quantize.py": """
from tinybert.formats.onnx.quantize import check, quantize
""",
}

LINES = {
    "families/registry.py": [
        (
            "_ALL = (",
            "_ALL = (\n    importlib.import_module('tinybert.families.data2vec').DATA2VEC,",
        )
    ],
    "tasks/registry.py": [
        (
            "= {\n    Text",
            "= {\n    'tone': importlib.import_module('tinybert.tasks.tone').Tone,\n    Text",
        )
    ],
    "steps/registry.py": [
        (
            "for each in (",
            "for each in (\n"
            "        importlib.import_module('tinybert.steps.halve.config').HalveConfig,",
        )
    ],
    "formats/registry.py": [
        (
            "FORMATS: dict[str, Format] = {",
            "FORMATS: dict[str, Format] = {\n    'boxed': Format('tinybert.formats.boxed', "
            "'boxed/model.box', ('onnx',), 'train', 'onnxruntime'),",
        )
    ],
}
"""What stands in each registry, and what it becomes: one line more."""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Runs the program of the copy; returns what it printed."""
    copy = tmp_path_factory.mktemp("copy")
    package = copy / "tinybert"
    shutil.copytree(Path(tinybert.__file__).parent, package)
    for name, text in FILES.items():
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text(text.lstrip(), encoding="utf-8")
    for name, changes in LINES.items():
        text = (package / name).read_text(encoding="utf-8")
        for before, after in changes:
            assert before in text
            text = text.replace(before, after, 1)
        after_docstring = text.index('"""\n') + 4
        text = f"{text[:after_docstring]}\nimport importlib\n{text[after_docstring:]}"
        (package / name).write_text(text, encoding="utf-8")

    def run(*arguments):
        script = (
            f"import sys; sys.path.insert(0, {str(copy)!r}); from tinybert.cli.main import main;"
        )
        command = [sys.executable, "-c", script + "sys.exit(main())", *map(str, arguments)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=copy)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


def test_what_is_new_is_used_everywhere(program, tiny_tokenizer_dir, files, tmp_path):
    from transformers import Data2VecTextConfig, Data2VecTextModel

    teacher, out = tmp_path / "teacher", tmp_path / "out"
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = Data2VecTextConfig(**size, intermediate_size=64, vocab_size=300, pad_token_id=0)
    Data2VecTextModel(config).save_pretrained(teacher)
    shutil.copytree(tiny_tokenizer_dir, teacher, dirs_exist_ok=True)
    training = {"max_steps": 2, "batch_size": 8}
    shape = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
    rows = str(files / "reviews.jsonl")
    recipe = {
        "teacher": str(teacher),
        "task": "tone",
        "data": {"train": rows, "eval": rows, "max_length": 32},
        "steps": [
            {"finetune": training},
            {"student": shape},
            {"distill": {**training, "hidden": 1}},
            {"halve": {"left": 0.25}},
            "quantize",
        ],
        "export": ["boxed"],
    }
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe), encoding="utf-8")
    program("compress", path, "--out", out)
    assert (out / "boxed" / "model_quantized.box").is_file()
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["task"]["kind"] == "tone"
    assert [next(iter(step)) for step in report["recipe"]["steps"]][3] == "halve"

    assert '"label"' in program("predict", out, "a film", "--json")
    (measured,) = json.loads(program("bench", out, "--repeats", "2", "--json"))["models"]
    assert (measured["format"], measured["precision"]) == ("boxed", "int8")
    assert "boxed" in program("info", out)
    assert "accuracy" in program("evaluate", out, "--task", "tone", "--data", rows)
    program("export", out, "--to", "boxed", "--out", tmp_path / "again")
    assert "boxed" in program("info", tmp_path / "again" / "boxed" / "model.box")
