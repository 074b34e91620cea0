"""The whole way on a tiny BERT: what is written, and what a second run does again."""

import contextlib
import fcntl
import json
import shutil

import pytest
import torch
import yaml
from safetensors.torch import load_file
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification

import tinybert
from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.modeling.load import load_tokenizer
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe

SHAPE = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}


@pytest.fixture(scope="module")
def finished(quick_bench, recipe, tmp_path_factory):
    """A finished run: its folder and its report. Copy it before you change it."""
    out = tmp_path_factory.mktemp("finished") / "out"
    return out, tinybert.compress(recipe(), out).report


class Stopped(Exception):
    pass


@pytest.fixture
def again(finished, tmp_path):
    """A copy of the finished run, and a function that runs a recipe in it.

    The function returns the steps that were worked on. It stops before `stop_before`, by default
    the export, whose conversion takes longer than all that comes before it.
    """
    out = shutil.copytree(finished[0], tmp_path / "out")

    def run(recipe, stop_before="export", **options):
        seen = []

        def progress(report):
            if report.step == stop_before:
                raise Stopped
            if not report.ended:  # as is told of what was done before, too
                seen.append(report.step)

        with contextlib.suppress(Stopped):
            tinybert.compress(recipe, out, progress=progress, **options)
        return list(dict.fromkeys(seen))

    return out, run


def test_the_report_is_as_the_contract_says(finished):
    out, report = finished
    assert report == json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["schema"] == 1
    assert report["task"] == {"kind": "text-classification", "metric": "accuracy", "eval_rows": 40}
    figures = {"parameters", "bytes", "metric", "latency_ms", "peak_memory_mb"}
    assert figures <= report["teacher"].keys()
    for artifact in report["artifacts"]:
        assert {
            *figures,
            *("path", "format", "precision", "metric_low", "metric_high", "metrics"),
            *("throughput_per_s", "parity"),
        } <= artifact.keys()
        assert artifact["parity"].keys() == {"max_abs_diff", "agreement"}
        assert artifact["metric_low"] <= artifact["metric"] <= artifact["metric_high"]
        assert artifact["bytes"] == (out / artifact["path"]).stat().st_size
        beside = ("config.json", "tokenizer.json", "tokenizer_config.json")
        sizes = [(out / name).stat().st_size for name in (artifact["path"], *beside)]
        assert artifact["bytes_deployed"] == sum(sizes)
    assert [(a["path"], a["precision"]) for a in report["artifacts"]] == [
        ("onnx/model.onnx", "fp32"),
        ("onnx/model_quantized.onnx", "int8"),
    ]
    (best,) = [each for each in report["artifacts"] if each["path"] == report["best"]]
    teacher, ratios = report["teacher"], report["ratios"]
    assert ratios["smaller"] == pytest.approx(teacher["bytes"] / best["bytes"], abs=1e-4)
    assert ratios["retention"] == pytest.approx(best["metric"] / teacher["metric"], abs=1e-4)
    assert {"faster", "less_memory"} <= ratios.keys()
    assert [step["name"] for step in report["steps"]] == ["finetune", "student", "distill"]
    for step in report["steps"]:
        assert step.keys() == {"name", "seconds", "metric", "parameters", "bytes"}


def test_the_fp32_file_computes_what_the_student_does(finished):
    fp32 = finished[1]["artifacts"][0]
    assert fp32["parity"]["agreement"] == 1
    assert fp32["parity"]["max_abs_diff"] < 1e-4


def test_the_folder_is_as_the_contract_says(finished):
    out, _ = finished
    visible = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert visible == {
        *("recipe.yaml", "report.json", "report.html", "README.md", "student", "onnx", "steps"),
        *("config.json", "tokenizer.json", "tokenizer_config.json", "manifest.json"),
    }
    assert not list(out.rglob("*.partial"))
    assert not list(out.rglob("*.unfinished"))
    assert not list(out.rglob("checkpoint-*"))


def test_stock_transformers_loads_the_student(finished):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model, loading = AutoModelForSequenceClassification.from_pretrained(
        finished[0] / "student", output_loading_info=True
    )
    assert not any(loading.values())
    assert model.config.hidden_size == 16
    assert model.config.id2label == {0: "negative", 1: "positive"}
    assert AutoTokenizer.from_pretrained(finished[0] / "student").model_max_length == 32


