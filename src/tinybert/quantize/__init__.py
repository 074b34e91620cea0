"""Trained fp32 artifacts to int8."""

from tinybert.quantize.config import QuantizeConfig
from tinybert.quantize.dynamic import quantize_dynamic

__all__ = ["QuantizeConfig", "quantize_dynamic"]
