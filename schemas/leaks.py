"""Reports of tokens that have leaked, and what is answered."""

from marshmallow import fields
from marshmallow import RAISE
from marshmallow import validate

from keysvc.schemas.base import Schema

MAX_TOKENS = 100


class LeakReportSchema(Schema):
    """
    What a scanner has found: tokens, keypairs as ``accessKey:secretKey``.

    Any text is taken: one that is no token is unknown, and the others count.
    """

    class Meta:
        unknown = RAISE

    tokens = fields.List(
        fields.String(), required=True, validate=validate.Length(1, MAX_TOKENS)
    )


class LeakSchema(Schema):
    """What a token was found to be, and whether it was ended now."""

    code = fields.String()
    id = fields.String(
        attribute="principal.principal_id", dump_default=None, allow_none=True
    )
    revoked = fields.Boolean()


class LeaksSchema(Schema):
    """One result for each token, in their order."""

    results = fields.List(fields.Nested(LeakSchema))
