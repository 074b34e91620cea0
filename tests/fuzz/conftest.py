"""The whole files that the fuzzer damages, and a server that runs what it made of them."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.outcome import TEXTS

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def fuzz_base(tmp_path_factory, tiny_bert_dir, tiny_artifact_dir, reviews):
    """A folder with a model in three formats, what `compress` makes, data and its answers."""
    import openvino

    from tinybert import load
    from tinybert.base.files import hash_path, write_json
    from tinybert.output.publication import files_below, publish_files
    from tinybert.runtime.manifest import MARK, OLD_MANIFEST

    base = tmp_path_factory.mktemp("fuzz")
    model, out, old = base / "model", base / "out", base / "old"
    shutil.copytree(tiny_bert_dir, model)
    shutil.copytree(tiny_bert_dir, model / "whole")
    shutil.copytree(tiny_artifact_dir / "onnx", model / "onnx")
    (model / "openvino").mkdir()
    graph = openvino.convert_model(model / "onnx" / "model.onnx")
    openvino.save_model(graph, model / "openvino" / "model.xml", compress_to_fp16=False)
    out.mkdir()
    (out / MARK).write_text("compress", encoding="utf-8")
    publish_files(out, files_below(tiny_artifact_dir))
    shutil.copytree(tiny_artifact_dir, old)
    sums = {f"onnx/{path.name}": hash_path(path) for path in (old / "onnx").iterdir()}
    write_json(old / OLD_MANIFEST, sums)
    lines = [row["sentence"] for row in reviews]
    (base / "corpus.txt").write_text("\n".join(lines), encoding="utf-8")
    (base / "reviews.jsonl").write_text("\n".join(map(json.dumps, reviews)), encoding="utf-8")
    # A damaged report.json may name either file as the best.
    answers = [
        json.dumps(load(out / "onnx" / name)(TEXTS))
        for name in ("model.onnx", "model_quantized.onnx")
    ]
    (base / "answers.txt").write_text("\n".join(answers), encoding="utf-8")
    return base


@pytest.fixture
def fuzz_server(fuzz_base):
    """Asks the server: a target, a seed and a time limit to what became of that input."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    quiet = {"TRANSFORMERS_VERBOSITY": "error", "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "fuzz.forkserver", fuzz_base],
        cwd=TESTS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, **one_thread, **quiet, "TOKENIZERS_PARALLELISM": "false"},
    )

    def ask(target, seed, seconds):
        request = {"target": target, "seed": seed, "seconds": seconds}
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield ask
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    process.wait()
