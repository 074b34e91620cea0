"""What the fuzzer attacks: each target damages one kind of input and gives it to the program.

A target takes dice, a folder with whole files and an empty folder to work in. It returns when
the program gave a result, and raises `Refused` with what the program said where it refused. A
wrong answer in silence raises `WrongAnswer`.
"""

import contextlib
import io
import itertools
import json
import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fuzz import mutators
from fuzz.mutators import Dice
from tinybert.errors import InputError

LONGEST_MESSAGE = 600

TEXTS = ["a good film", "dull", "the plot is very long, but the acting isn't: it is great!", "é 中"]


class WrongAnswer(Exception):
    """The program answered, and something else than it should."""


def import_all() -> None:
    """Imports what targets need, before the first fork."""
    import onnx
    import onnxruntime
    import openvino
    import pyarrow.parquet
    import torch
    import transformers
    import yaml

    import tinybert.cli
    import tinybert.inputs
    import tinybert.measure.info
    import tinybert.models
    import tinybert.recipe
    import tinybert.torch_model

    del onnx, onnxruntime, openvino, pyarrow, torch, transformers, yaml, tinybert.torch_model


def run(base: Path, work: Path, target: str, seed: int) -> dict[str, str]:
    """Runs one input; what became of it."""
    dice = random.Random(f"{target} {seed}")
    try:
        TARGETS[target](dice, base, work)
    except WrongAnswer as error:
        return {"outcome": "wrong answer", "detail": str(error)}
    except InputError as error:
        return _judged(str(error), work)
    return {"outcome": "result", "detail": ""}


def _judged(message: str, work: Path) -> dict[str, str]:
    """Whether a refusal is one line, short, and says what it is about."""
    names = [str(work), "--set ", "recipe: ", "threads", *(path.name for path in work.iterdir())]
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", message):
        return {"outcome": "more than a line", "detail": message[:2000]}
    if len(message) > LONGEST_MESSAGE:
        return {"outcome": "long message", "detail": message[:2000]}
    if not any(name in message for name in names):
        return {"outcome": "nameless message", "detail": message}
    return {"outcome": "refused", "detail": message}


def _recipe_values() -> dict[str, Any]:
    """One recipe with most of the keys there are."""
    import yaml

    return yaml.safe_load(_RECIPES[0])


_RECIPES = (
    """\
teacher: teacher
task: {kind: text-classification, labels: [negative, positive], metrics: [accuracy, f1]}
data:
  train: reviews.jsonl
  eval: reviews.jsonl
  text: sentence
  label: label
  unlabeled: [corpus.txt]
  max_length: 32
seed: 0
steps:
  - finetune: {epochs: 2, learning_rate: 3e-5}
  - student: {layers: 1, hidden_size: 16, attention_heads: 2, intermediate_size: 32}
  - general-distill: {teacher: fine-tuned, length: 64}
  - distill:
      epochs: 0.5
      mapping: [2]
      hidden: 1.0
      weights_schedule: two-phase
      teachers: [{model: teacher, weight: 2}]
  - prune: {heads: 0.5, neurons: 0.5, of_layers: [1]}
  - distill
  - factorize: {rank: 8}
  - quantize: {method: dynamic, bits: 8}
export: [onnx, openvino]
""",
    """\
teacher: teacher
task: text-classification
data: {train: reviews.jsonl, eval: reviews.jsonl, max_length: 32}
steps:
  - student: {layers: 1, hidden_size: 16, attention_heads: 2, intermediate_size: 32}
  - distill: {max_steps: 3, batch_size: 8, attention: 1}
  - quantize
""",
)


def yaml_text(dice: Dice, base: Path, work: Path) -> None:
    """The text of a recipe."""
    from tinybert.recipe import Recipe

    text = mutators.mutate_yaml(dice, dice.choice(_RECIPES))
    content = text.encode("utf-8", "surrogatepass")
    if dice.random() < 0.1:
        content = mutators.mutate_bytes(dice, content)
    path = work / "recipe.yaml"
    path.write_bytes(content)
    recipe = Recipe.read(path)
    _require_round_trip(recipe, path)


def recipe_mapping(dice: Dice, base: Path, work: Path) -> None:
    """A recipe as a mapping."""
    from tinybert.recipe import Recipe

    recipe = Recipe.from_mapping(mutators.mutate_value(dice, _recipe_values()))
    _require_round_trip(recipe, work / "recipe.yaml")


