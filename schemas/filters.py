"""Filters, order and windows of the API keys' wire, read from the query string."""

import json
import math
from collections.abc import Callable
from collections.abc import Mapping
from datetime import datetime
from datetime import UTC
from typing import Any
from typing import NamedTuple
from uuid import UUID

from marshmallow import fields
from marshmallow import post_load
from marshmallow import Schema
from marshmallow import validate
from marshmallow import ValidationError

from keysvc.errors import Malformed
from keysvc.model import Condition
from keysvc.model import Listing
from keysvc.model import Sort
from keysvc.model import Window
from keysvc.schemas.fields import boolean
from keysvc.schemas.fields import QueryBoolean
from keysvc.schemas.fields import QueryInteger
from keysvc.schemas.text import has_surrogates


def moment(text: str) -> datetime:
    """Read ``YYYY-MM-DD HH:MM:SS`` or ISO 8601; without a zone it is in UTC."""
    try:
        found = datetime.fromisoformat(text.strip())
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValidationError("Must look like 2030-01-31 12:00:00.") from None


def identifier(text: str) -> str:
    """Spell an id as it is kept; what is none is left to match nothing."""
    try:
        return str(UUID(text))
    except ValueError:
        return plain(text)


def plain(text: str) -> str:
    """Return *text*, unless no database could be asked for it."""
    if "\0" in text or has_surrogates(text):
        raise ValidationError("Must not hold NUL or surrogate characters.")
    return text


def _number(text: str) -> float:
    try:
        if math.isfinite(number := float(text)):
            return number
    except ValueError:
        pass
    raise Malformed(f"{text[:100]!r} is no number to compare with.")


def _list(read: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    def read_list(text: str) -> list[Any]:
        try:
            items = json.loads(text)
        except (ValueError, RecursionError):
            items = None
        if not isinstance(items, list):
            raise ValidationError("Must be a JSON list.")
        return [read(item if isinstance(item, str) else str(item)) for item in items]

    return read_list


def _range(text: str) -> tuple[datetime, datetime]:
    first, comma, last = text.partition(",")
    if not comma:
        raise ValidationError("Must be two times with a comma between.")
    return moment(first), moment(last)


def _nothing(text: str) -> None:
    return None


#: What each operator makes of its value, by the kind of field.
Readers = Mapping[str, Callable[[str], Any]]

_NULLS: Readers = {"isnull": _nothing, "isnotnull": _nothing}
_PARTS = ("contains", "notcontains", "startswith", "endswith")
_ORDER = ("gt", "gte", "lt", "lte")

BOOLEAN: Readers = {"equals": boolean, "notequals": boolean, **_NULLS}
ID: Readers = {
    "equals": identifier,
    "notequals": identifier,
    "oneof": _list(identifier),
    "notoneof": _list(identifier),
    **dict.fromkeys(_PARTS, plain),
    **_NULLS,
}
TEXT: Readers = {
    "equals": plain,
    "notequals": plain,
    "oneof": _list(plain),
    "notoneof": _list(plain),
    **dict.fromkeys(_PARTS, plain),
    **dict.fromkeys(_ORDER, _number),
    **_NULLS,
}
MOMENT: Readers = {
    "equals": moment,
    "notequals": moment,
    "oneof": _list(moment),
    "in": _range,
    **dict.fromkeys(_ORDER, moment),
    **_NULLS,
}


#: What the documentation calls the values of some kinds of field.
_FORMATS: dict[Callable[[str], Any], str] = {
    boolean: "boolean-filter",
    moment: "moment-filter",
}


class Filter(fields.List[Any]):
    """
    Conditions on one field: ``operator:value``, or a bare value for ``equals``.

    What looks like an unknown operator is part of the value.
    """

    def __init__(self, readers: Readers) -> None:
        self.readers = readers
        said = f"`operator:value`, or a value alone. Operators: {', '.join(readers)}."
        kind = _FORMATS.get(readers["equals"])
        inner = fields.String(metadata={"format": kind} if kind else {})
        super().__init__(inner, metadata={"description": said})

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        texts = super()._deserialize(value, attr, data, **kwargs)
        found = [self._condition(str(attr), str(text)) for text in texts]
        # An empty list of values is no condition.
        return [c for c in found if c.value != []]

    def _condition(self, name: str, text: str) -> Condition:
        word, colon, value = text.partition(":")
        if not colon or word not in self.readers:
            word, value = "equals", text
        return Condition(name, word, self.readers[word](value))


class _Order(NamedTuple):
    name: str
    descending: bool


class SortBy(fields.String):
    """``field``, ``asc:field`` or ``desc:field``."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        described = {
            "default": "created",
            "enum": [d + n for n in sorted(names) for d in ("", "asc:", "desc:")],
        }
        super().__init__(load_default=_Order("created", False), metadata=described)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        direction, colon, name = text.rpartition(":")
        known = direction in {"asc", "desc"} if colon else True
        if name not in self.names or not known:
            raise ValidationError(f"Must be one of {', '.join(sorted(self.names))}.")
        return _Order(name, direction == "desc")


class Query(NamedTuple):
    """What is wanted of a list, and whether with metadata."""

    listing: Listing
    hydrate: bool


class ListQuerySchema(Schema):
    """Which page is wanted, in which order; the filters are the subclass's."""

    hydrate = QueryBoolean(load_default=False)
    logical_operator = fields.String(
        load_default="and", validate=validate.OneOf(["and", "or"])
    )
    page = QueryInteger(load_default=1, validate=validate.Range(min=1))
    size = QueryInteger(load_default=20, validate=validate.Range(min=1, max=10000))

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Query:
        order = data["sort_by"]
        conditions = [
            condition
            for name, field in self.fields.items()
            if isinstance(field, Filter) and name != "service_account"
            for condition in data.get(name, ())
        ]
        listing = Listing(
            window=Window(data["size"], data["page"] - 1),
            sort=Sort(order.name, "id", order.descending),
            conditions=tuple(conditions),
            any_of=data["logical_operator"] == "or",
            strict=True,
        )
        return Query(listing, data["hydrate"])


class HydrateSchema(Schema):
    """Whether metadata is wanted."""

    hydrate = QueryBoolean(load_default=True)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> bool:
        hydrate: bool = data["hydrate"]
        return hydrate
