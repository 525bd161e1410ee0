"""Lists that are read part by part, each from the page token of the one before."""

from typing import Any

from marshmallow import fields
from marshmallow import post_load
from marshmallow import validate

from keysvc.model import Keyset
from keysvc.schemas.fields import QueryInteger
from keysvc.schemas.spelling import CamelCaseSchema


def limit_of(default: int) -> QueryInteger:
    """Return the field that says how long a part may be."""
    return QueryInteger(load_default=default, validate=validate.Range(min=1, max=100))


class KeysetQuerySchema(CamelCaseSchema):
    """Which part of a list is wanted."""

    limit = limit_of(20)
    token = fields.String(
        data_key="pageToken", load_default=None, metadata={"format": "page-token"}
    )

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Keyset:
        return Keyset(**data)
