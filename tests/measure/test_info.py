import json
import shutil

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.formats.open import open_model
from tinybert.measure.info import describe, info_text

STRUCTURE = {
    "layers": 2,
    "hidden_size": 32,
    "attention_heads": 4,
    "intermediate_size": 64,
    "vocabulary": 182,
    "max_positions": 128,
}


@pytest.fixture
def files(tiny_bert_dir, tiny_artifact_dir):
    """One model three times: PyTorch, ONNX fp32, ONNX int8."""
    onnx = tiny_artifact_dir / "onnx"
    return [tiny_bert_dir, onnx / "model.onnx", onnx / "model_quantized.onnx"]


@pytest.fixture
def output(tiny_artifact_dir, tiny_bert_dir, tmp_path):
    """An output folder, with its student."""
    out = shutil.copytree(tiny_artifact_dir, tmp_path / "out")
    shutil.copytree(tiny_bert_dir, out / "student")
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    report["ratios"] = {"retention": 0.99, "smaller": 6.2}
    steps = [{"student": {}}, {"distill": {"epochs": 1}}]
    report["recipe"] = {"teacher": "some/teacher", "steps": steps}
    (out / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return out


def test_each_form_has_the_same_structure_and_task(files):
    for file in files:
        info = describe(file)
        assert info["structure"] == STRUCTURE
        assert info["model_type"] == "bert"
        assert info["task"] == {
            "kind": "text-classification",
            "labels": ["negative", "positive"],
            "thresholds": None,
        }


def test_size_and_precision_are_those_that_bench_shows(files):
    for file in files:
        facts = open_model(file).facts()
        info = describe(file)
        shown = (info["format"], info["precision"], info["bytes"], info["parameters"])
        assert shown == (facts.format, facts.precision, facts.bytes, facts.parameters)


def test_components_add_up(files):
    for file in files:
        info = describe(file)
        for key in ("parameters", "bytes"):
            assert sum(part[key] for part in info["components"].values()) == info[key]
        assert info["components"]["other"]["parameters"] == 0


def test_components_of_pytorch_and_onnx_agree(files):
    pytorch, onnx, _ = (describe(file)["components"] for file in files)
    for key in ("embeddings", "attention", "feed_forward", "layer_norms", "head"):
        assert pytorch[key] == onnx[key]


def test_int8_makes_the_components_with_matrices_smaller(files):
    _, fp32, int8 = (describe(file)["components"] for file in files)
    for key in ("embeddings", "attention", "feed_forward"):
        assert fp32[key]["parameters"] == int8[key]["parameters"]
        assert int8[key]["bytes"] < 0.4 * fp32[key]["bytes"]


def test_embeddings_are_counted_as_transformers_counts_them(tiny_bert_dir):
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert_dir)
    info = describe(tiny_bert_dir)
    assert info["parameters"] == model.num_parameters()
    assert info["parameters_without_embeddings"] == model.num_parameters(exclude_embeddings=True)


def test_half_precision_weights_are_seen(tiny_bert_dir, tmp_path):
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert_dir)
    model.to(torch.bfloat16).save_pretrained(tmp_path)
    whole, half = describe(tiny_bert_dir), describe(tmp_path)
    assert half["precision"] == "bf16"
    assert half["parameters"] == whole["parameters"]
    assert half["components"]["head"]["bytes"] * 2 == whole["components"]["head"]["bytes"]


def test_a_pickle_is_read_where_there_is_pytorch(tiny_bert_dir, tmp_path):
    folder = shutil.copytree(tiny_bert_dir, tmp_path / "model")
    (folder / "model.safetensors").unlink()
    state = AutoModelForSequenceClassification.from_pretrained(tiny_bert_dir).state_dict()
    state["a.tied.name"] = state["classifier.weight"]
    torch.save(state, folder / "pytorch_model.bin")
    assert describe(folder)["components"]["head"] == describe(tiny_bert_dir)["components"]["head"]


def test_a_bare_encoder_has_no_task(tiny_bert_dir, tmp_path):
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert_dir)
    model.bert.save_pretrained(tmp_path)
    info = describe(tmp_path)
    assert info["task"] is None
    assert "a bare encoder" in info_text(info)


def test_an_output_folder_says_where_it_came_from(output):
    for model in (output, output / "onnx" / "model.onnx", output / "student"):
        origin = describe(model)["provenance"]
        assert origin["folder"] == str(output)
        assert origin["teacher"] == "some/teacher"
        assert origin["steps"] == [{"student": {}}, {"distill": {"epochs": 1}}]
        assert origin["ratios"] == {"retention": 0.99, "smaller": 6.2}
    assert describe(output)["path"] == str(output / "onnx" / "model_quantized.onnx")


def test_what_compress_did_not_make_has_no_provenance(files):
    assert [describe(file)["provenance"] for file in files] == [None] * 3


