"""Keypairs: camelCase, dotted property names, a paging object in the body."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import cast
from typing import NamedTuple

from marshmallow import fields
from marshmallow import post_load
from marshmallow import pre_load
from marshmallow import Schema
from marshmallow import ValidationError

from keysvc.model import Change
from keysvc.model import Credential
from keysvc.model import Draft
from keysvc.model import Window
from keysvc.schemas.fields import Moment
from keysvc.schemas.fields import Money
from keysvc.schemas.fields import Networks
from keysvc.schemas.fields import Scopes
from keysvc.schemas.fields import StrictBoolean
from keysvc.schemas.fields import StrictInteger
from keysvc.schemas.fields import Text
from keysvc.schemas.fields import Whole
from keysvc.schemas.fields import without_nulls
from keysvc.schemas.notation import flat


class KeypairPropertiesSchema(Schema):
    """
    The properties of a keypair, by their dotted names.

    What only the consumer understands lies in the credential's attributes.
    """

    access_key = fields.String(
        data_key="accessKey", attribute="public_id", dump_only=True
    )
    is_active = StrictBoolean(data_key="isActive")
    concurrency = StrictInteger(attribute="attributes.concurrency", dump_default=5)
    cluster_size = StrictInteger(
        minimum=1,
        data_key="ML.clusterSize",
        attribute="attributes.cluster_size",
        dump_default=1,
    )
    instance_memory = StrictInteger(
        minimum=1,
        data_key="ML.instanceMemory",
        attribute="attributes.instance_memory",
        dump_default=8,
    )
    automatic = StrictBoolean(
        data_key="cost.automatic",
        attribute="attributes.cost_automatic",
        dump_default=False,
    )
    daily_limit = Money(
        data_key="cost.dailyLimit",
        attribute="attributes.cost_daily_limit",
        dump_default="50.00",
    )
    rate_limit = StrictInteger(data_key="rateLimit", allow_none=True)
    remaining = StrictInteger(allow_none=True)
    expires_at = Moment(data_key="expiresAt", allow_none=True)
    scopes = Scopes()
    description = Text(maximum=1024, lines=True)
    allowed_ips = Networks(data_key="allowedIps")
    created = Moment(attribute="created_at", dump_only=True)
    last_used_at = Moment(data_key="lastUsedAt", dump_only=True)
    total_queries = fields.Integer(data_key="totalQueries", dump_only=True)

    @pre_load
    def flatten(self, data: Any, **kwargs: Any) -> Any:
        """Read both notations, and refuse what nobody can set."""
        if not isinstance(data, Mapping):
            return data
        given = flat(data, PROPERTIES, HISTORICAL)
        if fixed := READ_ONLY & given.keys():
            raise ValidationError({name: ["Read-only."] for name in sorted(fixed)})
        return {
            name: value
            for name, value in given.items()
            if value is not None or name in CLEARED_BY_NULL
        }

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Change:
        return cast(Change, data)


_FIELDS = {f.data_key or n: f for n, f in KeypairPropertiesSchema().fields.items()}
PROPERTIES = frozenset(_FIELDS)
READ_ONLY = frozenset(name for name, field in _FIELDS.items() if field.dump_only)
CLEARED_BY_NULL = frozenset(name for name, field in _FIELDS.items() if field.allow_none)

#: The spelling of old clients, accepted and answered like the right one.
HISTORICAL = {"concurrecy": "concurrency"}


class KeypairDraftSchema(Schema):
    """Body of create."""

    is_active = StrictBoolean(data_key="isActive")
    props = fields.Nested(KeypairPropertiesSchema, load_default=dict)

    @pre_load
    def ignore_nulls(self, data: Any, **kwargs: Any) -> Any:
        return without_nulls(data)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Draft:
        props = data.pop("props")
        if data.keys() & props.keys():
            raise ValidationError({"isActive": ["Given twice."]})
        return Draft(**props, **data)


class KeypairChangeSchema(Schema):
    """Body of update."""

    props = fields.Nested(KeypairPropertiesSchema, required=True)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Change:
        return cast(Change, data["props"])


class PagingQuerySchema(Schema):
    """Which page of keypairs is wanted; size 0 is all of them."""

    limit = StrictInteger(data_key="size", load_default=0)
    index = StrictInteger(load_default=0)

    @pre_load
    def ignore_nulls(self, data: Any, **kwargs: Any) -> Any:
        return without_nulls(data)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Window:
        return Window(**data)


class KeypairQuerySchema(Schema):
    """Body of REPORT."""

    paging = fields.Nested(PagingQuerySchema, load_default=Window)

    @pre_load
    def ignore_nulls(self, data: Any, **kwargs: Any) -> Any:
        return without_nulls(data)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Window:
        return cast(Window, data["paging"])


class KeypairKeysSchema(Schema):
    """Which properties are asked for: names, in the order of the answer."""

    keys = fields.List(fields.String(), required=True)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> list[str]:
        names: list[str] = data["keys"]
        if not names:
            raise ValidationError({"keys": ["Name at least one property."]})
        if unknown := [n for n in names if n not in PROPERTIES and n not in HISTORICAL]:
            said = ", ".join(repr(name[:100]) for name in unknown[:10])
            known = ", ".join(sorted(PROPERTIES))
            raise ValidationError({"keys": [f"Unknown: {said}. Known: {known}."]})
        return names


class Selection(NamedTuple):
    """A credential, and the names of the properties that were asked for."""

    credential: Credential
    names: Sequence[str]


class KeypairValuesSchema(Schema):
    """The values of the properties that were asked for, in their order."""

    values = fields.Method("read")

    def read(self, selection: Selection) -> list[Any]:
        known = _PROPERTIES_SCHEMA.dump(selection.credential)
        return [known[HISTORICAL.get(name, name)] for name in selection.names]


_PROPERTIES_SCHEMA = KeypairPropertiesSchema()


class IssuedKeypairSchema(Schema):
    """The one time the secret key is shown."""

    access_key = fields.String(
        data_key="accessKey", attribute="credential.public_id", required=True
    )
    secret_key = fields.String(data_key="secretKey", attribute="secret", required=True)


class KeypairSchema(Schema):
    """One keypair in a list."""

    access_key = fields.String(data_key="accessKey", attribute="public_id")
    is_active = fields.Boolean(data_key="isActive")
    total_queries = fields.Integer(data_key="totalQueries")
    created = Moment(attribute="created_at")


class PagingInfoSchema(Schema):
    """How long the whole list is."""

    pages = fields.Integer()
    count = fields.Integer(attribute="total")


class KeypairPageSchema(Schema):
    """A page of keypairs."""

    paging = Whole(PagingInfoSchema)
    items = fields.List(fields.Nested(KeypairSchema))
