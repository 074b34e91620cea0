"""Amounts with their units, as users type them."""

import math
import re
from collections.abc import Mapping
from typing import Any

from tinybert.base.errors import short

_NUMBER = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([A-Za-zµ%]*)\s*")

BYTES = {"B": 1e-6, "kB": 1e-3, "KB": 1e-3, "MB": 1.0, "GB": 1e3, "KiB": 0.001024, "MiB": 1.048576}
"""Units of sizes in decimal MB, as files are measured."""

MILLISECONDS = {"us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3}
MINUTES = {"s": 1 / 60, "sec": 1 / 60, "min": 1.0, "m": 1.0, "h": 60.0}
SHARES = {"%": 0.01}


def amount(value: Any, units: Mapping[str, float], example: str) -> float:
    """The number that a text with a unit stands for.

    Args:
        value: Such as "5MB".
        units: What one of each is.
        example: Of a right text, for the message.

    Raises:
        ValueError: It is none, or not above 0.

    Example:
        >>> amount("5MB", BYTES, "5MB"), amount("800 us", MILLISECONDS, "1ms")
        (5.0, 0.8)
    """
    if isinstance(value, str) and value.strip().startswith("-"):
        raise ValueError(f"must not be negative, got {short(value)}")
    found = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if found is None or found[2] not in units:
        raise ValueError(f"expected a number with its unit, such as {example}, got {short(value)}")
    number = float(found[1]) * units[found[2]]
    if not (number > 0 and math.isfinite(number)):
        raise ValueError(f"must be more than 0, got {short(value)}")
    return number


def share(value: Any) -> float:
    """The share that a text such as "1%" stands for; 0 is one, as nothing may be lost then.

    Raises:
        ValueError: It is none, or a whole.

    Example:
        >>> share("1%"), share("0.5%"), share("0%")
        (0.01, 0.005, 0.0)
    """
    if isinstance(value, str) and re.fullmatch(r"\s*0+(\.0+)?\s*%\s*", value):
        return 0.0
    number = amount(value, SHARES, "1%")
    if number >= 1:
        raise ValueError(f"must be less than 100%, got {short(value)}")
    return number
