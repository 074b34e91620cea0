"""The base of every typed section of a recipe."""

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Refuses unknown keys and is immutable, so that a resolved recipe stays what was checked.

    Example:
        >>> Config(epoch=2)
        Traceback (most recent call last):
        ...
        pydantic_core._pydantic_core.ValidationError: 1 validation error for Config
        epoch
          Extra inputs are not permitted [type=extra_forbidden, input_value=2, input_type=int]
            For further information visit ...
    """

    # A default of 3 where the type is float must be 3.0, as it is when read from a file: settings
    # are hashed.
    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True
    )
