"""What the service says of itself."""

from marshmallow import fields

from keysvc.schemas.base import Schema


class StatusSchema(Schema):
    """Whether it can answer, and to those who may know, why not."""

    status = fields.String(required=True)
    reason = fields.String()


class IndexSchema(Schema):
    """What this is, and which version of Backend.AI's API it speaks."""

    service = fields.String(required=True)
    release = fields.String(required=True)
    version = fields.String(required=True)
    docs = fields.String(required=True)
