"""Which optional packages a command needs."""

import importlib.util

from tinybert.base.errors import missing_extra


def require_training_packages() -> None:
    """Fails at once, and with what to install, where only the runtime is installed.

    Raises:
        InputError: A package of the extra `train` is missing.
    """
    for package in (
        "torch",
        "transformers",
        "accelerate",
        "onnx",
        "pydantic",
        "rich",
        "sklearn",
        "yaml",
    ):
        if importlib.util.find_spec(package) is None:
            raise missing_extra(package, "train", "for this command")
