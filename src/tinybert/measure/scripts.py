"""Which script characters are of, by their names in Unicode."""

import unicodedata
from functools import lru_cache

_KINDS = {"N": "digits", "P": "punctuation", "S": "symbols"}


def script_of(piece: str) -> str:
    """The script of the first letter of a text, or what else its first character is.

    Example:
        >>> [script_of(text) for text in ("film", "фильм", "映画", " 12", "!", "🎬")]
        ['latin', 'cyrillic', 'cjk', 'digits', 'punctuation', 'symbols']
    """
    kinds = [_kind(character) for character in piece.strip()] or [(False, "other")]
    return next((kind for letter, kind in kinds if letter), kinds[0][1])


@lru_cache(maxsize=1 << 16)
def _kind(character: str) -> tuple[bool, str]:
    """Whether a character is a letter, and its script or kind."""
    category = unicodedata.category(character)[0]
    if category not in "LM":
        return False, _KINDS.get(category, "other")
    # A letter's name begins with its script: "CYRILLIC SMALL LETTER A", "CJK UNIFIED IDEOGRAPH-".
    return True, unicodedata.name(character, "other").split()[0].lower()
