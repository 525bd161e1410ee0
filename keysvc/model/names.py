"""Names as they are kept, and what a caller means by one."""

import unicodedata
from uuid import UUID


def kept(name: str) -> str:
    """Return *name* as it is kept: in NFC, so that what looks the same is the same."""
    return unicodedata.normalize("NFC", name)


def reference_of(text: str) -> str | UUID:
    """Return the id that *text* is, in any spelling, or the name that it else is."""
    try:
        return UUID(text)
    except ValueError:
        return kept(text)
