"""The audit log: keyset pages of records."""

from typing import Any

from marshmallow import fields
from marshmallow import Schema
from marshmallow import validate

from keysvc.schemas.fields import Moment


class AuditQuerySchema(Schema):
    """Which records are wanted."""

    limit = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))
    page_token = fields.String(data_key="pageToken", load_default=None)


class ActorSchema(Schema):
    """Who made the change: a kind of caller, and its id."""

    kind = fields.String()
    id = fields.String()


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
    before = fields.Function(lambda record: _camel(record.entry.before))
    after = fields.Function(lambda record: _camel(record.entry.after))


class AuditPageSchema(Schema):
    """A page of records, oldest first."""

    items = fields.List(fields.Nested(AuditRecordSchema))
    next_page_token = fields.String(data_key="nextPageToken", allow_none=True)


def _camel(facts: dict[str, Any] | None) -> dict[str, Any] | None:
    """Spell the names of changed fields like everything else on this wire."""
    if facts is None:
        return None
    return {
        "".join(w.title() if i else w for i, w in enumerate(name.split("_"))): value
        for name, value in facts.items()
    }
