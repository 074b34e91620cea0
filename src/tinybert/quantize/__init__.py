"""Trained fp32 artifacts to int8 and int4."""

from tinybert.quantize.artifact import quantize_onnx
from tinybert.quantize.config import QuantizeConfig

__all__ = ["QuantizeConfig", "quantize_onnx"]
