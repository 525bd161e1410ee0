"""The envelope of every resource of the service accounts' wire."""

from collections.abc import Sequence
from datetime import datetime
from datetime import UTC
from typing import Any
from typing import NamedTuple

from marshmallow import fields

from keysvc.model import Page
from keysvc.schemas.answers import Whole
from keysvc.schemas.base import Schema


class NaiveMoment(fields.DateTime):
    """A moment in UTC, written without a zone: the format of ZenML's client."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"format": "date-time-local"}, **kwargs)

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        return told_naively(value)


def told_naively(moment: datetime | None) -> str | None:
    """Return how a moment is written here."""
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat("T", "microseconds")


class Shown(NamedTuple):
    """A thing, with or without its metadata."""

    item: Any
    hydrate: bool = True


class ShownPage(NamedTuple):
    """A page of things, with or without their metadata."""

    page: Page[Any]
    hydrate: bool = False

    @property
    def items(self) -> Sequence[Shown]:
        """Return the things."""
        return [Shown(item, self.hydrate) for item in self.page.items]


class Metadata(Whole):
    """What is shown only of a hydrated thing."""

    def __init__(self, nested: type[Schema]) -> None:
        super().__init__(nested, allow_none=True)

    def get_value(
        self, obj: Any, attr: str, accessor: Any = None, default: Any = None
    ) -> Any:
        return obj if obj.hydrate else None


class EnvelopeSchema(Schema):
    """A resource: what it is called, and what it is."""

    id = fields.UUID(attribute="item.id", required=True)
    name = fields.String(attribute="item.name", required=True)
    resources = fields.Constant(None)
    permission_denied = fields.Constant(False)


class PageSchema(Schema):
    """A page of resources; the last one has number ``total_pages``."""

    index = fields.Function(lambda shown: shown.page.window.index + 1)
    max_size = fields.Integer(attribute="page.window.limit", required=True)
    total_pages = fields.Function(lambda shown: max(shown.page.pages, 1))
    total = fields.Integer(attribute="page.total", required=True)
