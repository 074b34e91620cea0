"""OpenVINO artifacts: as PyTorch computes, and refused where they are broken."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tinybert.base.errors import InputError
from tinybert.formats.load import load, open_artifact
from tinybert.modeling.load import load_model, load_tokenizer
from tinybert.modeling.torch_model import load_torch
from tinybert.run.export import export

pytest.importorskip("openvino")

TEXTS = ["a great film", "dull", "the cat sat on the mat and it was not bad"]


@pytest.fixture(scope="module")
def exported(tiny_bert_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("openvino")
    task = load_torch(tiny_bert_dir).task
    model, tokenizer = load_model(tiny_bert_dir, task), load_tokenizer(tiny_bert_dir)
    paths = export(model, tokenizer, out, ["openvino"])
    assert paths == {"openvino": out / "openvino/model.xml"}
    return out


@pytest.fixture
def copied(exported, tmp_path):
    shutil.copytree(exported, tmp_path / "copy")
    return tmp_path / "copy" / "openvino/model.xml"


def test_logits_are_those_of_pytorch(exported, tiny_bert_dir):
    model = load(exported / "openvino/model.xml", threads=1)
    expected = load_torch(tiny_bert_dir).logits(TEXTS)
    np.testing.assert_allclose(model.logits(TEXTS), expected, atol=1e-4)
    assert model(TEXTS)[0].keys() == {"label", "score", "scores"}


def test_nothing_is_left_beside_it(exported):
    names = {file.name for file in (exported / "openvino").iterdir()}
    assert names == {"model.xml", "model.bin"}


def test_facts(exported, tiny_bert_dir):
    facts = open_artifact(exported / "openvino/model.xml", None).facts()
    files = (exported / "openvino").iterdir()
    assert facts.bytes == sum(file.stat().st_size for file in files)
    assert (facts.format, facts.precision) == ("openvino", "fp32")
    parameters = load_torch(tiny_bert_dir).facts().parameters
    assert facts.parameters == pytest.approx(parameters, rel=0.02)


@pytest.mark.parametrize("name", ["model.xml", "model.bin"])
@pytest.mark.parametrize("listed", [True, False], ids=["with checksums", "without"])
def test_a_cut_off_file(copied, name, listed):
    if not listed:
        for note in (".tinybert-run", "manifest.json"):
            (copied.parent.parent / note).unlink()
    file = copied.with_name(name)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(InputError, match="damaged" if listed else "not a whole OpenVINO model"):
        load(copied)


def test_a_missing_file(copied):
    copied.with_suffix(".bin").unlink()
    with pytest.raises(InputError, match=r"model\.bin: there is no such file"):
        load(copied)


def test_without_openvino(copied, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(InputError, match=r"pip install 'tinybert\[openvino\]'"):
        load(copied)


def test_threads_get_the_answers_to_their_own_texts(exported):
    model = load(exported / "openvino/model.xml", threads=1)
    texts = [" ".join(["film"] * (1 + index % 40)) + " bad" * (index % 7) for index in range(200)]
    expected = np.concatenate([model.logits([text]) for text in texts])
    with ThreadPoolExecutor(4) as pool:
        answers = np.concatenate(list(pool.map(lambda text: model.logits([text]), texts)))
    np.testing.assert_allclose(answers, expected, atol=1e-5)
