"""A second run does what the first left out or what was damaged since, and nothing else."""

import contextlib
import json
import shutil

import pytest

import tinybert
from tinybert.base.errors import InputError


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


def damaged(content, how):
    """A file's bytes as a disk may lose them."""
    if how == "emptied":
        return b""
    if how == "zeroed":
        return bytes(len(content))
    place = len(content) // 2
    if how == "cut":
        return content[:place]
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def made(out):
    """What a run makes, by name: weights, graphs, settings; no figures of time, no marks."""
    timed = ("report.json", "report.html", "README.md", "manifest.json")
    names = {
        path: path.relative_to(out).as_posix()
        for path in out.rglob("*")
        if path.is_file() and path.name not in timed
    }
    return {
        name: path.read_bytes()
        for path, name in names.items()
        if not name.startswith(("steps/", "."))
    }


@pytest.mark.parametrize("how", ["emptied", "zeroed", "cut", "flipped"])
@pytest.mark.parametrize(
    "names",
    [
        pytest.param(
            ["02-student-*/model/model.safetensors", "01-*/step.json", "04-*/model/config.json"],
            id="some",
        ),
        pytest.param(["*/**/*"], id="all", marks=pytest.mark.slow),
    ],
)
def test_no_damaged_file_of_a_step_is_published(finished, recipe, tmp_path, names, how):
    """Each file below steps/ in turn; a second run does the step again, to the same bits."""
    whole = made(finished[0])
    steps = finished[0] / "steps"
    files = sorted({file for name in names for file in steps.glob(name) if file.is_file()})
    assert len(files) >= len(names)
    for number, file in enumerate(files):
        out = shutil.copytree(finished[0], tmp_path / str(number))
        ours = out / file.relative_to(finished[0])
        ours.write_bytes(damaged(ours.read_bytes(), how))
        # As where the publication was lost, so that all of it is taken from steps/.
        for name in whole:
            (out / name).unlink(missing_ok=True)
        tinybert.compress(recipe(), out)
        assert made(out) == whole, file
        shutil.rmtree(out)


@pytest.mark.parametrize("name", ["model/model.safetensors", "model/tokenizer.json"])
def test_a_damaged_model_of_an_interrupted_step_is_made_again(finished, recipe, tmp_path, name):
    """A run that was killed when it had saved a model, and not yet measured it."""
    out = shutil.copytree(finished[0], tmp_path / "out")
    (done,) = (out / "steps").glob("03-distill-*")
    unfinished = done.rename(done.with_name(f".{done.name}.unfinished"))
    sums = json.loads((unfinished / "checksums.json").read_text())
    del sums["step.json"]
    (unfinished / "step.json").unlink()
    (unfinished / "checksums.json").write_text(json.dumps(sums))
    file = unfinished / name
    file.write_bytes(damaged(file.read_bytes(), "flipped"))
    tinybert.compress(recipe(), out)
    assert made(out) == made(finished[0])


def test_a_damaged_checkpoint_is_not_gone_on_from(quick_bench, recipe, tmp_path):
    steps = recipe()["steps"]
    steps[2]["distill"] |= {"max_steps": 6, "checkpoint_steps": 2}
    tinybert.compress(recipe(steps=steps), tmp_path / "whole")

    class Stopped(Exception):
        pass

    def progress(report):
        if report.step == "distill" and report.done == 5:
            raise Stopped

    for number, how in enumerate(("emptied", "zeroed", "flipped")):
        out = tmp_path / str(number)
        with pytest.raises(Stopped):
            tinybert.compress(recipe(steps=steps), out, progress=progress)
        (checkpoint,) = out.glob("steps/.03-*/checkpoints/checkpoint-4")
        for name in ("model.safetensors", "complete", "trainer_state.json")[number:]:
            file = checkpoint / name
            file.write_bytes(damaged(file.read_bytes(), how))
        tinybert.compress(recipe(steps=steps), out)
        assert made(out) == made(tmp_path / "whole")
