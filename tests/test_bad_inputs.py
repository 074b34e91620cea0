"""Bad inputs through the program: exit 2, one clear line, nothing that looks finished."""

import json
import os
import re
import shutil

import pytest
import yaml
from transformers import AutoModelForSequenceClassification

from tinybert.cli.main import main


@pytest.fixture
def recipe(tiny_bert_dir, reviews, tmp_path):
    """A good recipe as a mapping, and its files."""
    data = tmp_path / "reviews.jsonl"
    data.write_text("\n".join(map(json.dumps, reviews)), encoding="utf-8")
    shape = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
    return {
        "teacher": str(tiny_bert_dir),
        "task": "text-classification",
        "data": {"train": str(data), "eval": str(data), "max_length": 32},
        "steps": [{"student": shape}, {"distill": {"max_steps": 1}}, {"quantize": {}}],
    }


@pytest.fixture
def refused(tmp_path, capsys):
    """Runs the program, checks how it refuses, and returns what it says."""

    def run(*arguments):
        capsys.readouterr()  # what the fixtures said
        code = main([*map(str, arguments)])
        said = capsys.readouterr()
        assert code == 2, said.err
        assert said.out == ""
        lines = said.err.splitlines()
        assert len(lines) == 1, said.err
        assert lines[0].startswith("tinybert: error: ")
        assert not re.search(r"([\w-]+): \1: ", lines[0]), "a key is named twice"
        assert not list(tmp_path.rglob("report.json"))
        return lines[0]

    return run


@pytest.fixture
def refused_recipe(refused, recipe, tmp_path):
    """Changes the good recipe, runs it, and returns what the program says."""

    def run(change, *arguments, out="out"):
        change(recipe)
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
        said = refused("compress", path, "--out", tmp_path / out, *arguments)
        assert not (tmp_path / "out" / "steps").exists()
        # What can be known beforehand is known to --dry-run.
        if not arguments and out == "out":
            assert refused("compress", path, "--dry-run") == said
        return said

    return run


def put(path, value):
    """A change of a recipe: `value` at a dotted path; None removes."""

    def change(recipe):
        *parents, last = path.split(".")
        for key in parents:
            recipe = recipe[int(key) if key.isdigit() else key]
        if value is None:
            del recipe[last]
        else:
            recipe[int(last) if last.isdigit() else last] = value

    return change


