"""Where what all runs share lies."""

import os
from pathlib import Path


def cache_root() -> Path:
    """Where what all runs share lies: $TINYBERT_CACHE, or the user's cache folder."""
    if "TINYBERT_CACHE" in os.environ:
        return Path(os.environ["TINYBERT_CACHE"])
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "tinybert"