def test_the_command_prints_both_forms(output, capsys):
    assert main(["info", str(output), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == describe(output)
    assert main(["info", str(output)]) == 0
    text = capsys.readouterr().out
    assert "layers 2" in text
    assert "some/teacher; steps: student, distill" in text
    assert "onnx/model_quantized.onnx: keeps 99.0% of its teacher's metric, 6.2x smaller" in text


def test_what_is_not_proven_is_called_so(output, tiny_bert_dir, capsys):
    """By `bench`, too, of each model that a run made."""
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    report["task"] = {"metric": "accuracy"}
    report["ratios"] = {"retention": 0.9934, "retention_low": 0.979, "retention_high": 1.007}
    report["ratios"] |= {"smaller": 6.2, "faster": None, "faster_than_onnx": 0.5}
    report["ratios"]["less_memory"] = 4.9
    kept = {"of_teacher": {"verdict": "not proven"}, "of_student": None}
    report["artifacts"] = [{"path": report["best"], "kept": kept}]
    (output / "report.json").write_text(json.dumps(report), encoding="utf-8")
    told = "keeps 99.3% of its teacher's accuracy (97.9 to 100.7%; 98% not proven)"
    assert main(["info", str(output)]) == 0
    text = capsys.readouterr().out
    assert f"{told}, 6.2x smaller, 2.0x slower than it in ONNX, 4.9x less memory\n" in text
    assert "_" not in text.splitlines()[-1].replace("model_quantized", "")
    models = [str(tiny_bert_dir), str(output)]
    assert main(["bench", *models, "--length", "8", "--repeats", "1", "--threads", "1"]) == 0
    text = capsys.readouterr().out
    assert f"\n{output}: {told}\n" in text
    assert text.count("keeps") == 1


def test_a_file_that_is_not_the_best_has_its_own_figures(output, capsys):
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    report["task"] = {"metric": "accuracy"}
    found = {"retention": 0.9, "retention_low": 0.8, "retention_high": 0.95}
    report["artifacts"] = [
        {
            "path": "onnx/model.onnx",
            "bytes": 50,
            "peak_memory_mb": 20.0,
            "faster": 3.0,
            "faster_than_onnx": None,
            "kept": {"of_teacher": {"verdict": "not kept", "eval": found}, "of_student": None},
        },
        {"path": report["best"]},
    ]
    report["teacher"] = {"bytes": 100, "peak_memory_mb": 40.0}
    (output / "report.json").write_text(json.dumps(report), encoding="utf-8")
    assert main(["info", str(output / "onnx" / "model.onnx")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "onnx/model.onnx: keeps 90.0% of its teacher's accuracy (80.0 to 95.0%; 98% not kept), "
        f"2.0x smaller, 3.0x faster, 2.0x less memory; the best file is {report['best']}"
    )
    assert main(["info", str(output)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{report['best']}: keeps 99.0%")


def _cut(path):
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("student/model.safetensors", _cut),
        ("student/model.safetensors", lambda path: path.write_bytes(b"\xff" * 64)),
        ("student/model.safetensors", lambda path: path.write_bytes(b"\2" + b"\0" * 7 + b"[]")),
        ("student/config.json", lambda path: path.unlink()),
        ("report.json", lambda path: path.write_text("{", encoding="utf-8")),
    ],
)
def test_a_broken_file_is_named(output, name, damage):
    damage(output / name)
    with pytest.raises(InputError, match=str(output / name)):
        describe(output / "student")


@pytest.mark.parametrize("name", ["absent/folder/model", "report.json", "onnx"])
def test_what_is_no_model_is_refused(output, name):
    with pytest.raises(InputError, match=name):
        describe(output / name)


@pytest.mark.parametrize(
    "changes",
    [
        {"recipe": []},
        {"recipe": 1},
        {"recipe": {"teacher": "x"}},
        {"recipe": {"teacher": "x", "steps": [1]}},
        {"recipe": {"teacher": "x", "steps": []}, "ratios": 3},
    ],
    ids=str,
)
def test_a_report_that_was_damaged(changes, tiny_artifact_dir, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(tiny_artifact_dir, folder)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    (folder / "report.json").write_text(json.dumps(report | changes), encoding="utf-8")
    if not changes["recipe"]:
        assert describe(folder)["provenance"] is None
        return
    with pytest.raises(InputError, match=r"report\.json: is damaged"):
        describe(folder)


HEADERS = [
    {"shape": [1.5], "data_offsets": [0, 4]},
    {"shape": [-1, 2], "data_offsets": [0, 4]},
    {"shape": [2**62, 2**62], "data_offsets": [0, 4]},
    {"shape": "2", "data_offsets": [0, 4]},
    {"shape": [1], "data_offsets": [4, 0]},
    {"shape": [1], "data_offsets": [-4, 4]},
    {"shape": [1], "data_offsets": [[0], 4]},
    {"shape": [1]},
]


@pytest.mark.parametrize("entry", HEADERS, ids=str)
def test_a_safetensors_header_of_wrong_kinds(entry, tiny_bert_dir, tmp_path):
    shutil.copy(tiny_bert_dir / "config.json", tmp_path)
    header = json.dumps({"weight": {"dtype": "F32", **entry}}).encode()
    content = len(header).to_bytes(8, "little") + header + b"1234"
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"model\.safetensors: not a whole safetensors file"):
        describe(tmp_path)