def _require_round_trip(recipe: Any, path: Path) -> None:
    """What is published as recipe.yaml reads as the same recipe."""
    from tinybert.recipe import Recipe

    path.write_text(recipe.to_yaml(), encoding="utf-8")
    if Recipe.read(path).resolved() != recipe.resolved():
        raise WrongAnswer(f"recipe.yaml reads as another recipe: {recipe.resolved()!r:.1000}")


_KEYS = (
    "seed",
    "task.labels.0",
    "steps.distill.epochs",
    "steps.1.student.layers",
    "export.0",
    "data.unlabeled",
    "steps.3.distill.teachers.0.weight",
    "data",
    "steps",
)


def overrides(dice: Dice, base: Path, work: Path) -> None:
    """`--set`."""
    from tinybert.recipe import Recipe

    (work / "recipe.yaml").write_text(_RECIPES[0], encoding="utf-8")
    keys = dice.choice(_KEYS).split(".")
    if dice.random() < 0.5:
        keys[dice.randrange(len(keys))] = dice.choice([*mutators.ODD_TEXTS, "00", "99999"])
    value = dice.choice([*mutators.ODD_YAML, "1", "x", "[a, b]", "{a: 1}"])
    assignment = f"{'.'.join(keys)}={value}"
    if dice.random() < 0.1:
        assignment = mutators.mutate_bytes(dice, assignment.encode("utf-8", "replace")).decode(
            "utf-8", "surrogateescape"
        )
    Recipe.read(work / "recipe.yaml", [assignment])


def dry_run(dice: Dice, base: Path, work: Path) -> None:
    """A recipe that may be read, with all that it names."""
    from tinybert.inputs import read_inputs
    from tinybert.recipe import Recipe

    for name in ("reviews.jsonl", "corpus.txt"):
        shutil.copy(base / name, work)
    shutil.copytree(base / "model", work / "teacher")
    path = work / "recipe.yaml"
    path.write_text(mutators.mutate_yaml(dice, dice.choice(_RECIPES)), encoding="utf-8")
    os.environ["HF_HUB_OFFLINE"] = "1"
    read_inputs(Recipe.read(path))


def rows(dice: Dice, base: Path, work: Path) -> None:
    """A data set: .tsv, .csv, .jsonl."""
    suffix = dice.choice([".tsv", ".csv", ".jsonl"])
    values = [json.loads(line) for line in (base / "reviews.jsonl").read_text().splitlines()]
    if suffix == ".jsonl" and dice.random() < 0.5:
        values = mutators.mutate_value(dice, values)
    content = _table_bytes(values if isinstance(values, list) else [values], suffix)
    if suffix != ".jsonl" or dice.random() < 0.5:
        content = mutators.mutate_bytes(dice, content)
    path = work / f"data{suffix}"
    path.write_bytes(content)
    _examples(dice, path)


def _table_bytes(values: list[Any], suffix: str) -> bytes:
    if suffix == ".jsonl":
        return "\n".join(map(json.dumps, values)).encode("utf-8", "surrogatepass")
    mark = "\t" if suffix == ".tsv" else ","
    return "".join(
        f"{mark.join(row)}\n" for row in [["sentence", "label"], *([*v.values()] for v in values)]
    ).encode()


def _examples(dice: Dice, path: Path) -> None:
    from tinybert.data import read
    from tinybert.tasks import get_task

    kind = dice.choice(["text-classification", "text-regression"])
    table = read(path)
    task = get_task(kind).fit(table)
    task.model_config()
    task.examples(table)


