"""camelCase on the wire, where a family wants it; snake_case behind it."""

from typing import Any

from marshmallow import fields

from keysvc.schemas.base import Schema


def camel(name: str) -> str:
    """Return a snake_case name in camelCase."""
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


class CamelCaseSchema(Schema):
    """Spell the names of fields in camelCase, unless one says how it is spelled."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Name a field as the wire does."""
        if field_obj.data_key is None:
            field_obj.data_key = camel(field_name)
