"""Credentials of all families as the core tells them: camelCase, by page token."""

from collections.abc import Callable
from typing import Any
from typing import NamedTuple

from marshmallow import fields
from marshmallow import post_load
from marshmallow import RAISE
from marshmallow import validate
from marshmallow import ValidationError

from keysvc.model import Actor
from keysvc.model import Credential
from keysvc.model import Keyset
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Search
from keysvc.schemas.answers import Written
from keysvc.schemas.audit import ActorSchema
from keysvc.schemas.base import Schema
from keysvc.schemas.fields import Moment
from keysvc.schemas.fields import StrictBoolean
from keysvc.schemas.fields import StrictInteger
from keysvc.schemas.fields import Text
from keysvc.schemas.fields import told
from keysvc.schemas.keysets import KeysetQuerySchema
from keysvc.schemas.limits import MAX_GRACE
from keysvc.schemas.spans import Span
from keysvc.schemas.spelling import CamelCaseSchema
from keysvc.schemas.text import CLEAN_LINE
from keysvc.schemas.verification import OwnerSchema

#: The longest id of an owner or a creator, in characters.
MAX_ID = 255

#: Who can own a credential, and who can have created one.
OWNERS = tuple(kind.value for kind in OwnerKind if kind is not OwnerKind.OPERATOR)
CREATORS = (*(kind.value for kind in Kind), OwnerKind.OPERATOR.value, "cli")


class Pair(fields.String):
    """A kind and an id, ``user:alice``."""

    def __init__(self, kinds: tuple[str, ...], **kwargs: Any) -> None:
        # Any character after the colon, but those that no id has.
        pattern = rf"{CLEAN_LINE}({'|'.join(kinds)}):[\s\S]{{1,{MAX_ID}}}(?![\s\S])"
        error = f"Must look like {kinds[0]}:ID; kinds are {', '.join(kinds)}."
        rule = validate.Regexp(pattern, error=error)
        super().__init__(validate=rule, **kwargs)


def owner_of(pair: str) -> Owner:
    """Return the owner that ``user:alice`` names."""
    kind, _, id_ = pair.partition(":")
    return Owner(OwnerKind(kind), id_)


def creator_of(pair: str) -> Actor:
    """Return the creator that ``operator:...`` names."""
    kind, _, id_ = pair.partition(":")
    return Actor(kind, id_)


class CredentialQuerySchema(KeysetQuerySchema):
    """Which credentials are wanted."""

    kind = fields.String(validate=validate.OneOf([*Kind]))
    owner = Pair(OWNERS)
    created_by = Pair(CREATORS)
    unused_for = Span()
    expires_within = Span()

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Any:
        keyset = Keyset(data.pop("limit"), data.pop("token"))
        terms = {name: _READ.get(name, _same)(term) for name, term in data.items()}
        return Search(keyset=keyset, **terms)


def _same(term: Any) -> Any:
    return term


_READ: dict[str, Callable[[Any], Any]] = {
    "kind": Kind,
    "owner": owner_of,
    "created_by": creator_of,
}


class CredentialSchema(CamelCaseSchema):
    """One credential of any family; never its secret."""

    kind = fields.String(required=True, validate=validate.OneOf([*Kind]))
    id = fields.String(attribute="wire_id", required=True)
    owner = fields.Nested(OwnerSchema, required=True)
    name = fields.String(required=True)
    description = fields.String(required=True)
    active = fields.Boolean(attribute="is_active", required=True)
    scopes = fields.List(fields.String(), required=True)
    created_at = Moment(required=True)
    created_by = fields.Nested(ActorSchema, required=True)
    expires_at = Moment(allow_none=True, required=True)
    last_used_at = Moment(allow_none=True, required=True)
    total_queries = fields.Integer(required=True)
    rotated_at = Moment(allow_none=True, required=True)
    grace_until = Moment(attribute="retained_until", allow_none=True, required=True)
    grace_used_at = Moment(attribute="retained_used_at", allow_none=True, required=True)


def written(credential: Credential) -> dict[str, Any]:
    """Return what the fields above say, written out."""
    return {
        "kind": credential.kind.value,
        "id": credential.wire_id,
        "owner": credential.owner._asdict(),
        "name": credential.name,
        "description": credential.description,
        "active": credential.is_active,
        "scopes": credential.scopes,
        "createdAt": told(credential.created_at),
        "createdBy": credential.created_by._asdict(),
        "expiresAt": told(credential.expires_at),
        "lastUsedAt": told(credential.last_used_at),
        "totalQueries": credential.total_queries,
        "rotatedAt": told(credential.rotated_at),
        "graceUntil": told(credential.retained_until),
        "graceUsedAt": told(credential.retained_used_at),
    }


class CredentialPageSchema(CamelCaseSchema):
    """A page of credentials, oldest first."""

    items = Written(CredentialSchema, written)
    next_page_token = fields.String(allow_none=True)


class _BodySchema(CamelCaseSchema):
    class Meta:
        unknown = RAISE


class GraceSchema(_BodySchema):
    """Body of rotate: for how many minutes the old secret is good."""

    grace_minutes = StrictInteger(maximum=MAX_GRACE, load_default=0)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> int:
        minutes: int = data["grace_minutes"]
        return minutes


class RotatedSchema(Schema):
    """A keypair or an API key with its new secret, shown this one time."""

    def describe(self, described: dict[str, Any]) -> dict[str, Any]:
        """Say that it is what the family answers to a create."""
        of = "#/components/schemas/"
        return {"anyOf": [{"$ref": of + name} for name in ("IssuedKeypair", "ApiKey")]}


class _OwnerBodySchema(_BodySchema):
    kind = fields.String(required=True, validate=validate.OneOf(OWNERS))
    id = Text(minimum=1, maximum=MAX_ID, required=True)


class _CreatorBodySchema(_BodySchema):
    kind = fields.String(required=True, validate=validate.OneOf(CREATORS))
    id = Text(minimum=1, maximum=MAX_ID, required=True)


class Deactivation(NamedTuple):
    """What is to be switched off: all of an owner, or all that an actor created."""

    group: Owner | Actor
    dry_run: bool


class DeactivationSchema(_BodySchema):
    """Body of deactivate: one of the two."""

    owner = fields.Nested(_OwnerBodySchema)
    created_by = fields.Nested(_CreatorBodySchema)
    dry_run = StrictBoolean(load_default=False)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Deactivation:
        if ("owner" in data) is ("created_by" in data):
            raise ValidationError("Give owner or createdBy; one of them.")
        if "owner" in data:
            kind, id_ = data["owner"]["kind"], data["owner"]["id"]
            return Deactivation(Owner(OwnerKind(kind), id_), data["dry_run"])
        return Deactivation(Actor(**data["created_by"]), data["dry_run"])

    def describe(self, described: dict[str, Any]) -> dict[str, Any]:
        """Say that it is one of the two."""
        ways = [{"required": ["owner"]}, {"required": ["createdBy"]}]
        return described | {"oneOf": ways}


class DeactivatedSchema(CamelCaseSchema):
    """The ids of what was switched off, or would be."""

    ids = fields.List(fields.String(), required=True)
