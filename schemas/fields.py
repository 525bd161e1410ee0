"""Fields that take exactly what they say: JSON's ``true``, not ``"yes"`` or 1."""

import re
from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from datetime import UTC
from decimal import Decimal
from ipaddress import ip_network
from typing import Any

from marshmallow import fields
from marshmallow import ValidationError

from keysvc.schemas.text import flaw_in

#: Beyond this, JSON readers that keep numbers as doubles lose digits.
MAX_INTEGER = 2**53 - 1

_SCOPE = re.compile(r"[a-z0-9._:/*-]{1,100}")
_DECIMAL = re.compile(r"\d{1,15}(\.\d{1,6})?")
_MAX_ITEMS = 100


class StrictBoolean(fields.Boolean):
    """``true`` or ``false``."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Must be true or false.")
        return value


class StrictInteger(fields.Integer):
    """A whole number, from *minimum* to 2**53 - 1; ``76.0`` is one."""

    def __init__(self, *, minimum: int = 0, **kwargs: Any) -> None:
        self.minimum = minimum
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError("Must be a whole number.")
        if not self.minimum <= value <= MAX_INTEGER:
            raise ValidationError(f"Must be from {self.minimum} to {MAX_INTEGER}.")
        return value


class Text(fields.String):
    """Text of at most *maximum* characters, without control or bidi characters."""

    def __init__(self, *, maximum: int, lines: bool = False, **kwargs: Any) -> None:
        self.maximum, self.lines = maximum, lines
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > self.maximum:
            raise ValidationError(f"Must have at most {self.maximum} characters.")
        if flaw := flaw_in(text, lines=self.lines):
            raise ValidationError(flaw)
        return text


class Money(fields.String):
    """An amount of US dollars, at least 0, as a decimal string: ``"50.00"``."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not _DECIMAL.fullmatch(value, re.ASCII):
            raise ValidationError('Must be a decimal string such as "50.00".')
        return str(Decimal(value))


class Moment(fields.AwareDateTime):
    """A moment in ISO 8601 with its zone; given and kept in UTC."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise ValueError
            return moment.astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            raise ValidationError(
                "Must be a time in ISO 8601 with its zone,"
                " such as 2030-01-31T12:00:00+00:00."
            ) from None

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else value.isoformat(timespec="microseconds")


class _Words(fields.List[Any]):
    """At most 100 different strings, each read by ``word``; their order is kept."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields.String(), **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise ValidationError("Must be a list of strings.")
        if len(value) > _MAX_ITEMS:
            raise ValidationError(f"Must have at most {_MAX_ITEMS} items.")
        return tuple(dict.fromkeys(self.word(item) for item in value))

    @abstractmethod
    def word(self, item: str) -> str:
        """Return *item* as it is kept, or raise ``ValidationError``."""


class Scopes(_Words):
    """Scopes: words of ``[a-z0-9._:/*-]{1,100}``."""

    def word(self, item: str) -> str:
        if not _SCOPE.fullmatch(item):
            raise ValidationError(
                f"Not a scope: {item[:100]!r}."
                " A scope has 1 to 100 characters of a-z 0-9 . _ : / * -"
            )
        return item


class Networks(_Words):
    """IPv4 and IPv6 networks in CIDR notation; an address alone is a network of one."""

    def word(self, item: str) -> str:
        try:
            if "%" in item:
                raise ValueError
            return str(ip_network(item, strict=False))
        except ValueError:
            raise ValidationError(
                f"Not a network: {item[:100]!r}."
                " It looks like 192.0.2.0/24 or 2001:db8::/32."
            ) from None


class Whole(fields.Nested):
    """A part of the answer that is read from the same object as the answer."""

    def get_value(
        self, obj: Any, attr: str, accessor: Any = None, default: Any = None
    ) -> Any:
        return obj


def without_nulls(data: Any) -> Any:
    """Return *data* without its null fields: they count as not given."""
    if not isinstance(data, Mapping):
        return data
    return {name: value for name, value in data.items() if value is not None}