def parquet(dice: Dice, base: Path, work: Path) -> None:
    """A Parquet file: columns of any type, and damaged bytes."""
    import pyarrow
    import pyarrow.parquet

    path = work / "data.parquet"
    odd = [
        pyarrow.array([10**13, -(10**13), None, 0], pyarrow.timestamp("s")),
        pyarrow.array([2**62, 1, None, 0], pyarrow.timestamp("us", "UTC")),
        pyarrow.array([2**40, 1, None, 0], pyarrow.timestamp("ns", "Mars/Olympus")),
        pyarrow.array([2**30, 1, None, 0], pyarrow.date32()),
        pyarrow.array([2**60, 1, None, 0], pyarrow.duration("s")),
        pyarrow.array([b"\xff", b"a", None, b""], pyarrow.binary()),
        pyarrow.array([[1], [], None, [2]], pyarrow.list_(pyarrow.int64())),
        pyarrow.array([{"a": 1}, None, {"a": 2}, {}], pyarrow.struct({"a": pyarrow.int8()})),
        pyarrow.array([float("nan"), float("inf"), None, 1e300]),
        pyarrow.array(["a", "b", None, "a"]).dictionary_encode(),
        pyarrow.nulls(4),
    ]
    columns = {
        "sentence": pyarrow.array(["good", "bad", "dull", "fine"]),
        "label": pyarrow.array([1, 0, 0, 1]),
        "more": dice.choice(odd),
    }
    if dice.random() < 0.4:
        columns[dice.choice(list(columns))] = dice.choice(odd)
    if dice.random() < 0.1:
        # Dictionaries of one value: a few bytes for any number of rows.
        columns = {"sentence": ["good"] * 50_000, "label": [1] * 50_000}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    if dice.random() < 0.5:
        path.write_bytes(mutators.mutate_bytes(dice, path.read_bytes()))
    if dice.random() < 0.5:
        return _examples(dice, path)
    return _passages(path)


def corpus(dice: Dice, base: Path, work: Path) -> None:
    """A corpus or a file of texts: .txt, .txt.gz, .jsonl.gz."""
    import gzip

    from tinybert.tasks import get_task
    from tinybert.texts import TextInput

    suffix = dice.choice([".txt", ".txt.gz", ".jsonl.gz"])
    name = "reviews.jsonl" if "jsonl" in suffix else "corpus.txt"
    content = mutators.mutate_bytes(dice, (base / name).read_bytes())
    if suffix.endswith(".gz"):
        content = gzip.compress(content)
        if dice.random() < 0.5:
            content = mutators.mutate_bytes(dice, content)
    path = work / f"corpus{suffix}"
    path.write_bytes(content)
    if suffix == ".txt" and dice.random() < 0.5:
        list(TextInput(file=str(path)).rows(get_task("text-classification"), 1))
        return
    _passages(path)


def _passages(path: Path) -> None:
    from tinybert.data.corpus import hash_corpus, read_corpus

    hash_corpus([str(path)])
    for _ in itertools.islice(read_corpus([str(path)]), 100_000):
        pass


def config(dice: Dice, base: Path, work: Path) -> None:
    """The config.json of a Hugging Face folder, or of an artifact."""
    folder = work / "model"
    shutil.copytree(base / "model", folder)
    settings = json.loads((folder / "config.json").read_bytes())
    if dice.random() < 0.2:
        shape = {"attention_heads": [4, 4], "intermediate_sizes": [64, 64]}
        shape |= {"ranks": {}, "selection": {"layer": 1, "positions": 32}}
        settings["tinybert_shape"] = mutators.mutate_value(dice, shape)
    elif dice.random() < 0.5:
        kept = ["id2label", "label2id", "max_position_embeddings", "pad_token_id", "model_type"]
        kept += ["architectures", "problem_type", "vocab_size", "type_vocab_size", "tinybert"]
        key = dice.choice(kept)
        settings[key] = mutators.mutate_value(dice, settings.get(key))
    else:
        settings = mutators.mutate_value(dice, settings)
    (folder / "config.json").write_bytes(mutators.json_bytes(dice, settings))
    _compare(dice, folder)


def tokenizer(dice: Dice, base: Path, work: Path) -> None:
    """The tokenizer.json of a model, read by the runtime and by Transformers."""
    folder = work / "model"
    shutil.copytree(base / "model", folder)
    document = json.loads((folder / "tokenizer.json").read_bytes())
    part = dice.choice(["all", "model", "normalizer", "pre_tokenizer", "post_processor", "vocab"])
    if part == "all":
        document = mutators.mutate_value(dice, document)
    elif part == "vocab":
        document["model"]["vocab"] = mutators.mutate_value(dice, document["model"]["vocab"])
    else:
        document[part] = mutators.mutate_value(dice, document[part], _odd_tokenizer)
    (folder / "tokenizer.json").write_bytes(mutators.json_bytes(dice, document))
    _compare(dice, folder)


