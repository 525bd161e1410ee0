"""Conditions of the API keys' wire: what each operator makes of its value."""

import json
import math
from collections.abc import Callable
from collections.abc import Mapping
from datetime import datetime
from datetime import UTC
from typing import Any
from uuid import UUID

from marshmallow import fields
from marshmallow import ValidationError

from keysvc.errors import Malformed
from keysvc.model import Condition
from keysvc.model.names import kept
from keysvc.schemas.fields import boolean
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


def name(text: str) -> str:
    """Spell a name, or a part of one, as it is kept."""
    return kept(plain(text))


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
        # To compare with a text, anything else has more than one spelling.
        if not all(type(item) in {str, int} for item in items):
            raise ValidationError("Must be a JSON list of texts or whole numbers.")
        return [read(str(item)) for item in items]

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


def _text(read: Callable[[str], str]) -> Readers:
    return {
        "equals": read,
        "notequals": read,
        "oneof": _list(read),
        "notoneof": _list(read),
        **dict.fromkeys(_PARTS, read),
        **dict.fromkeys(_ORDER, _number),
        **_NULLS,
    }


BOOLEAN: Readers = {"equals": boolean, "notequals": boolean, **_NULLS}
ID: Readers = {
    "equals": identifier,
    "notequals": identifier,
    "oneof": _list(identifier),
    "notoneof": _list(identifier),
    **dict.fromkeys(_PARTS, plain),
    **_NULLS,
}
TEXT: Readers = _text(plain)
NAME: Readers = _text(name)
MOMENT: Readers = {
    "equals": moment,
    "notequals": moment,
    "oneof": _list(moment),
    "in": _range,
    **dict.fromkeys(_ORDER, moment),
    **_NULLS,
}


#: How the documentation says what ``plain`` refuses.
_PLAIN = r"^[^\u0000]*$"

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
        described = {"format": kind} if kind else {"pattern": _PLAIN}
        inner = fields.String(metadata=described)
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
