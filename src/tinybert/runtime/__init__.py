"""Loads and runs compressed models. Needs numpy, tokenizers and the artifact's own runtime."""

from tinybert.runtime.load import load
from tinybert.runtime.model import Facts, Model
from tinybert.runtime.text import Features, TextEncoder

__all__ = ["Facts", "Features", "Model", "TextEncoder", "load"]