def _odd_tokenizer(dice: Dice) -> Any:
    """Parts that a tokenizer may have, in any place."""
    parts = [
        {"type": "Sequence", "normalizers": []},
        {"type": "Sequence", "pretokenizers": []},
        {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": "b"},
        {"type": "Replace", "pattern": {"String": ""}, "content": "b"},
        {"type": "Replace", "pattern": {"Regex": "("}, "content": "b"},
        {"type": "Prepend", "prepend": "x"},
        {"type": "Precompiled", "precompiled_charsmap": "AAAA"},
        {"type": "Precompiled", "precompiled_charsmap": ""},
        {"type": "Split", "pattern": {"Regex": ""}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        {"type": "Unigram", "unk_id": 9, "vocab": [["a", 0.0]], "byte_fallback": False},
        {"type": "Unigram", "unk_id": None, "vocab": [], "byte_fallback": True},
        {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "b"},
        {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "b"]]},
        {"type": "BertProcessing", "sep": ["x", 9999], "cls": ["y", -1]},
        {"type": "NFKC"},
        {"type": "Lowercase"},
        {"type": "Whitespace"},
        {"type": "Digits", "individual_digits": True},
    ]
    return dice.choice([*parts, mutators.odd_value(dice)])


def tokenizer_settings(dice: Dice, base: Path, work: Path) -> None:
    """The tokenizer_config.json of a model."""
    folder = work / "model"
    shutil.copytree(base / "model", folder)
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_bytes())
    if dice.random() < 0.5:
        keys = ["model_max_length", "do_lower_case", "pad_token", "truncation_side", "unk_token"]
        keys += ["strip_accents", "tokenize_chinese_chars", "tokenizer_class", "padding_side"]
        key = dice.choice(keys)
        settings[key] = mutators.mutate_value(dice, settings.get(key))
    else:
        settings = mutators.mutate_value(dice, settings)
    path.write_bytes(mutators.json_bytes(dice, settings))
    _compare(dice, folder)


def _compare(dice: Dice, folder: Path) -> None:
    """Describes and runs a model by an artifact or PyTorch, and compares it with Transformers."""
    from tinybert.measure.info import describe, info_text
    from tinybert.models import open_model

    form = dice.choice(["onnx/model.onnx", "onnx/model.onnx", "openvino/model.xml", ""])
    if not form:
        shutil.rmtree(folder / "onnx")
        shutil.rmtree(folder / "openvino")
    info_text(describe(folder / form))
    model = open_model(folder / form)
    with contextlib.redirect_stderr(io.StringIO()):
        ours = model(TEXTS)
    json.dumps(ours, allow_nan=False)
    theirs = _by_transformers(folder, stock=not form)
    if theirs is not None and not _alike(ours, theirs):
        raise WrongAnswer(f"{form or 'PyTorch'}: {ours}\nTransformers: {theirs}")


def _by_transformers(folder: Path, stock: bool) -> list[dict[str, float]] | None:
    """Scores by label as stock Transformers has them; None where it can't read the folder.

    An artifact computes what it was exported from, whatever config.json says by now: then the
    weights of the whole model count, with the damaged tokenizer and the damaged names of labels.
    """
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    whole = folder.parent / "whole"
    if not stock:
        os.rename(folder / "whole", whole)
    try:
        settings = AutoConfig.from_pretrained(folder)
        if "ForSequenceClassification" not in str(settings.architectures):
            return None
        reader = AutoTokenizer.from_pretrained(folder)
        source = folder if stock else whole
        with torch.inference_mode():
            model = AutoModelForSequenceClassification.from_pretrained(source).eval()
            longest = min(reader.model_max_length, 128)
            scores = []
            for text in TEXTS:
                features = reader(text, truncation=True, max_length=longest, return_tensors="pt")
                logits = model(**features).logits[0]
                found = torch.softmax(logits, 0).tolist()
                scores.append({str(settings.id2label[i]): score for i, score in enumerate(found)})
        return scores
    except BaseException:  # what stock Transformers can't read tells nothing of us
        return None


def _alike(ours: list[dict[str, Any]], theirs: list[dict[str, float]]) -> bool:
    return all(
        "scores" in mine
        and mine["scores"].keys() == other.keys()
        and all(abs(mine["scores"][name] - score) < 1e-3 for name, score in other.items())
        for mine, other in zip(ours, theirs, strict=True)
    )


