"""Service accounts: snake_case, in envelopes."""

from typing import Any
from typing import cast
from uuid import UUID

from marshmallow import EXCLUDE
from marshmallow import fields
from marshmallow import post_load
from marshmallow import Schema
from marshmallow import ValidationError

from keysvc.model import AccountChange
from keysvc.model import AccountDraft
from keysvc.schemas.answers import Whole
from keysvc.schemas.envelopes import EnvelopeSchema
from keysvc.schemas.envelopes import Metadata
from keysvc.schemas.envelopes import NaiveMoment
from keysvc.schemas.envelopes import PageSchema
from keysvc.schemas.fields import Name
from keysvc.schemas.fields import StrictBoolean
from keysvc.schemas.fields import Text
from keysvc.schemas.filters import BOOLEAN
from keysvc.schemas.filters import Filter
from keysvc.schemas.filters import ID
from keysvc.schemas.filters import ListQuerySchema
from keysvc.schemas.filters import MOMENT
from keysvc.schemas.filters import SortBy
from keysvc.schemas.filters import TEXT
from keysvc.schemas.lenient import NullIsAbsentSchema
from keysvc.schemas.text import CLEAN_LINE

MAX_NAME, MAX_DESCRIPTION = 255, 65535

_DESCRIBED = {"pattern": CLEAN_LINE + r"(?![\s\S]*/)"}


class PathName(Name):
    """A name by which a path can call: no UUID, and without a slash."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(maximum=MAX_NAME, metadata=_DESCRIBED, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        name = super()._deserialize(value, attr, data, **kwargs)
        if "/" in name or _is_uuid(name):
            raise ValidationError("Must not be a UUID, or hold a slash.")
        return name


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


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

    id = Filter(ID)
    name = Filter(TEXT)
    description = Filter(TEXT)
    active = Filter(BOOLEAN)
    created = Filter(MOMENT)
    updated = Filter(MOMENT)
    external_user_id = Filter(ID)
    sort_by = SortBy(
        frozenset({"id", "name", "description", "active", "created", "updated"})
    )


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
