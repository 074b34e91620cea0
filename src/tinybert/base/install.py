"""What to type to install more of this package, which need not have come from an index."""

import importlib.metadata
import json
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname


def install_command(extra: str) -> str:
    """The command that brings an extra, from where this installation was made.

    From a checkout, a wheel or a repository `pip install tinybert` would fetch another package of
    this name, or none; pip has noted the place.

    Args:
        extra: A key of the optional dependencies in pyproject.toml.

    Example:
        >>> install_command("train")  # doctest: +SKIP
        "pip install 'tinybert[train] @ file:///home/me/tinybert'"
    """
    origin = _origin()
    url = origin.get("url")
    if not url:
        return f"pip install 'tinybert[{extra}]'"
    if origin.get("dir_info", {}).get("editable"):
        return f"pip install -e '{url2pathname(urlsplit(url).path)}[{extra}]'"
    repository = origin.get("vcs_info", {})
    if repository:
        url = f"{repository['vcs']}+{url}@{repository['commit_id']}"
    return f"pip install 'tinybert[{extra}] @ {url}'"


def _origin() -> dict[str, Any]:
    """What pip noted (https://peps.python.org/pep-0610); empty for a package of an index."""
    try:
        text = importlib.metadata.distribution("tinybert").read_text("direct_url.json")
        origin = json.loads(text or "{}")
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return {}
    return origin if isinstance(origin, dict) else {}
