"""The base of every typed section of a recipe."""

from typing import Any

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

    def effects(self) -> dict[str, tuple[bool, str]]:
        """Whether options change anything beside the others, and why not; of those that may not.

        Whoever gives one that does not expects something of it: that is refused, or worth a
        warning.
        """
        return {}

    def refuse_unused(self) -> None:
        """Refuses options that are given and change nothing.

        Raises:
            ValueError: One is not as by default.
        """
        for name, reason in Config.unused_options(self).items():
            raise ValueError(f"{name}: {reason}")

    def unused_options(self) -> dict[str, str]:
        """Options that are given and change nothing, and why they don't."""
        return {
            name: reason
            for name, (used, reason) in self.effects().items()
            if not used and getattr(self, name) != type(self).model_fields[name].default
        }

    def effective(self) -> dict[str, Any]:
        """All settings but those that change nothing, ready for YAML or JSON."""
        found = self.model_dump()
        for name, value in self:
            if isinstance(value, Config):
                found[name] = value.effective()
        idle = {name for name, (used, _) in self.effects().items() if not used}
        return {name: value for name, value in found.items() if name not in idle}
