"""Which part of a list is wanted, in which order: the query string of lists."""

from typing import Any
from typing import NamedTuple

from marshmallow import fields
from marshmallow import post_load
from marshmallow import validate
from marshmallow import ValidationError

from keysvc.model import Listing
from keysvc.model import Sort
from keysvc.model import Window
from keysvc.schemas.base import Schema
from keysvc.schemas.fields import QueryBoolean
from keysvc.schemas.fields import QueryInteger
from keysvc.schemas.filters import BOOLEAN
from keysvc.schemas.filters import Filter
from keysvc.schemas.filters import ID
from keysvc.schemas.filters import MOMENT
from keysvc.schemas.filters import NAME
from keysvc.schemas.filters import TEXT


class _Order(NamedTuple):
    name: str
    descending: bool


class SortBy(fields.String):
    """``field``, ``asc:field`` or ``desc:field``."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        described = {
            "default": "created",
            "enum": [d + n for n in sorted(names) for d in ("", "asc:", "desc:")],
        }
        super().__init__(load_default=_Order("created", False), metadata=described)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        direction, colon, name = text.rpartition(":")
        known = direction in {"asc", "desc"} if colon else True
        if name not in self.names or not known:
            raise ValidationError(f"Must be one of {', '.join(sorted(self.names))}.")
        return _Order(name, direction == "desc")


class Query(NamedTuple):
    """What is wanted of a list, and whether with metadata."""

    listing: Listing
    hydrate: bool


#: What 15 digits can say, which is as many as are read.
_MAX_PAGE = 10**15 - 1

#: What every resource in an envelope can be sorted by.
COMMON = frozenset({"id", "name", "description", "active", "created", "updated"})


class ListQuerySchema(Schema):
    """Which page is wanted, in which order; a subclass has further filters."""

    id = Filter(ID)
    name = Filter(NAME)
    description = Filter(TEXT)
    active = Filter(BOOLEAN)
    created = Filter(MOMENT)
    updated = Filter(MOMENT)
    sort_by = SortBy(COMMON)
    hydrate = QueryBoolean(load_default=False)
    logical_operator = fields.String(
        load_default="and", validate=validate.OneOf(["and", "or"])
    )
    page = QueryInteger(load_default=1, validate=validate.Range(min=1, max=_MAX_PAGE))
    size = QueryInteger(load_default=20, validate=validate.Range(min=1, max=10000))

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Query:
        order = data["sort_by"]
        conditions = [
            condition
            for name, field in self.fields.items()
            if isinstance(field, Filter) and name != "service_account"
            for condition in data.get(name, ())
        ]
        listing = Listing(
            window=Window(data["size"], data["page"] - 1),
            sort=Sort(order.name, "id", order.descending),
            conditions=tuple(conditions),
            any_of=data["logical_operator"] == "or",
            strict=True,
        )
        return Query(listing, data["hydrate"])


class HydrateSchema(Schema):
    """Whether metadata is wanted."""

    hydrate = QueryBoolean(load_default=True)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> bool:
        hydrate: bool = data["hydrate"]
        return hydrate