def test_every_artifact_and_the_folder_predict(finished, reviews):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    out, report = finished
    texts = [row["sentence"] for row in reviews]
    assert tinybert.load(out)(texts) == tinybert.load(out / report["best"])(texts)
    stock = AutoModelForSequenceClassification.from_pretrained(out / "student").eval()
    tokenizer = AutoTokenizer.from_pretrained(out / "student")
    for text in texts:
        # Alone: the range that an activation of the int8 file is given is that of the batch.
        with torch.no_grad():
            logits = stock(**tokenizer(text, truncation=True, return_tensors="pt")).logits[0]
        expected = dict(zip(("negative", "positive"), logits.softmax(0).tolist(), strict=True))
        for artifact in report["artifacts"]:
            (found,) = tinybert.load(out / artifact["path"])([text])
            near = 1e-4 if artifact["precision"] == "fp32" else 0.1
            assert found["scores"] == pytest.approx(expected, abs=near)
            assert found["label"] == max(found["scores"], key=found["scores"].get)
            assert found["score"] == found["scores"][found["label"]]


def test_the_recipe_in_the_folder_makes_the_same(again):
    out, run = again
    before = (out / "report.json").read_bytes()
    assert run(yaml.safe_load((out / "recipe.yaml").read_text(encoding="utf-8"))) == []
    assert (out / "report.json").read_bytes() == before


