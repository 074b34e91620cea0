"""Where a recipe may write is known before anything runs."""

import pytest

import tinybert
from tinybert.base.errors import InputError
from tinybert.output.claim import claim
from tinybert.output.publication import publish_files
from tinybert.recipe.recipe import Recipe
from tinybert.report.publish import sure_names
from tinybert.run.output_folder import check_out
from tinybert.runtime.manifest import MANIFEST, Manifest


@pytest.fixture
def small(recipe):
    return Recipe.from_mapping(recipe(steps=["quantize"], export=["onnx"]))


@pytest.fixture
def out(tmp_path):
    """The folder of a run that was stopped before it published anything."""
    claim(tmp_path, "compress")
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        *("README.md", "recipe.yaml", "report.html", "report.json", "tokenizer.json"),
        *("student/config.json", "student/model.safetensors"),
        *("onnx/model.onnx", "onnx/model_quantized.onnx"),
        # No run of this recipe writes it, but it would be found beside the files of one.
        "openvino/model.xml",
    ],
)
def test_a_users_file_where_a_result_goes(small, out, name):
    assert check_out(out, small) == out
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_text("mine")
    with pytest.raises(InputError, match=rf"{name}: is in the way.*run the same command again"):
        check_out(out, small)
    assert (out / name).read_text() == "mine"


def test_nothing_runs_before_it_is_refused(small, out):
    (out / "README.md").write_text("mine")
    with pytest.raises(InputError, match=r"README\.md: is in the way"):
        tinybert.compress(small, out, progress=lambda _: pytest.fail("a step began"))


def test_a_link_in_place_of_a_folder(small, out, tmp_path_factory):
    (out / "student").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(InputError, match="student: is in the way: it is no plain folder"):
        check_out(out, small)


def test_files_of_other_names_stay(small, out):
    for name in ("notes.md", "student/notes.md", "onnx/mine.onnx", "vocab.txt"):
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("mine")
    assert check_out(out, small) == out


def test_what_an_earlier_run_published_is_replaced(small, out):
    publish_files(out, dict.fromkeys(sure_names(small.export), "ours"))
    assert check_out(out, small) == out
    (out / "README.md").write_text("edited since")
    assert check_out(out, small) == out


@pytest.mark.usefixtures("quick_bench")
def test_every_run_writes_what_is_sure(small, tmp_path):
    out = tmp_path / "out"
    tinybert.compress(small, out)
    assert sure_names(small.export) <= set(Manifest.read(out).files)
    (out / MANIFEST).unlink()
    tinybert.compress(small, out)  # what lies there is what would be written
    assert Manifest.read(out).finished
