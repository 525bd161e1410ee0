"""Errors as problem details (RFC 9457)."""

from marshmallow import fields

from keysvc.schemas.base import Schema


class ProblemSchema(Schema):
    """What went wrong; ``errors`` holds messages by the path of each field."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    errors = fields.Dict(
        keys=fields.String(), values=fields.List(fields.String()), required=False
    )


class DetailSchema(Schema):
    """What went wrong: a pair of the error's name and a message, or a message."""

    detail = fields.Raw(required=True)
