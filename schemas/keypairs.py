"""Keypairs: camelCase, dotted property names, a paging object in the body."""

from collections.abc import Sequence
from typing import Any
from typing import cast
from typing import NamedTuple

from marshmallow import fields
from marshmallow import post_load
from marshmallow import validate
from marshmallow import ValidationError

from keysvc.model import Change
from keysvc.model import Credential
from keysvc.model import Draft
from keysvc.model import Listing
from keysvc.model import Window
from keysvc.schemas.answers import Computed
from keysvc.schemas.answers import Whole
from keysvc.schemas.answers import Written
from keysvc.schemas.base import Schema
from keysvc.schemas.fields import Moment
from keysvc.schemas.fields import StrictBoolean
from keysvc.schemas.fields import StrictInteger
from keysvc.schemas.fields import told
from keysvc.schemas.keypair_properties import FIELDS
from keysvc.schemas.keypair_properties import HISTORICAL
from keysvc.schemas.keypair_properties import KeypairPropertiesSchema
from keysvc.schemas.keypair_properties import PROPERTIES
from keysvc.schemas.lenient import both
from keysvc.schemas.lenient import NullIsAbsentSchema
from keysvc.schemas.spelling import CamelCaseSchema


class KeypairDraftSchema(CamelCaseSchema, NullIsAbsentSchema):
    """Body of create."""

    is_active = StrictBoolean()
    props = fields.Nested(KeypairPropertiesSchema, load_default=dict)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Draft:
        props = data.pop("props")
        if data.keys() & props.keys():
            raise ValidationError({"isActive": ["Given twice."]})
        return Draft(**props, **data)

    def describe(self, described: dict[str, Any]) -> dict[str, Any]:
        """Say that isActive is given in one place, or in the other."""
        twice = both(["isActive"], ["props", "isActive"])
        return super().describe(described) | {"not": twice}


class KeypairChangeSchema(Schema):
    """Body of update."""

    props = fields.Nested(KeypairPropertiesSchema, required=True)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Change:
        return cast(Change, data["props"])


class PagingQuerySchema(NullIsAbsentSchema):
    """Which page of keypairs is wanted; size 0 is all of them."""

    limit = StrictInteger(data_key="size", load_default=0)
    index = StrictInteger(load_default=0)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Window:
        return Window(**data)


class KeypairQuerySchema(NullIsAbsentSchema):
    """Body of REPORT."""

    paging = fields.Nested(PagingQuerySchema, load_default=Window)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Listing:
        return Listing(data["paging"])


class KeypairKeysSchema(Schema):
    """Which properties are asked for: names, in the order of the answer."""

    keys = fields.List(
        fields.String(
            validate=validate.OneOf(
                sorted({*PROPERTIES, *HISTORICAL}),
                error="{input} is no property. There are: {choices}.",
            )
        ),
        required=True,
        validate=validate.Length(min=1, error="Name at least one property."),
    )

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> list[str]:
        return cast(list[str], data["keys"])


class Selection(NamedTuple):
    """A credential, and the names of the properties that were asked for."""

    credential: Credential
    names: Sequence[str]


class KeypairValuesSchema(Schema):
    """The values of the properties that were asked for, in their order."""

    values = Computed(lambda selection: _values(selection), required=True)


def _values(selection: Selection) -> list[Any]:
    return [_value(selection.credential, name) for name in selection.names]


def _value(credential: Credential, name: str) -> Any:
    field = FIELDS[HISTORICAL.get(name, name)]
    return field.serialize(str(field.name), credential)


class IssuedKeypairSchema(CamelCaseSchema):
    """The one time the secret key is shown."""

    access_key = fields.String(attribute="credential.public_id", required=True)
    secret_key = fields.String(attribute="secret", required=True)


class KeypairSchema(CamelCaseSchema):
    """One keypair in a list."""

    access_key = fields.String(attribute="public_id")
    is_active = fields.Boolean()
    total_queries = fields.Integer()
    created = Moment(attribute="created_at")


def _keypair(keypair: Credential) -> dict[str, Any]:
    return {
        "accessKey": keypair.public_id,
        "isActive": keypair.is_active,
        "totalQueries": keypair.total_queries,
        "created": told(keypair.created_at),
    }


class PagingInfoSchema(Schema):
    """How long the whole list is."""

    pages = fields.Integer()
    count = fields.Integer(attribute="total")


class KeypairPageSchema(Schema):
    """A page of keypairs."""

    paging = Whole(PagingInfoSchema)
    items = Written(KeypairSchema, _keypair)
