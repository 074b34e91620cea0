"""Fp32 artifacts to quantized ones."""

import contextlib
from pathlib import Path

import onnx_ir as ir

from tinybert.base.errors import InputError
from tinybert.base.files import atomic_path
from tinybert.base.locks import only_run
from tinybert.formats.onnx.products import DynamicProduct, FloatProduct, StaticProduct
from tinybert.formats.onnx.quantize import OPSET_INT4, Product, Rewriter
from tinybert.formats.openvino.quantize import quantize_openvino
from tinybert.runtime.config import folder_with_config, folders_of, read_object
from tinybert.runtime.manifest import Manifest, note_made
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.note import QuantizationNote


def quantize_artifact(source: Path, target: Path, config: QuantizeConfig) -> list[Path]:
    """Writes the quantized form of an fp32 artifact, as its format wants it.

    Args:
        source: The fp32 file, .onnx or .xml.
        target: The file to write.
        config: What to quantize, and how.

    Returns:
        The files that were written.

    Raises:
        InputError: The format can't have it, or the file holds nothing to quantize.
    """
    if source.suffix == ".xml":
        quantize_openvino(source, target, config, _note(source, config))
        return [target, target.with_suffix(".bin")]
    _quantize_onnx(source, target, config)
    return [target]


def quantize_onnx(
    source: Path | str, target: Path | str, config: QuantizeConfig | None = None
) -> None:
    """Writes the quantized form of an fp32 ONNX file.

    Args:
        source: The fp32 file, such as `tinybert.run.export` writes. Where the method prepares the
            model, the config.json beside it or one folder up has what was found on training
            rows: ranges of activations, layers to keep.
        target: The file to write. It is noted in the manifest that lies beside it, or one folder
            up.
        config: What to quantize, and how; default: dynamic int8.

    Raises:
        InputError: The file holds no float weights that can be quantized, is too old for 4 bits,
            or what should have been found on training rows is missing.

    Example:
        >>> quantize_onnx(Path("model.onnx"), Path("int8.onnx"))  # doctest: +SKIP
    """
    target = Path(target)
    with contextlib.ExitStack() as stack:
        published = [folder for folder in folders_of(target) if Manifest.read(folder) is not None]
        for folder in published:
            stack.enter_context(only_run(folder))
        _quantize_onnx(Path(source), target, config or QuantizeConfig())
        for folder in published:
            note_made(folder, [target])


def _quantize_onnx(source: Path, target: Path, config: QuantizeConfig) -> None:
    note = _note(source, config)
    model = ir.load(source)
    if note.bits == 4:
        opset = model.graph.opset_imports[""]
        # From 20 to 21 operators learned new types, and nothing changed for the old ones.
        if opset < OPSET_INT4 - 1:
            raise InputError(
                f"{source}: has opset {opset}, and 4 bits need {OPSET_INT4 - 1} or more; export "
                "it anew"
            )
        model.graph.opset_imports[""] = max(OPSET_INT4, opset)
    rewriter = Rewriter(model.graph, note, _product(config))
    rewriter.run()
    if not rewriter.rewritten:
        raise InputError(f"{source}: holds no float weights to quantize")
    with atomic_path(target) as temporary:
        temporary.write_bytes(ir.to_proto(model).SerializeToString())


def _note(source: Path, config: QuantizeConfig) -> QuantizationNote:
    """What was found on training rows, where the method looks for something there."""
    if not config.prepares:
        return QuantizationNote.of(config)
    path = folder_with_config(source) / "config.json"
    return QuantizationNote.read(read_object(path), path)


def _product(config: QuantizeConfig) -> Product:
    if config.float_activations:
        return FloatProduct()
    return StaticProduct() if config.static_activations else DynamicProduct()