def weights(dice: Dice, base: Path, work: Path) -> None:
    """The model.safetensors of a Hugging Face folder: its header, or its bytes."""
    from tinybert.measure.info import describe, info_text
    from tinybert.models import open_model

    folder = work / "model"
    folder.mkdir()
    for path in (base / "model").iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    path = folder / "model.safetensors"
    content = path.read_bytes()
    if dice.random() < 0.5:
        content = mutators.mutate_bytes(dice, content)
    else:
        length = int.from_bytes(content[:8], "little")
        header = mutators.mutate_value(dice, json.loads(content[8 : 8 + length]))
        written = mutators.json_bytes(dice, header)
        content = len(written).to_bytes(8, "little") + written + content[8 + length :]
    path.write_bytes(content)
    json.dumps(info_text(describe(folder)))
    json.dumps(open_model(folder)(TEXTS), allow_nan=False)


def onnx_graph(dice: Dice, base: Path, work: Path) -> None:
    """An ONNX file without checksums: its structure, or its bytes."""
    import onnx

    folder = work / "model"
    shutil.copytree(base / "model", folder, ignore=shutil.ignore_patterns("whole"))
    path = folder / "onnx" / dice.choice(["model.onnx", "model_quantized.onnx"])
    if dice.random() < 0.5:
        path.write_bytes(mutators.mutate_bytes(dice, path.read_bytes()))
    else:
        model = onnx.load(path)
        for _ in range(dice.choice([1, 2])):
            _change_graph(dice, model.graph)
        path.write_bytes(model.SerializeToString())
    _use(path)


def _change_graph(dice: Dice, graph: Any) -> None:
    node = dice.choice(graph.node)
    tensor = dice.choice(graph.initializer)
    value = dice.choice([*graph.input, *graph.output])

    def rank() -> None:
        shape = value.type.tensor_type.shape
        if dice.random() < 0.5:
            shape.dim.add().dim_value = 1
        elif shape.dim:
            del shape.dim[0]

    def attribute() -> None:
        if node.attribute:
            chosen = dice.choice(node.attribute)
            chosen.i = dice.choice([-1, 0, 1, 2, 99])

    changes: list[Callable[[], Any]] = [
        rank,
        attribute,
        lambda: setattr(value, "name", dice.choice(["x", "logits", "input_ids", ""])),
        lambda: setattr(value.type.tensor_type, "elem_type", dice.choice([0, 1, 6, 7, 8, 11, 99])),
        lambda: setattr(node, "op_type", dice.choice(["Add", "Identity", "Shape", "Nope", "Relu"])),
        lambda: graph.node.remove(node),
        lambda: node.output and node.output.__setitem__(0, "x"),
        lambda: node.input and node.input.__setitem__(0, dice.choice(["x", "input_ids", ""])),
        lambda: tensor.dims.append(dice.choice([1, 2, -1, 2**40])),
        lambda: tensor.dims and tensor.dims.__setitem__(0, dice.choice([0, 1, -1, 2**62])),
        lambda: setattr(tensor, "data_type", dice.choice([0, 1, 3, 7, 11, 16, 22, 99])),
        lambda: setattr(tensor, "raw_data", tensor.raw_data[: dice.randrange(8)]),
        lambda: _point_outside(dice, tensor),
        lambda: setattr(graph.output[0], "name", node.output[0]),
        lambda: graph.ClearField("output"),
        lambda: graph.ClearField("input"),
    ]
    dice.choice(changes)()


def _point_outside(dice: Dice, tensor: Any) -> None:
    """External data, where it should not be."""
    del tensor.external_data[:]
    entry = tensor.external_data.add()
    entry.key = "location"
    entry.value = dice.choice(["/etc/passwd", "../x", "nowhere", "/dev/zero", "", "\x00", "."])
    tensor.data_location = 1