SHAPE = "steps.0.student"
RECIPES = {
    "unknown key": (put("techer", "x"), ["recipe.yaml:", "techer", "did you mean 'teacher'"]),
    "unknown key of data": (put("data.evl", "x"), ["data.evl", "did you mean 'eval'"]),
    "unknown key of a step": (put("steps.1.distill.epoch", 3), ["did you mean 'epochs'"]),
    "unknown step": (put("steps.1", {"distil": {}}), ["distil", "did you mean 'distill'"]),
    "no teacher": (put("teacher", None), ["teacher", "missing"]),
    "no task": (put("task", None), ["task", "missing"]),
    "no eval": (put("data.eval", None), ["data.eval", "missing"]),
    "no train": (put("data.train", None), ["data.train", "missing"]),
    "seed as text": (put("seed", "one"), ["seed", "integer", "'one'"]),
    "layers as text": (put(f"{SHAPE}.layers", "four"), ["layers", "integer", "'four'"]),
    "epochs below 0": (put("steps.1.distill.epochs", -1), ["epochs", "greater than 0"]),
    "a schedule unknown": (put("steps.1.distill.schedule", "x"), ["schedule", "'linear'"]),
    "steps no list": (put("steps", {"distill": {}}), ["steps", "list"]),
    "two steps in one": (put("steps.1", {"distill": {}, "quantize": {}}), ["one step"]),
    "settings no mapping": (put("steps.1.distill", 3), ["mapping"]),
    "all weights 0": (
        put("steps.1.distill", {"prediction": 0, "embedding": 0, "hidden": 0}),
        ["0"],
    ),
    "heads that don't divide": (put(f"{SHAPE}.attention_heads", 3), ["hidden_size 16", "3"]),
    "wider than the teacher": (put(f"{SHAPE}.hidden_size", 64), ["hidden_size", "64", "32"]),
    "more neurons": (put(f"{SHAPE}.intermediate_size", 128), ["intermediate_size", "128", "64"]),
    "more layers": (put(f"{SHAPE}.layers", 3), ["layers", "3", "2"]),
    "more heads": (put(f"{SHAPE}.attention_heads", 8), ["heads", "8", "4"]),
    "a mapping unknown": (put(f"{SHAPE}.mapping", "first"), ["mapping", "uniform"]),
    "a mapping too long": (put("steps.1.distill.mapping", [1, 2]), ["mapping", "[1, 2]"]),
    "a mapping outside": (put("steps.1.distill.mapping", [3]), ["mapping", "[3]"]),
    "texts made after the student": (
        put("steps", [{"student": {}}, "generate"]),
        ["generate", "before `student`"],
    ),
    "texts made after the vocabulary was trimmed": (
        put("steps", ["trim-vocabulary", "generate"]),
        ["recipe.yaml:9", "generate", "before `trim-vocabulary`"],
    ),
    "general distillation with a trimmed vocabulary": (
        put("steps", ["student", "trim-vocabulary", {"general-distill": {}}]),
        ["recipe.yaml:10", "general-distill", "put it before `trim-vocabulary`"],
    ),
    "a vocabulary that can't spell": (
        put("steps.0", {"trim-vocabulary": {"size": 100}}),
        ["trim-vocabulary.size", "100 pieces are too few", "the smallest size"],
    ),
    "a corpus to trim to that is not there": (
        put("steps.0", {"trim-vocabulary": {"corpus": ["nowhere/*.txt"]}}),
        ["steps.0.trim-vocabulary.corpus", "nowhere/*.txt"],
    ),
    "nothing to trim to": (
        lambda recipe: (put("steps", ["trim-vocabulary"])(recipe), put("data.train", None)(recipe)),
        ["data.train", "missing"],
    ),
    "a schedule that leaves nothing": (
        put("steps.1.distill", {"weights_schedule": "ramp"}),
        ["weights_schedule", "leaves no loss at epoch 0"],
    ),
    "teachers that nobody hears": (
        put("steps.1.distill", {"prediction": 0, "hidden": 1, "teachers": [{"model": "x"}]}),
        ["teachers", "prediction"],
    ),
    "a mapping with gaps outside": (put("steps.1.distill.mapping", [0]), ["mapping", "[0]"]),
    "relation heads that don't divide": (
        put("steps.1.distill", {"relations": 1, "relation_heads": 3}),
        ["relation_heads", "3 does not divide"],
    ),
    "a schedule by its old name": (
        put("steps.1.distill", {"weights_schedule": "article"}),
        ["weights_schedule", "'article' is called 'ramp' now"],
    ),
    "an unknown schedule of weights": (
        put("steps.1.distill", {"weights_schedule": "linear"}),
        ["weights_schedule", "linear", "two-phase"],
    ),
    "a schedule that can't be imported": (
        put("steps.1.distill", {"weights_schedule": "no_such_module:f"}),
        ["weights_schedule", "no_such_module"],
    ),
    "no such second teacher": (
        put("steps.1.distill", {"teachers": [{"model": "no/such/model/here"}]}),
        ["steps.1.distill.teachers.0.model", "no/such/model/here"],
    ),
    "a key of a second teacher": (
        put("steps.1.distill", {"teachers": [{"model": "x", "wieght": 2}]}),
        ["wieght", "did you mean 'weight'"],
    ),
    "a second teacher unnamed": (
        put("steps.1.distill", {"teachers": [{"weight": 2}]}),
        ["teachers.0.model", "missing", "hub id"],
    ),
    "predictions of the fine-tuned teacher": (
        put("steps.1", {"general-distill": {"teacher": "fine-tuned", "prediction": 1.0}}),
        ["general-distill", "prediction", "no masked-LM head"],
    ),
    "a general distillation of nothing": (
        put("steps.1", {"general-distill": {}}),
        ["general-distill", "data.unlabeled"],
    ),
    "a corpus that is not there": (
        lambda recipe: (
            put("steps.1", {"general-distill": {}})(recipe),
            put("data.unlabeled", ["nowhere/*.txt.gz"])(recipe),
        ),
        ["data.unlabeled", "nowhere/*.txt.gz"],
    ),
    "blocks longer than the teacher takes": (
        put("steps.1", {"general-distill": {"length": 1000}}),
        ["length", "1000", "128"],
    ),
    "no such general teacher": (
        put("steps.1", {"general-distill": {"teacher": "no/such/model/here"}}),
        ["general-distill.teacher", "no/such/model/here"],
    ),
    "predictions of a teacher without a masked-LM head": (
        put("steps.1", {"general-distill": {"prediction": 1.0}}),
        [
            "recipe.yaml:14",
            "general-distill.prediction",
            "no masked-LM head, it is of the class Bert",
        ],
    ),
    "predictions of no token": (
        put("steps.1", {"general-distill": {"prediction": 1.0, "prediction_share": 0.0}}),
        ["general-distill.prediction_share", "greater than 0"],
    ),
    "general distillation before student": (
        put("steps", [{"general-distill": {}}]),
        ["general-distill", "student"],
    ),
    "fine-tuning on generated rows": (
        put("steps", ["generate", "finetune"]),
        ["finetune", "needs labels"],
    ),
    "labels of changed rows": (
        put("steps", ["augment", "student", {"distill": {"label": 1.0}}]),
        ["distill", "needs labels", "`augment`"],
    ),
    "labels of generated rows": (
        put("steps", ["generate", "student", {"distill": {"label": 1.0}}]),
        ["distill", "needs labels"],
    ),
    "a masked-LM that is none": (
        put("steps", [{"generate": {"masked_lm": "{here}/recipe.yaml"}}]),
        ["generate.masked_lm", "file"],
    ),
    "distill before student": (put("steps", [{"distill": {}}]), ["distill", "student"]),
    "a larger second student": (put("steps.1", {"student": {}}), ["hidden_size", "smaller"]),
    "a step after quantize": (put("steps", ["quantize", "finetune"]), ["finetune", "quantize"]),
    "an unknown task": (put("task", "glue/sst-3"), ["task", "glue/sst-3"]),
    "a task option unknown": (put("task", {"kind": "text-regression", "x": 1}), ["task", "'x'"]),
    "an unknown metric": (
        put("task", {"kind": "text-classification", "metrics": "bleu"}),
        ["bleu", "accuracy"],
    ),
    "another task than the teacher's": (put("task", "text-regression"), ["regression"]),
    "an unknown column": (put("data.text", "text"), ["no column 'text'", "sentence"]),
    "an unknown label column": (put("data.label", "stars"), ["no column 'stars'", "label"]),
    "labels not the teacher's": (
        put("task", {"kind": "text-classification", "labels": ["up", "down"]}),
        ["negative, positive", "up, down"],
    ),
    "an unknown target": (put("export", ["onxx"]), ["onxx", "onnx"]),
    "no target": (put("export", []), ["export"]),
    "too long": (put("data.max_length", 1000), ["max_length", "1000", "128"]),
    "no room for text": (put("data.max_length", 2), ["data.max_length", "2 special tokens"]),
    "no such data": (put("data.train", "nowhere/train.tsv"), ["nowhere/train.tsv", "no such"]),
    "data of an unknown format": (put("data.train", "{here}/recipe.yaml"), ["format", ".jsonl"]),
    "no such init": (put(f"{SHAPE}.init", "nowhere/model.bin"), ["init", "nowhere/model.bin"]),
    "no such teacher": (put("teacher", "no/such/folder/here"), ["no/such/folder/here"]),
    "a teacher that is a file": (put("teacher", "{here}/recipe.yaml"), ["teacher", "file"]),
    "an empty teacher folder": (put("teacher", "{here}"), ["config.json"]),
}


