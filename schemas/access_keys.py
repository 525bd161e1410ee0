"""Access keys of organizations: camelCase, lists by page token."""

from typing import Any
from typing import cast

from marshmallow import fields
from marshmallow import post_load
from marshmallow import validate
from marshmallow import ValidationError

from keysvc.model import Change
from keysvc.model import Credential
from keysvc.model import Draft
from keysvc.schemas.answers import Computed
from keysvc.schemas.answers import Written
from keysvc.schemas.base import Schema
from keysvc.schemas.fields import Moment
from keysvc.schemas.fields import Name
from keysvc.schemas.fields import QueryBoolean
from keysvc.schemas.fields import StrictBoolean
from keysvc.schemas.fields import Text
from keysvc.schemas.fields import told
from keysvc.schemas.keysets import KeysetQuerySchema
from keysvc.schemas.keysets import limit_of
from keysvc.schemas.lenient import NullIsAbsentSchema
from keysvc.schemas.limits import LimitsSchema
from keysvc.schemas.spelling import CamelCaseSchema

#: In characters; an organization's after decoding.
MAX_NAME, MAX_DESCRIPTION, MAX_ORGANIZATION = 256, 256, 128

MAX_ROLES = 5

_TYPES = ("user", "managed")
_ROLE_TYPE = "organization"


class RoleRefSchema(Schema):
    """A role, and where it is defined."""

    id = fields.UUID(required=True)
    type = fields.String(required=True, validate=validate.Equal(_ROLE_TYPE))


class _AccessKeyBodySchema(CamelCaseSchema, LimitsSchema, NullIsAbsentSchema):
    """What create and update share; the roles can be told in two ways."""

    active = StrictBoolean(attribute="is_active")
    role_ids = fields.List(
        fields.UUID(),
        validate=validate.Length(1, MAX_ROLES),
        metadata={"deprecated": True},
    )
    role_refs = fields.List(
        fields.Nested(RoleRefSchema), validate=validate.Length(1, MAX_ROLES)
    )


class AccessKeyDraftSchema(_AccessKeyBodySchema):
    """Body of create."""

    name = Name(maximum=MAX_NAME, required=True)
    description = Text(minimum=1, maximum=MAX_DESCRIPTION, lines=True, required=True)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Draft:
        return Draft(**_with_roles(data))


class AccessKeyChangeSchema(_AccessKeyBodySchema):
    """Body of update."""

    name = Name(maximum=MAX_NAME)
    description = Text(minimum=1, maximum=MAX_DESCRIPTION, lines=True)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Change:
        return cast(Change, _with_roles(data))


def _with_roles(data: dict[str, Any]) -> dict[str, Any]:
    """Put the roles, told in either way or in both alike, where they are kept."""
    given = [
        [str(role) for role in data.pop("role_ids", ())],
        [str(role["id"]) for role in data.pop("role_refs", ())],
    ]
    if all(given) and len({frozenset(roles) for roles in given}) > 1:
        raise ValidationError({"roleRefs": ["Must hold the same roles as roleIds."]})
    roles = list(dict.fromkeys(given[1] or given[0]))
    return data | ({"attributes": {"role_ids": roles}} if roles else {})


class AccessKeyQuerySchema(KeysetQuerySchema):
    """Which access keys are wanted."""

    limit = limit_of(10)
    descending = QueryBoolean(data_key="reverse", load_default=False)


class _AccessKeyRecordSchema(CamelCaseSchema):
    """What only this family tells of a credential."""

    id = fields.UUID(required=True)
    organization_id = fields.String(attribute="owner.id", required=True)
    name = fields.String(required=True)
    type = fields.Function(
        lambda key: _type(key), metadata={"type": "string", "enum": _TYPES}
    )
    description = fields.String()
    suffix = fields.String(attribute="attributes.suffix", required=True)
    last_used_at = Moment(allow_none=True)
    created_at = Moment(required=True)
    updated_at = Moment()
    role_ids = Computed(
        lambda key: _roles(key), fields.UUID(), metadata={"deprecated": True}
    )
    role_refs = Computed(lambda key: _role_refs(key), fields.Nested(RoleRefSchema))
    active = fields.Boolean(attribute="is_active")


class AccessKeySchema(LimitsSchema, _AccessKeyRecordSchema):
    """One access key."""


def _type(key: Credential) -> str:
    return _TYPES[key.is_managed]


def _roles(key: Credential) -> list[str]:
    roles: list[str] = key.attributes.get("role_ids", [])
    return roles


def _role_refs(key: Credential) -> list[dict[str, str]]:
    return [{"id": role, "type": _ROLE_TYPE} for role in _roles(key)]


def _access_key(key: Credential) -> dict[str, Any]:
    return {
        "id": str(key.id),
        "organizationId": key.owner.id,
        "name": key.name,
        "type": _type(key),
        "description": key.description,
        "suffix": key.attributes["suffix"],
        "lastUsedAt": told(key.last_used_at),
        "createdAt": told(key.created_at),
        "updatedAt": told(key.updated_at),
        "roleIds": _roles(key),
        "roleRefs": _role_refs(key),
        "active": key.is_active,
        "expiresAt": told(key.expires_at),
        "scopes": key.scopes,
        "allowedIps": key.allowed_ips,
        "rateLimit": key.rate_limit,
        "remaining": key.remaining,
    }


class IssuedAccessKeySchema(CamelCaseSchema):
    """The one time the token is shown."""

    access_key = fields.Nested(AccessKeySchema, attribute="credential", required=True)
    token = fields.String(attribute="secret", required=True)


class AccessKeyPageSchema(CamelCaseSchema):
    """A page of access keys; the token of the page after the last one is empty."""

    results = Written(AccessKeySchema, _access_key, attribute="items", required=True)
    next_page_token = fields.Function(
        lambda cut: cut.next_page_token or "", metadata={"type": "string"}
    )
