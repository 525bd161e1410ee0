"""Questions about credentials, and what is answered."""

import binascii
from base64 import b64decode
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from marshmallow import fields
from marshmallow import missing
from marshmallow import post_load
from marshmallow import RAISE
from marshmallow import validate
from marshmallow import ValidationError

from keysvc.model import Code
from keysvc.model import KINDS
from keysvc.model import Verdict
from keysvc.schemas.base import Schema
from keysvc.schemas.fields import Moment
from keysvc.schemas.fields import Scopes
from keysvc.schemas.fields import StrictInteger
from keysvc.schemas.fields import Text
from keysvc.schemas.fields import told
from keysvc.schemas.spelling import CamelCaseSchema

#: What a question can present: exactly one of these.
_WAYS = (("token",), ("accessKey", "secretKey"), ("signed",))
_PRESENTED = ("token", "access_key", "secret_key", "signed")

MAX_QUESTIONS = 100

_ADDRESS = {"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}

#: Of what has not proven itself nothing is told.
_UNTOLD: dict[str, Any] = {"dump_default": None, "allow_none": True}


_NOTHING: dict[str, Any] = {
    **dict.fromkeys(["kind", "id", "owner", "name"]),
    "scopes": (),
    "roleIds": (),
    "expiresAt": None,
}


class Base64(fields.String):
    """Bytes in base64 (RFC 4648)."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise ValidationError("Must be base64.") from None


class _QuestionSchema(CamelCaseSchema):
    class Meta:
        unknown = RAISE


class SignedSchema(_QuestionSchema):
    """A signed request, as somebody has received it."""

    method = Text(maximum=32, required=True)
    target = Text(maximum=8192, required=True)
    headers = fields.Dict(
        keys=Text(maximum=128), values=Text(maximum=8192), required=True
    )
    body = Base64(load_default=b"", metadata={"format": "byte"})


class QuestionSchema(_QuestionSchema):
    """Whether a token, a keypair or a signed request is good for what is demanded."""

    token = Text(maximum=512)
    access_key = Text(maximum=64)
    secret_key = Text(maximum=512)
    signed = fields.Nested(SignedSchema)
    kinds = fields.List(
        fields.String(validate=validate.OneOf(KINDS)),
        load_default=(),
        validate=validate.Length(max=len(KINDS)),
    )
    scopes = Scopes(load_default=())
    ip = fields.IP(load_default=None, metadata=_ADDRESS)
    cost = StrictInteger(maximum=1_000_000, load_default=1)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._by_key = {f.data_key: (name, f) for name, f in self.load_fields.items()}
        defaults = ((name, f.load_default) for name, f in self.load_fields.items())
        self._absent = {n: value for n, value in defaults if value is not missing}

    def load(
        self,
        data: Any,
        *,
        many: bool | None = None,
        partial: Any = None,
        unknown: Any = None,
    ) -> Any:
        """
        Return what *data* asks, read by those fields alone that it gives.

        It is asked for most often, and most fields are absent. What one of them
        refuses is read again, for all that is wrong to be told.
        """
        if not (many or partial or unknown) and isinstance(data, dict):
            with suppress(KeyError, ValidationError):
                return self.check(self._absent | dict(self._given(data)))
        return super().load(data, many=many, partial=partial, unknown=unknown)

    def _given(self, data: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        for key, value in data.items():
            name, field = self._by_key[key]
            yield name, field.deserialize(value, key, data)

    @post_load
    def check(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        given = [name for name in _PRESENTED if name in data]
        if given not in (["token"], ["access_key", "secret_key"], ["signed"]):
            raise ValidationError(
                "Give token, or accessKey and secretKey, or signed; one of them."
            )
        return data

    def describe(self, described: dict[str, Any]) -> dict[str, Any]:
        """Say that a question presents one thing."""
        return described | {"oneOf": [_only(way) for way in _WAYS]}


def _only(way: Sequence[str]) -> dict[str, Any]:
    nothing: dict[str, Any] = {"not": {}}
    others = {name: nothing for other in _WAYS for name in other if name not in way}
    return {"required": list(way), "properties": others}


class QuestionsSchema(_QuestionSchema):
    """Several questions at once."""

    questions = fields.List(
        fields.Nested(QuestionSchema),
        required=True,
        validate=validate.Length(1, MAX_QUESTIONS),
    )


class OwnerSchema(Schema):
    """Whom a credential belongs to."""

    kind = fields.String()
    id = fields.String()


class VerdictSchema(CamelCaseSchema):
    """What was found; beyond ``UNKNOWN`` only of what has proven itself."""

    valid = fields.Function(
        lambda verdict: verdict.code == "VALID", metadata={"type": "boolean"}
    )
    code = fields.String()
    kind = fields.String(attribute="principal.principal_kind", **_UNTOLD)
    id = fields.String(attribute="principal.principal_id", **_UNTOLD)
    owner = fields.Nested(OwnerSchema, attribute="principal.owner", **_UNTOLD)
    name = fields.String(attribute="principal.name", **_UNTOLD)
    scopes = fields.List(fields.String(), attribute="principal.scopes", dump_default=())
    role_ids = fields.List(
        fields.String(),
        attribute="principal.role_ids",
        dump_default=(),
    )
    expires_at = Moment(attribute="principal.expires_at", **_UNTOLD)
    remaining = fields.Integer(attribute="charge.remaining", allow_none=True)
    reset_at = Moment(attribute="charge.reset_at", allow_none=True)

    def dump(self, obj: Verdict, *, many: bool | None = None) -> dict[str, Any]:
        """Return what the fields above say, written out: it is asked for most often."""
        _, principal, _, charge = obj
        said: dict[str, Any] = {"valid": obj.code is Code.VALID, "code": obj.code.value}
        if principal is None:
            said |= _NOTHING
        else:
            said |= {
                "kind": principal.principal_kind,
                "id": principal.principal_id,
                "owner": principal.owner._asdict(),
                "name": principal.name,
                "scopes": principal.scopes,
                "roleIds": principal.role_ids,
                "expiresAt": told(principal.expires_at),
            }
        return said | {
            "remaining": charge.remaining,
            "resetAt": told(charge.reset_at),
        }


class VerdictsSchema(Schema):
    """One answer for each question, in their order."""

    answers = fields.List(fields.Nested(VerdictSchema))
