"""NAME=VALUE, read through the schemas of the API: a shell and curl take the same."""

import json
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import click
from marshmallow import fields
from marshmallow import Schema
from marshmallow import ValidationError

from keysvc.errors import Invalid

#: Names whose value is a list with commas, a text as it is, nothing where it is empty.
_LISTS = {"scopes", "allowedIps", "allowed_ips", "roleIds"}
_TEXTS = {
    *("description", "name", "full_name"),
    *("cost.dailyLimit", "expiresAt", "expires_at"),
}
_CLEARED = {"expiresAt", "expires_at", "rateLimit", "rate_limit", "remaining"}

properties_argument = click.argument("properties", nargs=-1, metavar="[NAME=VALUE]...")


def given(properties: Iterable[str]) -> dict[str, Any]:
    """
    Take NAME=VALUE apart.

    Raises:
        Invalid: If one does not look so, or a name is given twice.
    """
    found: dict[str, Any] = {}
    for name, value in map(_pair, properties):
        if name in found:
            raise Invalid(fields={name: ["Given twice."]})
        found[name] = value
    return found


def load(schema: Schema, data: Mapping[str, Any]) -> Any:
    """Read *data* by *schema*; what is wrong is told by the names that were typed."""
    try:
        return schema.load(data)
    except ValidationError as error:
        messages: Any = error.messages
        wrong = messages.get("props", messages)
        raise Invalid(fields={k: _said(v) for k, v in wrong.items()}) from None


def read(field: fields.Field[Any], value: Any, name: str) -> Any:
    """Return *value* as *field* reads it; an error names *name*."""
    try:
        return field.deserialize(value)
    except ValidationError as error:
        raise Invalid(fields={name: _said(error.messages)}) from None


def words(text: str) -> list[str]:
    """Take a list with commas apart."""
    return [word for word in text.split(",") if word]


def _said(messages: Any) -> list[str]:
    """Return what is wrong with a property: of a list, with each of its items."""
    if isinstance(messages, Mapping):
        return [said for inner in messages.values() for said in _said(inner)]
    return [str(message) for message in messages]


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Invalid(fields={text: ["Must look like NAME=VALUE."]})
    if name in _LISTS:
        return name, words(value)
    if not value and name in _CLEARED:
        return name, None
    return name, value if name in _TEXTS else _plain(value)


def _plain(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