def stamps(folder):
    return {
        path.relative_to(folder): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_a_second_run_does_nothing(finished, again, recipe):
    out, run = again
    before = stamps(out)
    assert run(recipe()) == []
    assert stamps(out) == before
    assert tinybert.compress(recipe(), out).report == finished[1]


def changed_step(recipe, index, settings):
    steps = list(recipe()["steps"])
    steps[index] = settings
    return recipe(steps=steps)


def test_a_changed_step_is_done_again_with_those_after_it(again, recipe):
    changed = changed_step(recipe, 2, {"distill": {"max_steps": 2, "batch_size": 8}})
    assert [name for name in again[1](changed) if name != "teacher"] == ["distill"]
    other_shape = changed_step(recipe, 1, {"student": SHAPE | {"hidden_size": 8}})
    assert again[1](other_shape) == ["student", "distill"]


def test_a_changed_quantization_trains_nothing(again, recipe):
    out, run = again
    without = recipe(steps=recipe()["steps"][:-1])
    assert run(without, stop_before=None) == ["export", "measure"]
    assert not (out / "onnx" / "model_quantized.onnx").exists()
    assert json.loads((out / "report.json").read_text())["best"] == "onnx/model.onnx"


def test_a_changed_seed_does_all_again(again, recipe):
    assert again[1](recipe(seed=1)) == ["finetune", "student", "distill"]


def test_changed_data_does_all_again(again, recipe, files, tmp_path):
    copy = tmp_path / "copy.jsonl"
    shutil.copy(files / "reviews.jsonl", copy)
    data = {"train": str(copy), "eval": str(copy), "max_length": 32}
    assert again[1](recipe(data=data)) == [], "the content counts, not the name"
    with copy.open("a", encoding="utf-8") as file:
        file.write('\n{"sentence": "a new one", "label": "positive"}')
    assert again[1](recipe(data=data)) == ["finetune", "student", "distill"]


def test_fresh_starts_over(finished, again, recipe):
    out, run = again
    assert run(recipe(), fresh=True) == ["finetune", "student", "distill"]
    for path in finished[0].glob("steps/*/model/model.safetensors"):
        ours = out / path.relative_to(finished[0])
        assert ours.read_bytes() == path.read_bytes()


def test_fresh_leaves_nothing_that_looks_finished(again, recipe):
    out, run = again
    run(recipe(), fresh=True)
    assert not (out / "report.json").exists()


@pytest.mark.parametrize("index", [0, 2])
def test_a_changed_recipe_takes_the_old_report_away_at_once(again, recipe, index):
    out, run = again
    name, settings = next(iter(recipe()["steps"][index].items()))
    assert run(changed_step(recipe, index, {name: settings | {"max_steps": 2}}), name) == []
    assert not (out / "report.json").exists()


def test_two_runs_at_once(again, recipe):
    out, run = again
    with (out / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InputError, match=r"another run .* is at work in this folder"):
            run(recipe())
    run(recipe())


def test_the_program(again, recipe, tmp_path, capsys):
    """`compress`, then `evaluate`, `predict` and `info` on what it made."""
    out, _ = again
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe()), encoding="utf-8")
    assert main(["compress", str(path), "--out", str(out)]) == 0
    table = capsys.readouterr().out
    assert "onnx/model_quantized.onnx" in table
    assert f'tinybert.load("{out}")' in table
    assert main(["compress", str(path), "--out", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["data"]["train"]["rows"] == report["data"]["train"]["compared"] > 0
    assert report["data"]["eval"]["rows"] == report["task"]["eval_rows"]
    assert "## Data" in (out / "README.md").read_text(encoding="utf-8")
    assert "<h2>Data</h2>" in (out / "report.html").read_text(encoding="utf-8")
    assert main(["compress", str(path), "--dry-run"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["steps"][3]["quantize"] is not None
    data = recipe()["data"]["eval"]
    arguments = ["--task", "text-classification", "--data", data, "--json"]
    assert main(["evaluate", str(out), *arguments]) == 0
    (best,) = [entry for entry in report["artifacts"] if entry["path"] == report["best"]]
    assert json.loads(capsys.readouterr().out)["metrics"] == best["metrics"]
    assert main(["predict", str(out), "--json", "a great film"]) == 0
    assert len(json.loads(capsys.readouterr().out)["predictions"]) == 1


@pytest.fixture
def encoder_dir(tiny_bert_dir, tmp_path):
    """The tiny BERT without its head."""
    from transformers import BertModel

    folder = tmp_path / "encoder"
    shutil.copytree(tiny_bert_dir, folder)
    BertModel.from_pretrained(tiny_bert_dir).save_pretrained(folder)
    return str(folder)


def test_a_regression_of_pairs_from_a_bare_encoder(
    quick_bench, recipe, files, encoder_dir, tmp_path
):
    """As STS-B is."""
    rows = str(files / "pairs.jsonl")
    data = {"train": rows, "eval": rows, "text": ["first", "second"], "label": "alike"}
    changed = recipe(teacher=encoder_dir, task="text-regression", data=data)
    report = tinybert.compress(changed, tmp_path / "out").report
    assert report["task"]["kind"] == "text-regression"
    model = tinybert.load(tmp_path / "out")
    assert model.task.text == ("first", "second")
    assert [entry.keys() for entry in model([("a film", "a story")])] == [{"value"}]


def test_fine_tuning_alone(quick_bench, recipe, encoder_dir, tmp_path):
    """Without a student the fine-tuned model is both the teacher and what is exported."""
    changed = recipe(teacher=encoder_dir, steps=recipe()["steps"][:1])
    report = tinybert.compress(changed, tmp_path / "out").report
    assert report["ratios"]["retention"] == 1
    assert report["ratios"]["smaller"] == pytest.approx(1, rel=0.1)


def test_export_alone(quick_bench, recipe, tiny_tokenizer_dir, tmp_path):
    """A model that is fine-tuned already needs no training rows, nor must it take 128 tokens."""
    config = BertConfig(
        vocab_size=200,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
        id2label={0: "negative", 1: "positive"},
    )
    shutil.copytree(tiny_tokenizer_dir, tmp_path / "model")
    BertForSequenceClassification(config).save_pretrained(tmp_path / "model")
    changed = recipe(
        teacher=str(tmp_path / "model"),
        steps=["quantize"],
        data={"eval": recipe()["data"]["eval"], "max_length": 32},
    )
    report = tinybert.compress(changed, tmp_path / "out").report
    assert len(report["artifacts"]) == 2
    assert report["steps"] == []
    assert report["measured_at"]["length"] == 40


def test_a_student_from_a_checkpoint(again, recipe, finished):
    """An earlier student's encoder, and a head that starts anew."""
    out, run = again
    changed = changed_step(recipe, 1, {"student": SHAPE | {"init": str(finished[0] / "student")}})
    assert "student" in run(changed, stop_before="distill")
    (folder,) = (path for path in out.glob("steps/02-student-*") if not in_run(finished, path))
    ours, theirs = (load_file(f / "model.safetensors") for f in (folder / "model", out / "student"))
    assert all(torch.equal(ours[key], theirs[key]) for key in ours if key.startswith("bert."))
    assert not torch.equal(ours["classifier.weight"], theirs["classifier.weight"])


def test_a_shape_is_chosen_by_the_file_that_it_ends_in(again, recipe, monkeypatch):
    out, run = again
    asked = {}

    def latencies(models, tokenizer, target, quantize):
        asked.update(target=target, quantize=quantize.name)
        return [-model.config.hidden_size for model in models]

    monkeypatch.setattr("tinybert.run.step.latencies", latencies)
    changed = changed_step(
        recipe, 1, {"student": SHAPE | {"hidden_size": 28, "init": "random", "shape": "fast"}}
    )
    assert "student" in run(changed, stop_before="distill")
    assert asked == {"target": "onnx", "quantize": "quantize"}
    shapes = [json.loads(path.read_text()) for path in out.glob("steps/02-*/model/config.json")]
    assert 32 in [shape["hidden_size"] for shape in shapes]
    pytest.importorskip("openvino")
    asked.clear()
    static = [*changed["steps"][:3], {"quantize": {"method": "static"}}]
    run(changed | {"export": ["openvino"], "steps": static}, stop_before="distill")
    assert asked == {"target": "openvino", "quantize": "quantize"}


def test_a_run_within_its_teachers_folder_goes_on(quick_bench, recipe, tiny_bert_dir, tmp_path):
    """As `--out out` in the folder of `teacher: .` does."""
    teacher = shutil.copytree(tiny_bert_dir, tmp_path / "teacher")
    changed = recipe(teacher=str(teacher), steps=[{"student": SHAPE}])
    inputs = read_inputs(Recipe.from_mapping(changed))
    tinybert.compress(changed, teacher / "out")
    (teacher / "checkpoint-1").mkdir()
    (teacher / "checkpoint-1" / "optimizer.pt").write_bytes(b"1")
    (teacher / "training_args.bin").write_bytes(b"1")
    assert read_inputs(Recipe.from_mapping(changed)).key == inputs.key
    weights = teacher / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert read_inputs(Recipe.from_mapping(changed)).key != inputs.key


def models(out):
    """The weights of each step, by its name."""
    return {
        path.parts[-3].split("-", 1)[1].rsplit("-", 1)[0]: path.read_bytes()
        for path in out.glob("steps/*/model/model.safetensors")
    }


def test_a_teacher_needs_no_labels(again, recipe, files, tmp_path, reviews):
    """Unlabeled text is as good a training set as any, where nothing is fine-tuned."""
    unlabeled = tmp_path / "unlabeled.jsonl"
    rows = [json.dumps({"sentence": row["sentence"]}) for row in reviews]
    unlabeled.write_text("\n".join(rows), encoding="utf-8")
    steps = recipe()["steps"][1:]
    data = recipe()["data"]
    results = []
    for name, train in (("with", data["train"]), ("without", str(unlabeled))):
        changed = recipe(steps=steps, data=data | {"train": train})
        with contextlib.suppress(Stopped):
            tinybert.compress(changed, tmp_path / name, progress=stop_before_export)
        results.append(models(tmp_path / name))
    assert results[0] == results[1]
    assert set(results[0]) == {"student", "distill"}
    with pytest.raises(InputError, match="no column 'label'"):
        tinybert.compress(recipe(data=data | {"train": str(unlabeled)}), tmp_path / "labels")


def stop_before_export(report):
    if report.step == "export":
        raise Stopped


def test_no_data_at_all(recipe, tmp_path):
    """Texts are made from the teacher; the evaluation split alone is read."""
    changed = recipe(
        data={"eval": recipe()["data"]["eval"], "max_length": 32},
        steps=[{"generate": {"rows": 24, "max_tokens": 8}}, *recipe()["steps"][1:]],
    )
    with contextlib.suppress(Stopped):
        tinybert.compress(changed, tmp_path / "out", progress=stop_before_export)
    (folder,) = tmp_path.glob("out/steps/01-generate-*")
    assert len(json.loads((folder / "rows.json").read_text())) == 24
    assert json.loads((folder / "step.json").read_text())["rows"] == 24
    assert set(models(tmp_path / "out")) == {"student", "distill"}


def test_changed_texts_beside_the_rows(recipe, reviews, tmp_path):
    """After the student, as the contract has it; without training rows it is refused."""
    first, shrink, *rest = recipe()["steps"]
    steps = [first, shrink, {"augment": {"copies": 2}}, *rest]
    with contextlib.suppress(Stopped):
        tinybert.compress(recipe(steps=steps), tmp_path / "out", progress=stop_before_export)
    (folder,) = tmp_path.glob("out/steps/03-augment-*")
    rows = json.loads((folder / "rows.json").read_text())
    texts = [row["sentence"] for row in reviews]
    assert rows[: len(texts)] == texts
    assert len(texts) < len(rows) <= 3 * len(texts)
    before, here = (
        json.loads(next(tmp_path.glob(f"out/steps/{step}-*/step.json")).read_text())
        for step in ("02-student", "03-augment")
    )
    left = ("metric", "parameters", "bytes")
    assert {name: here[name] for name in left} == {name: before[name] for name in left}
    assert set(models(tmp_path / "out")) == {"finetune", "student", "distill"}
    data = recipe()["data"]
    del data["train"]
    with pytest.raises(InputError, match=r"data\.train: is missing"):
        tinybert.compress(recipe(data=data, steps=["augment"]), tmp_path / "none")


def test_two_teachers(recipe, tiny_bert_dir, finished, tmp_path):
    """The second one changes what is learned; one that sees other labels is refused."""
    shutil.copytree(
        finished[0].glob("steps/01-finetune-*").__next__() / "model", tmp_path / "tuned"
    )
    results = []
    for name, teachers in (("one", []), ("two", [{"model": str(tmp_path / "tuned")}])):
        steps = [{"student": SHAPE}, {"distill": {"max_steps": 3, "teachers": teachers}}]
        with contextlib.suppress(Stopped):
            tinybert.compress(recipe(steps=steps), tmp_path / name, progress=stop_before_export)
        results.append(models(tmp_path / name))
    assert results[0]["student"] == results[1]["student"]
    assert results[0]["distill"] != results[1]["distill"]
    config = json.loads((tmp_path / "tuned" / "config.json").read_text())
    config |= {"id2label": {"0": "up", "1": "down"}, "label2id": {"up": 0, "down": 1}}
    config["tinybert"] = {}
    (tmp_path / "tuned" / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"teachers\.0\.model.*negative, positive"):
        tinybert.compress(recipe(steps=steps), tmp_path / "three")


@pytest.mark.parametrize("teacher", [None, "fine-tuned"])
def test_general_distillation_learns_from_the_teacher_as_it_was(
    recipe, encoder_dir, reviews, tmp_path, teacher
):
    """The bare encoder, unless it is asked for what `finetune` made of it."""
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(row["sentence"] for row in reviews), encoding="utf-8")
    general = {"length": 16, "batch_size": 4, "gradient_accumulation": 1, "max_steps": 2}
    general["teacher"] = teacher
    shape = SHAPE | {"init": "random"}
    results = []
    for name, epochs in (("short", 1), ("long", 2)):
        changed = recipe(
            teacher=encoder_dir,
            data=recipe()["data"] | {"unlabeled": [str(corpus)]},
            steps=[
                {"finetune": {"epochs": epochs}},
                {"student": shape},
                {"general-distill": general},
            ],
        )
        with contextlib.suppress(Stopped):
            tinybert.compress(changed, tmp_path / name, progress=stop_before_export)
        results.append(models(tmp_path / name))
    assert results[0]["finetune"] != results[1]["finetune"]
    same = results[0]["general-distill"] == results[1]["general-distill"]
    assert same == (teacher is None)
    assert results[0]["general-distill"] != results[0]["student"]


def test_general_distillation_of_predictions(recipe, tiny_bert_dir, reviews, tmp_path):
    """The masked-LM head is that of the teacher as it was, which `finetune` has dropped."""
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(row["sentence"] for row in reviews), encoding="utf-8")
    folder = shutil.copytree(tiny_bert_dir, tmp_path / "masked-lm")
    BertForMaskedLM(BertConfig.from_pretrained(tiny_bert_dir)).save_pretrained(folder)
    weights = {"prediction": 1.0, "embedding": 0.0, "hidden": 0.0, "attention": 0.0}
    changed = recipe(
        teacher=str(folder),
        data=recipe()["data"] | {"unlabeled": [str(corpus)]},
        steps=[
            {"finetune": {"max_steps": 1}},
            {"student": SHAPE | {"init": "random"}},
            {"general-distill": weights | {"length": 16, "batch_size": 4, "max_steps": 2}},
        ],
    )
    with contextlib.suppress(Stopped):
        tinybert.compress(changed, tmp_path / "out", progress=stop_before_export)
    (saved,) = (tmp_path / "out").glob("steps/*-general-distill-*/model/model.safetensors")
    before = next((tmp_path / "out").glob("steps/*-student-*/model/model.safetensors"))
    assert load_file(saved).keys() == load_file(before).keys()
    assert models(tmp_path / "out")["general-distill"] != models(tmp_path / "out")["student"]


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize("knows", [True, False])
def test_a_teacher_that_knows_nothing_is_named(recipe, tiny_bert_dir, tmp_path, caplog, knows):
    folder = shutil.copytree(tiny_bert_dir, tmp_path / "teacher")
    model = BertForSequenceClassification.from_pretrained(folder)
    texts = ["good film", "dull story", "a great man", "the awful cat sat", "funny", "he runs"]
    inputs = load_tokenizer(folder)(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        if not knows:  # always the same
            model.classifier.weight.zero_()
        spread = model(**inputs).logits.diff(dim=1)
        model.classifier.bias[1] -= spread.median() - (0 if knows else 1)
        answers = model(**inputs).logits.argmax(-1)
    model.save_pretrained(folder)
    data = tmp_path / "labeled.jsonl"
    names = ["negative", "positive"]
    # What the teacher says, the last row excepted: there are always two labels.
    labels = [names[answer] for answer in answers[:-1]] + [names[1 - answers[-1]]]
    rows = [{"sentence": t, "label": label} for t, label in zip(texts, labels, strict=True)]
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    changed = recipe(
        teacher=str(folder),
        steps=[{"student": SHAPE}],
        data={"train": str(data), "eval": str(data), "max_length": 32},
    )
    with contextlib.suppress(Stopped):
        tinybert.compress(changed, tmp_path / "out", progress=stop_before_export)
    said = [each for each in warnings_of(caplog) if "also stand in training" not in each]
    assert (len(set(answers.tolist())) == 2) == knows, "or the test shows nothing"
    assert ["no better than always giving one answer" in each for each in said] == [True] * (
        not knows
    )


def test_a_regression_that_knows_nothing_is_named(recipe, files, tiny_bert_dir, tmp_path, caplog):
    """A random head's correlation is above 0 half of the time: by chance."""
    folder = tmp_path / "teacher"
    shutil.copytree(tiny_bert_dir, folder)
    torch.manual_seed(1)
    settings = BertConfig.from_pretrained(tiny_bert_dir).to_dict()
    settings |= {"id2label": {0: "alike"}, "label2id": None, "problem_type": "regression"}
    config = BertConfig(**settings)
    BertForSequenceClassification(config).save_pretrained(folder)
    rows = str(files / "pairs.jsonl")
    changed = recipe(
        teacher=str(folder),
        task="text-regression",
        steps=[{"student": SHAPE}],
        data={"train": rows, "eval": rows, "text": ["first", "second"], "label": "alike"},
    )
    with contextlib.suppress(Stopped):
        tinybert.compress(changed, tmp_path / "out", progress=stop_before_export)
    told, said = warnings_of(caplog)
    assert "evaluation rows also stand in training" in told
    assert "spearman" in said
    assert "not clearly better than always giving one answer" in said


def test_hub_ids_in_every_place(recipe, tiny_bert_dir, reviews, tmp_path, monkeypatch):
    """Fetching is another's work; here the hub has one model."""
    monkeypatch.setattr(
        "tinybert.modeling.hub.download", lambda name: {"some/model": tiny_bert_dir}[name]
    )
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(row["sentence"] for row in reviews), encoding="utf-8")
    general = {"length": 16, "batch_size": 4, "max_steps": 1, "teacher": "some/model"}
    changed = recipe(
        teacher="some/model",
        data=recipe()["data"] | {"unlabeled": [str(corpus)]},
        steps=[
            {"student": SHAPE},
            {"general-distill": general},
            {"distill": {"max_steps": 1, "teachers": [{"model": "some/model"}]}},
        ],
    )
    with contextlib.suppress(Stopped):
        tinybert.compress(changed, tmp_path / "out", progress=stop_before_export)
    assert set(models(tmp_path / "out")) == {"student", "general-distill", "distill"}


def in_run(finished, step_folder):
    return (finished[0] / "steps" / step_folder.name).exists()


@pytest.mark.slow
def test_real_measurements(recipe, tmp_path):
    report = tinybert.compress(recipe(), tmp_path / "out").report
    assert all(artifact["latency_ms"] > 0 for artifact in report["artifacts"])
    assert report["teacher"]["peak_memory_mb"] > report["artifacts"][1]["peak_memory_mb"]