def openvino_graph(dice: Dice, base: Path, work: Path) -> None:
    """An OpenVINO model without checksums: its .xml as text or by its values, or its .bin."""
    folder = work / "model"
    shutil.copytree(base / "model", folder, ignore=shutil.ignore_patterns("whole"))
    path = folder / "openvino" / "model.xml"
    choice = dice.random()
    if choice < 0.3:
        path.write_bytes(mutators.mutate_bytes(dice, path.read_bytes()))
    elif choice < 0.8:
        text = path.read_text(encoding="utf-8")
        values = list(re.finditer(r'="([^"]*)"', text))
        for found in sorted(dice.sample(values, dice.choice([1, 2])), key=lambda m: -m.start()):
            odd = str(dice.choice(["", "-1", "1,1", "x", "i64", "f32", "99999999999", "../x", "0"]))
            text = text[: found.start(1)] + odd + text[found.end(1) :]
        path.write_text(text, encoding="utf-8")
    else:
        weights = path.with_suffix(".bin")
        weights.write_bytes(mutators.mutate_bytes(dice, weights.read_bytes()))
    _use(path)


def _use(path: Path) -> None:
    """Describes an artifact, loads it and predicts; its answers may be any that are whole."""
    from tinybert.measure.info import describe, info_text
    from tinybert.models import open_model

    refusals = []
    for use in (
        lambda: json.dumps(describe(path), allow_nan=False) and info_text(describe(path)),
        lambda: json.dumps(open_model(path)(TEXTS), allow_nan=False),
    ):
        try:
            use()
        except InputError as error:
            refusals.append(error)
    if refusals:
        raise refusals[-1]


def output_folder(dice: Dice, base: Path, work: Path) -> None:
    """What `compress` made, with a damaged file: refused, or the very answers of before."""
    from tinybert.measure.info import describe, info_text
    from tinybert.models import open_model

    out = work / "out"
    if dice.random() < 0.7:
        shutil.copytree(base / "out", out)
        names = sorted(path for path in out.rglob("*") if path.is_file())
    else:  # an older version's, which had no checksums of its settings
        shutil.copytree(base / "old", out)
        names = [out / "report.json", out / "checksums.json", *sorted((out / "onnx").iterdir())]
    path = dice.choice(names)
    if path.suffix == ".json" and dice.random() < 0.7:
        value = mutators.mutate_value(dice, json.loads(path.read_bytes()))
        path.write_bytes(mutators.json_bytes(dice, value))
    else:
        path.write_bytes(mutators.mutate_bytes(dice, path.read_bytes()))
    info_text(describe(out))
    answers = json.dumps(open_model(out)(TEXTS))
    if answers not in (base / "answers.txt").read_text(encoding="utf-8").splitlines():
        raise WrongAnswer(f"{path} was damaged, and the answers are {answers}")


def command_line(dice: Dice, base: Path, work: Path) -> None:
    """Options of the program, on whole files."""
    from tinybert import cli

    for name in ("reviews.jsonl", "corpus.txt"):
        shutil.copy(base / name, work)
    out = str(base / "out")
    data = ["--task", "text-classification", "--data", "reviews.jsonl"]
    words = dice.choice(
        [
            ["predict", out, "good", "--threads", "1"],
            ["predict", out, "--file", "corpus.txt"],
            ["evaluate", out, *data, "--text", "sentence", "--label", "label", "--threads", "1"],
            ["info", out],
        ]
    )
    at = dice.randrange(1, len(words))
    odd = [*mutators.ODD_TEXTS, *map(str, mutators.ODD_NUMBERS), "100000", "/dev/zero", "."]
    words[at] = dice.choice(odd)
    if "\x00" in words[at]:
        words[at] = "x"  # no command line can hold it
    said, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(errors):
        try:
            code = cli.main(words)
        except SystemExit as stopped:  # of argparse, with its usage
            code = 0 if stopped.code == 2 else 1
    if code:
        raise InputError(errors.getvalue().replace("tinybert: error: ", "--set ").rstrip("\n"))


Target = Callable[[Dice, Path, Path], None]

TARGETS: dict[str, Target] = {
    "yaml-text": yaml_text,
    "recipe-mapping": recipe_mapping,
    "overrides": overrides,
    "dry-run": dry_run,
    "rows": rows,
    "parquet": parquet,
    "corpus": corpus,
    "config": config,
    "tokenizer": tokenizer,
    "tokenizer-settings": tokenizer_settings,
    "weights": weights,
    "onnx": onnx_graph,
    "openvino": openvino_graph,
    "output-folder": output_folder,
    "command-line": command_line,
}
