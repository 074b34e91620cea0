"""What each architecture calls its parts: one file a family, and no PyTorch.

`tinybert.modeling.blocks` and `.parts` turn names into modules; nobody else names a module of a
model.
"""

from tinybert.families.family import (
    OWN_HEADS,
    ROLES,
    Capability,
    Family,
    LayerPart,
    MatrixPart,
    Part,
    Piece,
    Role,
    Sizes,
)
from tinybert.families.registry import FAMILIES, family_of, find_family, require

__all__ = [
    "FAMILIES",
    "OWN_HEADS",
    "ROLES",
    "Capability",
    "Family",
    "LayerPart",
    "MatrixPart",
    "Part",
    "Piece",
    "Role",
    "Sizes",
    "family_of",
    "find_family",
    "require",
]
