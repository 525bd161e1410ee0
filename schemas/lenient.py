"""Schemas for which null is as good as absent, and how to describe them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import pre_load

from keysvc.schemas.base import Schema


class NullIsAbsentSchema(Schema):
    """Take no notice of the optional fields that are null."""

    @pre_load
    def ignore_nulls(self, data: Any, **kwargs: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        optional = {f.data_key or n for n, f in self.fields.items() if not f.required}
        return {n: v for n, v in data.items() if v is not None or n not in optional}

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
