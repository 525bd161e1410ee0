"""Spans of time in a query string or at a shell: digits and a unit, ``90d``."""

import re
from datetime import timedelta
from typing import Any

from marshmallow import fields
from marshmallow import ValidationError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"([0-9]{1,7})([smhdw])")

#: A century: longer than anything is kept, and short of what no date can say.
_LONGEST = timedelta(days=36525)


class Span(fields.Field[timedelta]):
    """Seconds, minutes, hours, days or weeks; what is longer is read as a century."""

    def __init__(self, **kwargs: Any) -> None:
        described = {"type": "string", "pattern": f"^{_SPAN.pattern}$"}
        super().__init__(metadata=described, **kwargs)

    def _deserialize(
        self, value: Any, attr: Any, data: Any, **kwargs: Any
    ) -> timedelta:
        found = _SPAN.fullmatch(str(value))
        if found is None:
            raise ValidationError(
                "Must be up to 7 digits and one of s, m, h, d, w, as in 90d."
            )
        span = timedelta(**{_UNITS[found[2]]: int(found[1])})
        return min(span, _LONGEST)
