"""Errors as problem details (RFC 9457)."""

from marshmallow import fields
from marshmallow import validate

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


#: What Bird calls an error, by its status.
CODES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "ResourceNotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    413: "PayloadTooLarge",
    415: "UnsupportedMediaType",
    422: "ValidationFailed",
    429: "RateLimited",
    500: "InternalError",
    503: "Unavailable",
}


class CodeSchema(Schema):
    """What went wrong; ``details`` holds messages by the path of each field."""

    code = fields.String(required=True, validate=validate.OneOf(list(CODES.values())))
    message = fields.String(required=True)
    details = fields.Dict(
        keys=fields.String(), values=fields.List(fields.String()), required=True
    )


class DetailSchema(Schema):
    """What went wrong: a pair of the error's name and a message, or a message."""

    detail = fields.Raw(required=True)
