"""Schemas for which null is as good as absent, and how to describe them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import pre_load

from keysvc.schemas.base import Schema


class NullIsAbsentSchema(Schema):
    """Take no notice of nulls, but where null means something, or a field must be."""

    @pre_load
    def ignore_nulls(self, data: Any, **kwargs: Any) -> Any:
        return without_nulls(data, self) if isinstance(data, Mapping) else data

    def describe(self, described: dict[str, Any]) -> dict[str, Any]:
        """Say of the JSON schema's optional members that they may be null."""
        required = described.get("required", ())
        members = described["properties"]
        return described | {
            "properties": {
                name: member if name in required else nullable(member)
                for name, member in members.items()
            }
        }


def without_nulls(data: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return *data* without the nulls that are as good as absent to *schema*."""
    ignored = {
        field.data_key or name
        for name, field in schema.fields.items()
        if not (field.required or field.allow_none)
    }
    return {n: v for n, v in data.items() if v is not None or n not in ignored}


def nullable(member: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON schema *member* or null."""
    if "$ref" in member or "enum" in member:
        return {"anyOf": [member, {"type": "null"}]}
    kinds = member.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return member | {"type": [*kinds, *({"null"} - set(kinds))]}


def both(*paths: list[str]) -> dict[str, Any]:
    """Describe an object in which each of *paths* leads to a value."""
    return {"allOf": [_given(*path) for path in paths]}


def _given(name: str, *rest: str) -> dict[str, Any]:
    inner = _given(*rest) if rest else {"not": {"type": "null"}}
    return {"type": "object", "required": [name], "properties": {name: inner}}
