"""The properties of a keypair: their names, types and notations."""

from collections.abc import Mapping
from typing import Any
from typing import cast

from marshmallow import fields
from marshmallow import post_load
from marshmallow import pre_load
from marshmallow import ValidationError

from keysvc.model import Change
from keysvc.schemas.fields import Moment
from keysvc.schemas.fields import Money
from keysvc.schemas.fields import StrictBoolean
from keysvc.schemas.fields import StrictInteger
from keysvc.schemas.fields import Text
from keysvc.schemas.lenient import both
from keysvc.schemas.lenient import nullable
from keysvc.schemas.lenient import without_nulls
from keysvc.schemas.limits import LimitsSchema
from keysvc.schemas.notation import flat
from keysvc.schemas.notation import nested
from keysvc.schemas.spelling import CamelCaseSchema


class KeypairPropertiesSchema(CamelCaseSchema, LimitsSchema):
    """
    The properties of a keypair, by their dotted names.

    What only the consumer understands lies in the credential's attributes.
    """

    access_key = fields.String(attribute="public_id", dump_only=True)
    is_active = StrictBoolean()
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
    description = Text(maximum=1024, lines=True)
    created = Moment(attribute="created_at", dump_only=True)
    last_used_at = Moment(dump_only=True)
    total_queries = fields.Integer(dump_only=True)

    @pre_load
    def flatten(self, data: Any, **kwargs: Any) -> Any:
        """Read both notations, and refuse what nobody can set."""
        if not isinstance(data, Mapping):
            return data
        given = flat(data, PROPERTIES, HISTORICAL)
        if fixed := READ_ONLY & given.keys():
            raise ValidationError({name: ["Read-only."] for name in sorted(fixed)})
        return without_nulls(given, self)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Change:
        return cast(Change, data)

    def describe(self, described: dict[str, Any]) -> dict[str, Any]:
        """Describe both notations, and that null is as good as absent."""
        members = {
            name: nullable(member)
            for name, member in described["properties"].items()
            if name not in READ_ONLY
        }
        groups = {
            group: {
                "type": ["object", "null"],
                "properties": inner,
                "additionalProperties": False,
            }
            for group, inner in nested(members).items()
            if group not in members
        }
        spelled = {old: members[name] for old, name in HISTORICAL.items()}
        twice = [both([name], name.split(".")) for name in members if "." in name]
        twice += [both([old], [name]) for old, name in HISTORICAL.items()]
        return described | {
            "properties": {**members, **spelled, **groups},
            "not": {"anyOf": twice},
        }


FIELDS = {f.data_key or n: f for n, f in KeypairPropertiesSchema().fields.items()}
PROPERTIES = frozenset(FIELDS)
READ_ONLY = frozenset(name for name, field in FIELDS.items() if field.dump_only)

#: The spelling of old clients, accepted and answered like the right one.
HISTORICAL = {"concurrecy": "concurrency"}
