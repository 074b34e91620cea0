import pytest
from pydantic import ValidationError

from tinybert.steps.generate.config import GenerateConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_tokens": 9, "max_tokens": 8}, "min_tokens 9 is more than max_tokens 8"),
        ({"steps": 3, "share": 0.3}, "3 steps of a share of 0.3 don't reach every token"),
    ],
)
def test_what_can_not_be_is_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        GenerateConfig(**settings)
