"""Rules about texts: patterns, and the labels of texts that have them."""

import re
import warnings

from pydantic import Field, field_validator

from tinybert.base.errors import short
from tinybert.training.section import Config


class PatternConfig(Config):
    """A pattern that is sought in texts."""

    pattern: str = Field(description="a regular expression of Python, sought anywhere in a text")

    @field_validator("pattern")
    @classmethod
    def _is_a_pattern(cls, pattern: str) -> str:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # of what Python may read another way one day
                finds_nothing = re.compile(pattern).search("") is not None
        except FutureWarning as warning:
            raise ValueError(f"{short(pattern)}: {warning}; write it with a backslash") from None
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"{short(pattern)} is no regular expression: {error}") from None
        if finds_nothing:
            raise ValueError(f"{short(pattern)} finds the empty text too; say what it must find")
        return pattern


class TeachingRuleConfig(PatternConfig):
    """A rule as one more teacher: it is sure of the label of texts that have its pattern."""

    label: str = Field(description="the label of texts that have it")
    weight: float = Field(
        1.0, ge=1e-6, le=1e6, description="of what it says of them; the recipe's own teacher has 1"
    )