@pytest.mark.parametrize(("change", "parts"), RECIPES.values(), ids=RECIPES)
def test_bad_recipes(change, parts, refused_recipe, tmp_path):
    def at_place(recipe):
        change(recipe)
        text = json.dumps(recipe).replace("{here}", str(tmp_path))
        recipe.clear()
        recipe.update(json.loads(text))

    said = refused_recipe(at_place)
    for part in parts:
        assert part in said, said


DATA = {
    "empty": (b"", ["empty"]),
    "blank": (b"\n\n", ["empty"]),
    "binary": (b"\x00\x01\x02" * 100, ["binary"]),
    "latin-1": ("sentence\tlabel\ncaf\xe9\tpositive\n".encode("latin-1"), ["UTF-8", "line 2"]),
    "ragged": (b"sentence\tlabel\ngood\tpositive\nbad\n", ["row 3", "2"]),
    "only a header": (b"sentence\tlabel\n", ["row"]),
    "an empty label": (b"sentence\tlabel\ngood\tpositive\nbad\t\n", ["row 3", "label"]),
    "a new label": (b"sentence\tlabel\ngood\tpositive\nbad\tawful\n", ["awful", "negative"]),
    "one label": (b"sentence\tlabel\ngood\tpositive\nbad\tpositive\n", ["positive"]),
}


