"""Fields that take exactly what they say: JSON's ``true``, not ``"yes"`` or 1."""

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from datetime import UTC
from decimal import Decimal
from ipaddress import ip_network
from ipaddress import IPv4Network
from ipaddress import IPv6Network
from typing import Any

from marshmallow import fields
from marshmallow import validate
from marshmallow import ValidationError

from keysvc.schemas.text import CLEAN_LINE
from keysvc.schemas.text import CLEAN_LINES
from keysvc.schemas.text import has_surrogates

#: Beyond this, JSON readers that keep numbers as doubles lose digits.
MAX_INTEGER = 2**53 - 1

_TOO_FINE = re.compile(r"[.,][0-9]{7}")
_MAX_ITEMS = 100

#: No mask after the slash, which could be read in two ways, and no zone.
_CIDR = re.compile(r"[0-9A-Fa-f.:]+(/[0-9]{1,3})?")

_BOOLEANS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}

_UNCLEAN = "Must not hold control, bidirectional or surrogate characters."


class StrictBoolean(fields.Boolean):
    """``true`` or ``false``."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Must be true or false.")
        return value


class StrictInteger(fields.Integer):
    """A whole number, from *minimum* to *maximum*; ``76.0`` is one."""

    def __init__(
        self, *, minimum: int = 0, maximum: int = MAX_INTEGER, **kwargs: Any
    ) -> None:
        rule = validate.Range(minimum, maximum, error="Must be from {min} to {max}.")
        super().__init__(validate=rule, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError("Must be a whole number.")
        return value


class QueryInteger(fields.Integer):
    """A whole number in a query string: plain digits."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if not re.fullmatch(r"[0-9]{1,15}", str(value)):
            raise ValidationError("Must be a whole number.")
        return int(value)


class QueryBoolean(fields.Boolean):
    """``true``, ``false``, ``1``, ``0``, ``yes``, ``no``, ``on``, ``off``; any case."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        return boolean(str(value))


def boolean(text: str) -> bool:
    """Read a truth value of a query string."""
    if text.strip().lower() not in _BOOLEANS:
        raise ValidationError("Must be true or false.")
    return _BOOLEANS[text.strip().lower()]


class Text(fields.String):
    """
    Text of *minimum* to *maximum* characters, without control or bidi characters.

    Args:
        lines: Whether line breaks and tabs are fine.
    """

    def __init__(
        self, *, maximum: int, minimum: int = 0, lines: bool = False, **kwargs: Any
    ) -> None:
        clean = CLEAN_LINES if lines else CLEAN_LINE
        rules: list[Callable[[str], Any]] = [
            validate.Length(min=minimum or None, max=maximum),
            validate.Regexp(clean, error=_UNCLEAN),
            _refuse_surrogates,
        ]
        super().__init__(validate=rules, **kwargs)


def _refuse_surrogates(text: str) -> None:
    if has_surrogates(text):
        raise ValidationError(_UNCLEAN)


class Name(Text):
    """A name of 1 to *maximum* characters, kept in NFC."""

    def __init__(self, *, maximum: int, **kwargs: Any) -> None:
        super().__init__(minimum=1, maximum=maximum, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        return unicodedata.normalize("NFC", text)


class Money(fields.String):
    """An amount of US dollars, at least 0, as a decimal string: ``"50.00"``."""

    def __init__(self, **kwargs: Any) -> None:
        rule = validate.Regexp(
            r"^[0-9]{1,15}(\.[0-9]{1,6})?(?!\n)$",
            error='Must be a decimal string such as "50.00".',
        )
        super().__init__(validate=rule, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        self._validate(text)
        return str(Decimal(text))


class Moment(fields.AwareDateTime):
    """A moment in ISO 8601 with its zone; given and kept in UTC."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None or _TOO_FINE.search(value):
                raise ValueError
            return moment.astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            raise ValidationError(
                "Must be a time in ISO 8601 with its zone, to the microsecond at most,"
                " such as 2030-01-31T12:00:00+00:00."
            ) from None

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        return told(value)


def told(moment: datetime | None) -> str | None:
    """Return how a moment is written."""
    return None if moment is None else moment.isoformat(timespec="microseconds")


class _Words(fields.List[Any]):
    """At most 100 strings as they are sent; kept once each, in their order."""

    def __init__(self, word: fields.String, **kwargs: Any) -> None:
        super().__init__(word, validate=validate.Length(max=_MAX_ITEMS), **kwargs)

    def deserialize(self, *args: Any, **kwargs: Any) -> Any:
        # After the validators: what the document says of length, it says of the wire.
        words = super().deserialize(*args, **kwargs)
        return tuple(dict.fromkeys(words)) if isinstance(words, list) else words


class Scopes(_Words):
    """Scopes: words of ``[a-z0-9._:/*-]{1,100}``."""

    def __init__(self, **kwargs: Any) -> None:
        rule = validate.Regexp(
            r"^[a-z0-9._:/*-]{1,100}(?!\n)$",
            error="A scope has 1 to 100 characters of a-z 0-9 . _ : / * -",
        )
        super().__init__(fields.String(validate=rule), **kwargs)


class _Network(fields.String):
    """A network in CIDR notation; an address alone is a network of one."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        try:
            if not isinstance(value, str) or not _CIDR.fullmatch(value):
                raise ValueError
            return str(_unmapped(ip_network(value, strict=False)))
        except ValueError:
            raise ValidationError(
                "A network looks like 192.0.2.0/24 or 2001:db8::/32."
            ) from None


def _unmapped(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """Return what an IPv4 network in IPv6 clothes is: addresses come undressed."""
    plain = getattr(network.network_address, "ipv4_mapped", None)
    if plain is None or network.prefixlen < 96:
        return network
    return IPv4Network((plain, network.prefixlen - 96))


class Networks(_Words):
    """IPv4 and IPv6 networks in CIDR notation."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(_Network(metadata={"format": "cidr"}), **kwargs)
