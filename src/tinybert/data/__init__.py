"""Reading DATA."""

from tinybert.data.layout import Layout, Split
from tinybert.data.read import has_splits, read
from tinybert.data.table import Table

__all__ = ["Layout", "Split", "Table", "has_splits", "read"]