@pytest.mark.parametrize(("content", "parts"), DATA.values(), ids=DATA)
def test_bad_training_data(content, parts, refused_recipe, tmp_path):
    path = tmp_path / "train.tsv"
    path.write_bytes(content)

    def learns_from_labels(recipe):
        put("data.train", str(path))(recipe)
        put("steps.1.distill.label", 1.0)(recipe)

    said = refused_recipe(learns_from_labels)
    for part in ["train.tsv", *parts]:
        assert part in said, said


def test_words_that_can_not_be_told_apart(refused_recipe, tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"sentence": "ภาพยนตร์เรื่องนี้สนุกมาก"}), encoding="utf-8")

    def change(recipe):
        put("data.train", str(path))(recipe)
        recipe["steps"].insert(1, "augment")

    assert "steps.1.augment: 1 of 1 texts" in refused_recipe(change)


def test_an_unknown_label_in_the_evaluation_data(refused_recipe, tmp_path):
    path = tmp_path / "eval.tsv"
    path.write_bytes(b"sentence\tlabel\ngood\tpositive\nbad\tawful\n")
    said = refused_recipe(put("data.eval", str(path)))
    assert "eval.tsv: row 3" in said
    assert "awful" in said


def test_a_task_that_only_a_head_can_do(refused_recipe, encoder_dir):
    said = refused_recipe(put("teacher", str(encoder_dir)))
    assert "finetune" in said


def test_predictions_of_another_teacher_without_a_masked_lm_head(refused_recipe, encoder_dir):
    settings = {"prediction": 1.0, "teacher": str(encoder_dir)}
    said = refused_recipe(put("steps.1", {"general-distill": settings}))
    assert (
        f"general-distill.teacher: {encoder_dir}: has no masked-LM head, it is of the class BertM"
        in said
    )


@pytest.fixture
def encoder_dir(tiny_bert_dir, tmp_path):
    """The tiny BERT without its head."""
    from transformers import BertModel

    folder = tmp_path / "encoder"
    shutil.copytree(tiny_bert_dir, folder)
    BertModel.from_pretrained(tiny_bert_dir).save_pretrained(folder)
    return folder


