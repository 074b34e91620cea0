"""Damaged weights and graphs, and damaged files of an output folder."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fuzz import mutators
from fuzz.mutators import Dice
from fuzz.outcome import TEXTS, WrongAnswer
from tinybert.base.errors import InputError


def weights(dice: Dice, base: Path, work: Path) -> None:
    """The model.safetensors of a Hugging Face folder: its header, or its bytes."""
    from tinybert.formats.open import open_model
    from tinybert.measure.info import describe, info_text

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
    from tinybert.formats.open import open_model
    from tinybert.measure.info import describe, info_text

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
    from tinybert.formats.open import open_model
    from tinybert.measure.info import describe, info_text

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
