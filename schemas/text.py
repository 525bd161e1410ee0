"""Which characters text from outside may hold."""

import re

# Marks that change the direction of what follows let a name show as another; half of
# a surrogate pair is no character at all.
_BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_SURROGATES = re.compile(r"[\ud800-\udfff]")

#: No unclean character anywhere. Written to mean the same to Python and JSON Schema:
#: a dollar sign would let a line end slip through in Python. Surrogates are not in it:
#: to readers that count in UTF-16 every emoji holds two, others refuse the pattern.
CLEAN_LINE = rf"^(?![\s\S]*[\u0000-\u001f\u007f-\u009f{_BIDI}])"

#: The same, but line breaks and tabs are fine.
CLEAN_LINES = CLEAN_LINE.replace(
    r"\u0000-\u001f", r"\u0000-\u0008\u000b\u000c\u000e-\u001f"
)


def is_clean(text: str) -> bool:
    """Tell whether *text* is one line without control, bidi or surrogate characters."""
    return re.match(CLEAN_LINE, text) is not None and not has_surrogates(text)


def has_surrogates(text: str) -> bool:
    """Tell whether *text* holds half of a surrogate pair."""
    return _SURROGATES.search(text) is not None
