"""Which characters text from outside may hold."""

import unicodedata

#: Marks that change the direction of what follows: a name could show as another.
_BIDI = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_LINES = frozenset("\n\r\t")


def flaw_in(text: str, *, lines: bool = False) -> str | None:
    """
    Say what is wrong with *text*, or None.

    Args:
        lines: Whether line breaks and tabs are fine.
    """
    for character in text:
        if lines and character in _LINES:
            continue
        category = unicodedata.category(character)
        if category in {"Cc", "Cs"} or character in _BIDI:
            return f"The character U+{ord(character):04X} is not allowed."
    return None
