"""Fp32 ONNX files to quantized ones."""

from pathlib import Path

import onnx_ir as ir

from tinybert.base.errors import InputError
from tinybert.base.files import atomic_path
from tinybert.formats.onnx.products import DynamicProduct, FloatProduct, StaticProduct
from tinybert.formats.onnx.rewriter import OPSETS, Product, Rewriter
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.note import QuantizationNote

_OPSET = 20
"""Our files have it, and an older one can't take fewer bits than 8."""


def check(config: QuantizeConfig) -> None:
    """An ONNX file can have all settings."""


def quantize(source: Path, target: Path, config: QuantizeConfig, note: QuantizationNote) -> None:
    """Writes the quantized form of an fp32 ONNX file.

    Args:
        source: The fp32 file.
        target: The file to write.
        config: What to quantize, and how.
        note: What was found on training rows.

    Raises:
        InputError: The file holds no float weights that can be quantized, or is too old for few
            bits.
    """
    model = ir.load(source)
    if note.bits in OPSETS:
        opset = model.graph.opset_imports[""]
        # From 20 to 25 operators learned new types, and nothing changed for the old ones.
        if opset < _OPSET:
            raise InputError(
                f"{source}: has opset {opset}, and {note.bits} bits need {_OPSET} or more; export "
                "it anew"
            )
        model.graph.opset_imports[""] = max(OPSETS[note.bits], opset)
    rewriter = Rewriter(model.graph, note, _product(config))
    rewriter.run()
    if not rewriter.rewritten:
        raise InputError(f"{source}: holds no float weights to quantize")
    with atomic_path(target) as temporary:
        temporary.write_bytes(ir.to_proto(model).SerializeToString())


def _product(config: QuantizeConfig) -> Product:
    if config.float_activations:
        return FloatProduct()
    return StaticProduct() if config.static_activations else DynamicProduct()
