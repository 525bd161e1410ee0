"""The audit log: keyset pages of records."""

from typing import Any

from marshmallow import fields

from keysvc.schemas.base import Schema
from keysvc.schemas.fields import Moment
from keysvc.schemas.keysets import KeysetQuerySchema
from keysvc.schemas.spelling import camel
from keysvc.schemas.spelling import CamelCaseSchema


class AuditQuerySchema(KeysetQuerySchema):
    """Which records are wanted."""


class ActorSchema(Schema):
    """Who made the change: a kind of caller, and its id."""

    kind = fields.String()
    id = fields.String()


class Facts(fields.Dict):
    """Changed fields, their names spelled like everything else on this wire."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_none=True, **kwargs)

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        if value is None:
            return None
        return {camel(name): fact for name, fact in value.items()}


class AuditRecordSchema(CamelCaseSchema):
    """One change of state."""

    seq = fields.Integer()
    at = Moment()
    actor = fields.Nested(ActorSchema, attribute="entry.actor")
    ip = fields.String(attribute="entry.origin.address", allow_none=True)
    request_id = fields.String(attribute="entry.origin.request_id", allow_none=True)
    action = fields.String(attribute="entry.action")
    credential_id = fields.String(attribute="entry.credential_id", allow_none=True)
    before = Facts(attribute="entry.before")
    after = Facts(attribute="entry.after")


class AuditPageSchema(CamelCaseSchema):
    """A page of records, oldest first."""

    items = fields.List(fields.Nested(AuditRecordSchema))
    next_page_token = fields.String(allow_none=True)
