"""Parts of lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from typing import Generic
from typing import NamedTuple
from typing import TypeVar

from keysvc.model.callers import Actor
from keysvc.model.callers import Owner
from keysvc.model.credentials import Kind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is wanted; *limit* 0 is all of it."""

    limit: int = 0
    index: int = 0

    @property
    def offset(self) -> int:
        """Return how many items lie before the window."""
        return self.limit * self.index


class Condition(NamedTuple):
    """
    What a field must be: an operator and the value that its schema has read.

    Operators are those of the API keys' wire: ``equals``, ``contains``, ``oneof``...
    """

    field: str
    operator: str
    value: Any = None


class Sort(NamedTuple):
    """By which field a list is ordered, and by which among equals; same direction."""

    field: str = "created_at"
    tie: str = "public_id"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """
    What is wanted of a list.

    Args:
        any_of: Whether one of the conditions is enough.
        strict: Whether a window past the end is an error.
    """

    window: Window = Window()
    sort: Sort = Sort()
    conditions: tuple[Condition, ...] = ()
    any_of: bool = False
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list, and how long the whole list is."""

    items: Sequence[T]
    total: int
    window: Window

    @property
    def pages(self) -> int:
        """Return how many windows of this size the list fills."""
        return -(-self.total // (self.window.limit or max(self.total, 1)))


@dataclass(frozen=True, slots=True)
class Keyset:
    """
    Which part of a list is wanted that is read by its keys, not by counting.

    So its cost does not grow with what lies before. *token* is that of the part
    before; None is the beginning.
    """

    limit: int
    token: str | None = None
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """
    Which credentials are wanted, of whatever family; what is None does not matter.

    Args:
        unused_for: How long it was not used, nor made.
        expires_within: How soon it will have expired; what has already is not meant.
    """

    keyset: Keyset
    kind: Kind | None = None
    owner: Owner | None = None
    created_by: Actor | None = None
    unused_for: timedelta | None = None
    expires_within: timedelta | None = None

    @property
    def terms(self) -> list[Any]:
        """Return all but the keyset, as JSON can hold it."""
        spans = (self.unused_for, self.expires_within)
        return [
            self.kind,
            self.owner and list(self.owner),
            self.created_by and list(self.created_by),
            *(None if s is None else s.total_seconds() for s in spans),
        ]


@dataclass(frozen=True, slots=True)
class Cut(Generic[T]):
    """A part of a list read by its keys, and the next one's token; None at the end."""

    items: Sequence[T]
    next_page_token: str | None
