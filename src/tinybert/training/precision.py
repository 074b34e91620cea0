"""In which numbers a model computes while it trains."""

from typing import Literal

import torch

from tinybert.training.config import TrainingConfig

Precision = Literal["fp32", "bf16", "fp16"]

AUTOCAST: dict[Precision, torch.dtype] = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""What autocast rounds products to; fp32 has none."""

_FAST_FP16 = (7, 0)
"""The compute capability of the first GPUs with units for float16 products (Volta); those before
are slower in it, or hardly faster."""


def precision(config: TrainingConfig) -> Precision:
    """What settings come to on this machine.

    Of float16 gradients are so small that many would be 0: the loss is scaled for them, by the
    Trainer, which lowers the scale where one overflows and leaves that step out.

    Args:
        config: The settings, `bf16` and `fp16`.

    Example:
        >>> precision(TrainingConfig(bf16=False))
        'fp32'
    """
    if config.fp16 is True:
        return "fp16"
    if config.bf16 == "auto":
        native = native_precision()
        return "fp32" if native == "fp16" and config.fp16 is False else native
    return "bf16" if config.bf16 else "fp32"


def native_precision() -> Precision:
    """The fastest that the hardware has units for."""
    if native_bf16():
        return "bf16"
    if torch.cuda.is_available() and torch.cuda.get_device_capability() >= _FAST_FP16:
        return "fp16"
    return "fp32"


def native_bf16() -> bool:
    """Whether bfloat16 products are faster than float32 ones here.

    Any CPU can emulate them, slowly, so torch's own answer for CPUs is of no use.
    """
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.backends.cpu.get_cpu_capability()
    return bool("AVX512" in capabilities and torch.cpu._is_avx512_bf16_supported())