def cut(name):
    """Keeps the first half of a file of the teacher."""

    def damage(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return damage


def drop(*names):
    """Removes files of the teacher."""

    def damage(folder):
        for name in names:
            (folder / name).unlink(missing_ok=True)

    return damage


TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json")
TEACHERS = {
    "no config": (drop("config.json"), ["config.json"]),
    "a cut config": (cut("config.json"), ["config.json"]),
    "no weights": (drop("model.safetensors"), ["weights"]),
    "cut weights": (cut("model.safetensors"), ["not a whole"]),
    "no tokenizer": (drop(*TOKENIZER), ["tokenizer"]),
    "a cut tokenizer": (cut("tokenizer.json"), ["tokenizer"]),
}


@pytest.mark.parametrize(("damage", "parts"), TEACHERS.values(), ids=TEACHERS)
def test_damaged_teachers(damage, parts, refused_recipe, tiny_bert_dir, tmp_path):
    folder = tmp_path / "teacher"
    shutil.copytree(tiny_bert_dir, folder)
    damage(folder)
    said = refused_recipe(put("teacher", str(folder)))
    for part in [str(folder), *parts]:
        assert part in said, said


RECIPE_FILES = {
    "missing": (None, ["no such file"]),
    "empty": (b"", ["expected a recipe"]),
    "a list": (b"- a\n- b\n", ["expected a recipe"]),
    "not YAML": (b"teacher: x\n  task: [\n", [":2: "]),
    "a key twice": (b"teacher: x\ntask: y\nteacher: z\n", [":3: ", "teacher", "twice"]),
    "binary": (b"\xff\xfe\x00", ["not a readable text file"]),
    "an anchor to itself": (b"teacher: &a\n  x: *a\n", []),
    "a number as a key": (b"teacher: x\ntask: y\n1: z\n", [":3: ", "a key must be text"]),
    "a list as a key": (b"teacher: x\n? [a, b]\n: z\n", [":2: "]),
    "a tag": (b"teacher: !!python/object:os.system x\n", [":1: "]),
    "two documents": (b"teacher: x\n---\nteacher: y\n", []),
    "control characters": (b"teacher: \x01\n", []),
}


@pytest.mark.parametrize(("content", "parts"), RECIPE_FILES.values(), ids=RECIPE_FILES)
def test_bad_recipe_files(content, parts, refused, tmp_path):
    path = tmp_path / "recipe.yaml"
    if content is not None:
        path.write_bytes(content)
    said = refused("compress", path, "--out", tmp_path / "out")
    for part in [str(path), *parts]:
        assert part in said, said


def test_a_recipe_that_is_a_folder(refused, tmp_path):
    assert str(tmp_path) in refused("compress", tmp_path)


SETS = {
    "no =": "seed",
    "no key": "=1",
    "not YAML": "seed=[",
    "an unknown key": "data.trian=x",
    "into a value": "teacher.path=x",
    "an unknown step": "steps.prune.epochs=1",
    "a step beyond the last": "steps.7.distill.epochs=1",
    "an unknown setting": "steps.distill.epoch=1",
    "a wrong type": "seed=one",
    "an empty key": "data..train=x",
    "into a list": "export.first=onnx",
    "beyond a list": "export.5=onnx",
}


@pytest.mark.parametrize("assignment", SETS.values(), ids=SETS)
def test_bad_overrides(assignment, refused_recipe):
    said = refused_recipe(lambda recipe: recipe.update(export=["onnx"]), "--set", assignment)
    assert f"--set {assignment}" in said


def test_an_output_folder_that_is_a_file(refused_recipe, tmp_path):
    (tmp_path / "file").write_text("mine")
    said = refused_recipe(lambda recipe: None, out="file")
    assert str(tmp_path / "file") in said
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_folder_that_is_read_only(refused_recipe, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    assert "closed" in refused_recipe(lambda recipe: None, out="closed/out")


def test_an_output_folder_that_no_folder_can_be(refused_recipe):
    assert "/proc/out" in refused_recipe(lambda recipe: None, out="/proc/out")


LONG = "a" * 5000


def test_a_recipe_of_a_name_too_long(refused, tmp_path):
    assert len(refused("compress", LONG, "--out", tmp_path / "out")) < 800


@pytest.mark.parametrize("key", ["teacher", "data.train"])
def test_a_recipe_that_names_what_is_too_long(refused_recipe, key):
    assert "aaa" in refused_recipe(put(key, LONG))


def test_an_output_folder_of_a_name_too_long(refused_recipe):
    assert "File name too long" in refused_recipe(lambda recipe: None, out=LONG)


@pytest.mark.parametrize("command", ["predict", "info", "bench"])
def test_a_model_of_a_name_too_long(refused, command):
    words = ["a film"] if command == "predict" else []
    assert "aaa" in refused(command, LONG, *words)


def test_a_current_folder_that_is_gone(refused, recipe, tmp_path, monkeypatch):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert "the current folder is no longer there" in refused("compress", path, "--out", "out")


def test_predict_of_nothing(refused, tiny_artifact_dir):
    assert "TEXT" in refused("predict", tiny_artifact_dir)


def test_predict_of_both(refused, tiny_artifact_dir):
    assert "--file" in refused("predict", tiny_artifact_dir, "good", "--file", "texts.txt")


def test_predict_of_half_a_pair(refused, tiny_artifact_dir):
    assert "two texts" in refused("predict", tiny_artifact_dir, "good", "--pair")


def test_predict_of_a_missing_file(refused, tiny_artifact_dir):
    assert "texts.txt" in refused("predict", tiny_artifact_dir, "--file", "texts.txt")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a\tb\tc\n"])
def test_predict_of_a_bad_file(refused, tiny_artifact_dir, tmp_path, content):
    path = tmp_path / "texts.txt"
    path.write_bytes(content)
    assert "texts.txt" in refused("predict", tiny_artifact_dir, "--file", path)


def test_predict_with_no_model(refused):
    assert "no/such/model/here" in refused("predict", "no/such/model/here", "good")


def test_predict_with_an_unfinished_run(refused, tmp_path):
    (tmp_path / "out" / "steps").mkdir(parents=True)
    assert "unfinished" in refused("predict", tmp_path / "out", "good")


@pytest.mark.parametrize("size", [0, 100, 20_000])
def test_predict_with_a_cut_artifact(refused, tiny_artifact_dir, tmp_path, size):
    shutil.copytree(tiny_artifact_dir, tmp_path / "out", ignore=lambda *_: ["report.json"])
    path = tmp_path / "out" / "onnx" / "model.onnx"
    path.write_bytes(path.read_bytes()[:size])
    assert "model.onnx" in refused("predict", path, "good")


def test_predict_with_an_encoder(refused, encoder_dir):
    assert "fine-tune" in refused("predict", encoder_dir, "good")


@pytest.mark.parametrize("threads", ["0", "-1"])
def test_no_threads(refused, tiny_artifact_dir, threads):
    assert "threads" in refused("predict", tiny_artifact_dir, "good", "--threads", threads)


def test_evaluate_on_a_missing_file(refused, tiny_artifact_dir):
    said = refused(
        "evaluate", tiny_artifact_dir, "--task", "text-classification", "--data", "none.tsv"
    )
    assert "none.tsv" in said


def test_evaluate_for_an_unknown_task(refused, tiny_artifact_dir, tmp_path):
    data = tmp_path / "eval.tsv"
    data.write_text("sentence\tlabel\ngood\tpositive\n")
    assert "poetry" in refused("evaluate", tiny_artifact_dir, "--task", "poetry", "--data", data)


def test_export_to_an_unknown_target(refused, tiny_bert_dir, tmp_path):
    out = tmp_path / "out"
    assert "tflite" in refused("export", tiny_bert_dir, "--to", "tflite", "--out", out)
    assert not out.exists()


def test_export_of_an_artifact(refused, tiny_artifact_dir, tmp_path):
    path = tiny_artifact_dir / "onnx/model.onnx"
    assert "model.onnx" in refused("export", path, "--to", "onnx", "--out", tmp_path / "out")


def test_export_into_a_file(refused, tiny_bert_dir, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "file" in refused("export", tiny_bert_dir, "--to", "onnx", "--out", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_demo_into_a_file(refused, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "file" in refused("demo", "--out", tmp_path / "file")


@pytest.mark.parametrize("option", ["--batch", "--length", "--repeats", "--threads"])
def test_bench_of_nothing(refused, tiny_artifact_dir, option):
    assert option.strip("-") in refused("bench", tiny_artifact_dir, option, "0")


def test_bench_of_too_long_rows(refused, tiny_artifact_dir):
    assert "128" in refused("bench", tiny_artifact_dir, "--length", "500", "--repeats", "1")


def test_a_wrong_command_line(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["compress"])
    assert stopped.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_export_into_what_compress_made(tiny_bert_dir, tmp_path, capsys):
    (tmp_path / "report.json").write_text("{}", encoding="utf-8")
    code = main(["export", str(tiny_bert_dir), "--to", "onnx", "--out", str(tmp_path)])
    assert code == 2
    assert "--out" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_attention_heads", None),
        ("num_attention_heads", 0),
        ("max_position_embeddings", "x"),
        ("tinybert_shape", [1]),
    ],
)
def test_a_damaged_teacher_config(key, value, refused_recipe, tiny_bert_dir, tmp_path):
    teacher = tmp_path / "teacher"
    shutil.copytree(tiny_bert_dir, teacher)
    config = json.loads((teacher / "config.json").read_text(encoding="utf-8"))
    config |= {key: value}
    if value is None:
        del config[key]
    (teacher / "config.json").write_text(json.dumps(config), encoding="utf-8")
    said = refused_recipe(put("teacher", str(teacher)))
    assert "config.json is broken" in said
    assert "teacher" in said


def test_a_single_text_for_a_model_of_pairs(tiny_bert_dir, tmp_path, refused):
    folder = tmp_path / "pairs"
    shutil.copytree(tiny_bert_dir, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    pairs = {"kind": "text-classification", "text": ["first", "second"]}
    config["tinybert"] = {"task": pairs}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert "--pair" in refused("predict", folder, "one text")


@pytest.mark.parametrize(
    ("trained_on", "text", "says"),
    [
        (["first", "second"], "sentence", "reads pairs"),
        (["sentence"], ["sentence", "label"], "one text"),
    ],
)
def test_a_teacher_of_pairs_for_single_texts(
    trained_on, text, says, refused_recipe, tiny_bert_dir, tmp_path
):
    folder = tmp_path / "teacher"
    shutil.copytree(tiny_bert_dir, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["tinybert"] = {"task": {"kind": "text-classification", "text": trained_on}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")

    def change(recipe):
        recipe["teacher"] = str(folder)
        recipe["data"]["text"] = text

    said = refused_recipe(change)
    assert says in said
    assert "finetune" in said


@pytest.fixture
def another(tiny_bert_dir, tmp_path):
    """A copy of the tiny teacher that takes more or fewer tokens, or has other words."""

    def make(positions=128, reorder=False):
        folder = tmp_path / "another"
        model = AutoModelForSequenceClassification.from_pretrained(tiny_bert_dir)
        config = model.config.__class__(**model.config.to_dict())
        config.max_position_embeddings = positions
        type(model)(config).save_pretrained(folder)
        for file in tiny_bert_dir.iterdir():
            if "token" in file.name or file.suffix == ".txt":
                shutil.copy(file, folder)
        if reorder:
            text = (folder / "tokenizer.json").read_text(encoding="utf-8")
            document = json.loads(text)
            vocabulary = document["model"]["vocab"]
            *_, first, second = vocabulary
            vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
            (folder / "tokenizer.json").write_text(json.dumps(document), encoding="utf-8")
        return folder

    return make


def test_another_teacher_of_fewer_tokens(refused_recipe, another):
    teachers = [{"model": str(another(positions=16))}]
    said = refused_recipe(put("steps.1.distill", {"teachers": teachers}))
    assert "16 that" in said
    assert "data.max_length: 32 tokens" in said


def test_general_distillation_on_more_tokens_than_the_student_takes(
    refused_recipe, another, tmp_path
):
    (tmp_path / "corpus.txt").write_text("good film " * 300, encoding="utf-8")

    def change(recipe):
        recipe["data"]["unlabeled"] = [str(tmp_path / "corpus.txt")]
        settings = {"teacher": str(another(positions=256)), "length": 200}
        recipe["steps"].insert(1, {"general-distill": settings})

    assert "200 tokens are more than the 128 that the student takes" in refused_recipe(change)


def test_a_checkpoint_of_other_words(refused_recipe, another, recipe):
    folder = another(reorder=True)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    shape = {
        "layers": config["num_hidden_layers"],
        "hidden_size": config["hidden_size"],
        "attention_heads": config["num_attention_heads"],
        "intermediate_size": config["intermediate_size"],
        "init": str(folder),
    }
    assert "vocabulary" in refused_recipe(put(SHAPE, shape))


@pytest.mark.parametrize("name", ["nowhere.txt", "x" * 5000 + ".txt", "."])
def test_predict_of_a_file_that_is_none(refused, tiny_artifact_dir, name):
    assert name[:20] in refused("predict", tiny_artifact_dir, "--file", name)


def test_a_path_is_not_looked_up_on_the_hub(refused_recipe):
    assert "there is no such folder" in refused_recipe(put("teacher", "./nowhere/model"))
