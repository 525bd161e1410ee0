"""Service accounts: snake_case, in envelopes."""

from typing import Any
from typing import cast
from uuid import UUID

from marshmallow import EXCLUDE
from marshmallow import fields
from marshmallow import post_load
from marshmallow import ValidationError

from keysvc.model import AccountChange
from keysvc.model import AccountDraft
from keysvc.model.names import reference_of
from keysvc.schemas.answers import Whole
from keysvc.schemas.base import Schema
from keysvc.schemas.envelopes import EnvelopeSchema
from keysvc.schemas.envelopes import Metadata
from keysvc.schemas.envelopes import NaiveMoment
from keysvc.schemas.envelopes import PageSchema
from keysvc.schemas.fields import Name
from keysvc.schemas.fields import StrictBoolean
from keysvc.schemas.fields import Text
from keysvc.schemas.filters import Filter
from keysvc.schemas.filters import ID
from keysvc.schemas.lenient import NullIsAbsentSchema
from keysvc.schemas.listings import ListQuerySchema
from keysvc.schemas.text import CLEAN_LINE

MAX_NAME, MAX_DESCRIPTION = 255, 65535

_DESCRIBED = {"pattern": CLEAN_LINE + r"(?![\s\S]*/)(?!\.{1,2}$)"}

#: What a client makes another path of, before it sends it.
_PLACES = {"", ".", ".."}

_UNREACHABLE = "Must not be empty, a UUID, one or two dots, or hold a slash."


class PathName(Name):
    """A name by which a path can call: no UUID, no dots alone, and without a slash."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(maximum=MAX_NAME, metadata=_DESCRIBED, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        name = reference_of(super()._deserialize(value, attr, data, **kwargs))
        if isinstance(name, UUID) or name in _PLACES or "/" in name:
            raise ValidationError(_UNREACHABLE)
        return name


class ServiceAccountDraftSchema(NullIsAbsentSchema):
    """Body of create."""

    class Meta:
        unknown = EXCLUDE

    name = PathName(required=True)
    active = StrictBoolean(attribute="is_active", required=True)
    description = Text(maximum=MAX_DESCRIPTION, lines=True)
    full_name = Text(maximum=255)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> AccountDraft:
        return AccountDraft(**data)


class ServiceAccountChangeSchema(NullIsAbsentSchema):
    """Body of update; null is as good as absent."""

    class Meta:
        unknown = EXCLUDE

    name = PathName()
    active = StrictBoolean(attribute="is_active")
    description = Text(maximum=MAX_DESCRIPTION, lines=True)
    full_name = Text(maximum=255)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> AccountChange:
        return cast(AccountChange, data)


class ServiceAccountQuerySchema(ListQuerySchema):
    """Which service accounts are wanted."""

    external_user_id = Filter(ID)


class ServiceAccountBodySchema(Schema):
    """What is always shown of a service account."""

    created = NaiveMoment(attribute="item.created_at", required=True)
    updated = NaiveMoment(attribute="item.updated_at", required=True)
    full_name = fields.String(attribute="item.full_name", required=True)
    active = fields.Boolean(attribute="item.is_active", required=True)
    avatar_url = fields.Constant(None)


class ServiceAccountMetadataSchema(Schema):
    """What is shown of a hydrated service account."""

    description = fields.String(attribute="item.description", required=True)
    external_user_id = fields.UUID(attribute="item.external_user_id", allow_none=True)


class ServiceAccountSchema(EnvelopeSchema):
    """One service account."""

    body = Whole(ServiceAccountBodySchema)
    metadata = Metadata(ServiceAccountMetadataSchema)


class ServiceAccountPageSchema(PageSchema):
    """A page of service accounts."""

    items = fields.List(fields.Nested(ServiceAccountSchema))
