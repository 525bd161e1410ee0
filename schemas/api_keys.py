"""API keys of service accounts: snake_case, in envelopes."""

from functools import lru_cache
from typing import Any
from typing import cast

from marshmallow import EXCLUDE
from marshmallow import fields
from marshmallow import post_load

from keysvc.model import Change
from keysvc.model import Credential
from keysvc.model import Draft
from keysvc.model import ServiceAccount
from keysvc.schemas.answers import Whole
from keysvc.schemas.answers import Written
from keysvc.schemas.base import Schema
from keysvc.schemas.envelopes import EnvelopeSchema
from keysvc.schemas.envelopes import Metadata
from keysvc.schemas.envelopes import NaiveMoment
from keysvc.schemas.envelopes import PageSchema
from keysvc.schemas.envelopes import Shown
from keysvc.schemas.envelopes import told_naively
from keysvc.schemas.fields import StrictBoolean
from keysvc.schemas.fields import StrictInteger
from keysvc.schemas.fields import Text
from keysvc.schemas.filters import Filter
from keysvc.schemas.filters import MOMENT
from keysvc.schemas.lenient import NullIsAbsentSchema
from keysvc.schemas.limits import LimitsSchema
from keysvc.schemas.limits import MAX_GRACE
from keysvc.schemas.listings import COMMON
from keysvc.schemas.listings import ListQuerySchema
from keysvc.schemas.listings import SortBy
from keysvc.schemas.service_accounts import MAX_DESCRIPTION
from keysvc.schemas.service_accounts import PathName
from keysvc.schemas.service_accounts import ServiceAccountSchema


class _ApiKeyBodySchema(LimitsSchema, NullIsAbsentSchema):
    """What create and update share."""

    class Meta:
        unknown = EXCLUDE

    description = Text(maximum=MAX_DESCRIPTION, lines=True)


class ApiKeyDraftSchema(_ApiKeyBodySchema):
    """Body of create."""

    name = PathName(required=True)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Draft:
        return Draft(**data)


class ApiKeyChangeSchema(_ApiKeyBodySchema):
    """Body of update."""

    name = PathName()
    active = StrictBoolean(attribute="is_active")

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Change:
        return cast(Change, data)


class RotationSchema(Schema):
    """Body of rotate: for how long the old secret is good."""

    class Meta:
        unknown = EXCLUDE

    retain_period_minutes = StrictInteger(maximum=MAX_GRACE, load_default=0)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> int:
        minutes: int = data["retain_period_minutes"]

        return minutes


class ApiKeyQuerySchema(ListQuerySchema):
    """Which API keys are wanted."""

    last_login = Filter(MOMENT)
    last_rotated = Filter(MOMENT)
    service_account = fields.UUID(allow_none=True)
    sort_by = SortBy(COMMON | {"last_login", "last_rotated"})


_ACCOUNT = ServiceAccountSchema()


@lru_cache(maxsize=256)
def _told(account: ServiceAccount) -> Any:
    """Return the envelope of an account, made once for all the keys of a list."""
    return _ACCOUNT.dump(Shown(account, hydrate=False))


class ApiKeyBodySchema(Schema):
    """What is always shown of an API key; ``key`` only of a fresh one."""

    created = NaiveMoment(attribute="item.credential.created_at", required=True)
    updated = NaiveMoment(attribute="item.credential.updated_at", required=True)
    key = fields.String(attribute="item.secret", allow_none=True, required=True)
    active = fields.Boolean(attribute="item.credential.is_active", required=True)
    service_account = fields.Function(lambda shown: _told(shown.item.account))


class ApiKeyMetadataSchema(Schema):
    """What is shown of a hydrated API key."""

    description = fields.String(attribute="item.credential.description", required=True)
    retain_period_minutes = fields.Integer(
        attribute="item.credential.retain_minutes", required=True
    )
    last_login = NaiveMoment(attribute="item.credential.last_login_at", allow_none=True)
    last_rotated = NaiveMoment(attribute="item.credential.rotated_at", allow_none=True)
    retained_last_used = NaiveMoment(
        attribute="item.credential.retained_used_at", allow_none=True
    )
    expires_at = NaiveMoment(attribute="item.credential.expires_at", allow_none=True)
    scopes = fields.List(fields.String(), attribute="item.credential.scopes")
    allowed_ips = fields.List(fields.String(), attribute="item.credential.allowed_ips")
    rate_limit = fields.Integer(attribute="item.credential.rate_limit", allow_none=True)
    remaining = fields.Integer(attribute="item.credential.remaining", allow_none=True)


class ApiKeySchema(EnvelopeSchema):
    """One API key."""

    id = fields.UUID(attribute="item.credential.id", required=True)
    name = fields.String(attribute="item.credential.name", required=True)
    body = Whole(ApiKeyBodySchema)
    metadata = Metadata(ApiKeyMetadataSchema)


def _api_key(shown: Shown) -> dict[str, Any]:
    key, hydrated = shown.item.credential, shown.hydrate
    return {
        "id": str(key.id),
        "name": key.name,
        "resources": None,
        "permission_denied": False,
        "body": {
            "created": told_naively(key.created_at),
            "updated": told_naively(key.updated_at),
            "key": shown.item.secret,
            "active": key.is_active,
            "service_account": _told(shown.item.account),
        },
        "metadata": _metadata(key) if hydrated else None,
    }


def _metadata(key: Credential) -> dict[str, Any]:
    return {
        "description": key.description,
        "retain_period_minutes": key.retain_minutes,
        "last_login": told_naively(key.last_login_at),
        "last_rotated": told_naively(key.rotated_at),
        "retained_last_used": told_naively(key.retained_used_at),
        "expires_at": told_naively(key.expires_at),
        "scopes": key.scopes,
        "allowed_ips": key.allowed_ips,
        "rate_limit": key.rate_limit,
        "remaining": key.remaining,
    }


class ApiKeyPageSchema(PageSchema):
    """A page of API keys."""

    items = Written(ApiKeySchema, _api_key)
