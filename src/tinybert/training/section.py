"""The base of every typed section of a recipe."""

from collections.abc import Mapping

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

    def refuse_unused(self, unused: Mapping[str, tuple[bool, str]]) -> None:
        """Refuses options that are given and mean nothing beside the others.

        Args:
            unused: By option, whether it would be used, and why not.

        Raises:
            ValueError: One is not, and is not as by default.
        """
        for name, reason in self._given(unused).items():
            raise ValueError(f"{name}: {reason}")

    def unused_options(self) -> dict[str, str]:
        """Options that are given and change nothing beside the others, and why they don't.

        They are worth a warning: who gives them expects something of them.
        """
        return {}

    def _given(self, unused: Mapping[str, tuple[bool, str]]) -> dict[str, str]:
        return {
            name: reason
            for name, (used, reason) in unused.items()
            if not used and getattr(self, name) != type(self).model_fields[name].default
        }
