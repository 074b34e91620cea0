"""A second run does what the first left out or what was damaged since, and nothing else."""

import contextlib
import json
import shutil

import pytest

import tinybert
from tinybert.errors import InputError


@pytest.fixture(scope="module")
def finished(quick_bench, recipe, tmp_path_factory):
    """A finished run: its folder and its report."""
    out = tmp_path_factory.mktemp("finished") / "out"
    return out, tinybert.compress(recipe(), out).report


@pytest.mark.parametrize(
    "late",
    [
        [{"quantize": {"method": "qat", "calibration_rows": 8, "distill": {"max_steps": 1}}}],
        [{"distill": {"max_steps": 1}}, "quantize"],
        [{"distill": {"max_steps": 1, "teachers": [{"model": "TEACHER"}]}}],
        [{"trim-vocabulary": {"corpus": ["CORPUS"]}}],
    ],
)
def test_what_a_late_step_reads_is_no_reason_to_repeat_those_before(
    finished, recipe, tmp_path, tiny_bert_dir, late
):
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("a film\nthe plot\n", encoding="utf-8")
    out = shutil.copytree(finished[0], tmp_path / "out")
    done = {path.name for path in (out / "steps").iterdir()}
    text = json.dumps(late).replace("TEACHER", str(tiny_bert_dir)).replace("CORPUS", str(corpus))
    changed = recipe(steps=[*recipe()["steps"][:-1], *json.loads(text)])

    class Stopped(Exception):
        pass

    def progress(report):
        if report.step == "export":
            raise Stopped

    with contextlib.suppress(Stopped):
        tinybert.compress(changed, out, progress=progress)
    new = {path.name for path in (out / "steps").iterdir() if path.name[0] != "."} - done
    assert {name[:2] for name in new} == {"04"}


def test_a_changed_corpus_or_teacher_is_noticed(finished, recipe, tmp_path):
    out = shutil.copytree(finished[0], tmp_path / "out")
    corpus = tmp_path / "corpus.txt"
    names = []
    for text in ("a film\n", "the plot of the film\n"):
        corpus.write_text(text, encoding="utf-8")
        steps = [*recipe()["steps"][:-1], {"trim-vocabulary": {"corpus": [str(corpus)]}}]
        tinybert.compress(recipe(steps=steps), out)
        names.append({path.name for path in (out / "steps").glob("04-trim-vocabulary-*")})
    assert len(names[1] - names[0]) == 1


@pytest.mark.parametrize("name", ["onnx/model_quantized.onnx", "student/model.safetensors"])
@pytest.mark.parametrize("damage", ["flip", "remove"])
def test_a_second_run_repairs_what_was_damaged(finished, recipe, tmp_path, name, damage):
    out = shutil.copytree(finished[0], tmp_path / "out")
    whole = (out / name).read_bytes()
    if damage == "flip":
        (out / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    else:
        (out / name).unlink()
    if name.startswith("onnx"):
        with pytest.raises(InputError, match="compress again"):
            tinybert.load(out / name if damage == "flip" else out, threads=1)(["a"])
    assert tinybert.compress(recipe(), out).report == finished[1]
    assert (out / name).read_bytes() == whole
    tinybert.load(out)(["a great film"])
