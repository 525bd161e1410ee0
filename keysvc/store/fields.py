"""Columns that hold the same thing on SQLite and PostgreSQL."""

import json
import re
from datetime import datetime
from datetime import UTC
from typing import Any

import peewee

#: What a text must look like to be compared as a number, on either engine.
NUMBER = r"^[+-]?[0-9]{1,60}(\.[0-9]{1,60})?([eE][+-]?[0-9]{1,2})?$"


class UtcDateTimeField(peewee.DateTimeField):
    """
    A moment, always in UTC.

    SQLite keeps text: one zone and six digits make its order the order of time.
    """

    field_type = "TIMESTAMPTZ"

    def db_value(self, value: Any) -> Any:
        if value is None or isinstance(value, peewee.Node):
            return value
        if value.tzinfo is None:
            raise ValueError("a moment needs a zone")
        return value.astimezone(UTC).isoformat(" ", "microseconds")

    def python_value(self, value: Any) -> datetime | None:
        return moment(value)


class JsonTextField(peewee.TextField):
    """
    A JSON document, kept as text that reads the same on both engines.

    Peewee's own ``JSONField`` is JSONB on PostgreSQL: it reorders what the audit's
    chain has signed.
    """

    def db_value(self, value: Any) -> Any:
        if value is None or isinstance(value, peewee.Node):
            return value
        return dumps(value)

    def python_value(self, value: Any) -> Any:
        return None if value is None else json.loads(value)


def dumps(value: Any) -> str:
    """Return the one JSON text that stands for *value*."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def moment(value: datetime | str | None) -> datetime | None:
    """Return what ``known_moment`` does, or None for None."""
    return None if value is None else known_moment(value)


def known_moment(value: datetime | str) -> datetime:
    """
    Return what a driver gave for a moment, as a moment in UTC.

    Raises:
        ValueError: If nobody here can have written it.
    """
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else value
        return read.astimezone(UTC)
    except (AttributeError, TypeError, OverflowError):
        raise ValueError("not a moment") from None


def number(text: str) -> float | None:
    """Return the number that *text* is, or None: SQLite's ``keysvc_number``."""
    return float(text) if re.fullmatch(NUMBER.rstrip("$"), text) else None
