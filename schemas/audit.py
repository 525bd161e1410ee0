"""The audit log: keyset pages of records."""

from typing import Any

from marshmallow import fields
from marshmallow import RAISE
from marshmallow import validate

from keysvc.schemas.base import Schema
from keysvc.schemas.fields import Moment
from keysvc.schemas.fields import QueryInteger


class AuditQuerySchema(Schema):
    """Which records are wanted."""

    class Meta:
        unknown = RAISE

    limit = QueryInteger(load_default=20, validate=validate.Range(min=1, max=100))
    page_token = fields.String(
        data_key="pageToken", load_default=None, metadata={"format": "page-token"}
    )


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
        return {
            "".join(w.title() if i else w for i, w in enumerate(name.split("_"))): fact
            for name, fact in value.items()
        }


class AuditRecordSchema(Schema):
    """One change of state."""

    seq = fields.Integer()
    at = Moment()
    actor = fields.Nested(ActorSchema, attribute="entry.actor")
    ip = fields.String(attribute="entry.origin.address", allow_none=True)
    request_id = fields.String(
        data_key="requestId", attribute="entry.origin.request_id", allow_none=True
    )
    action = fields.String(attribute="entry.action")
    credential_id = fields.String(
        data_key="credentialId", attribute="entry.credential_id", allow_none=True
    )
    before = Facts(attribute="entry.before")
    after = Facts(attribute="entry.after")


class AuditPageSchema(Schema):
    """A page of records, oldest first."""

    items = fields.List(fields.Nested(AuditRecordSchema))
    next_page_token = fields.String(data_key="nextPageToken", allow_none=True)
