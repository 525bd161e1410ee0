"""Parts of lists."""

from collections.abc import Sequence
from dataclasses import dataclass

from keysvc.model.audit import Record
from keysvc.model.credentials import Credential


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is wanted; *limit* 0 is all of it."""

    limit: int = 0
    index: int = 0

    @property
    def offset(self) -> int:
        """Return how many items lie before the window."""
        return self.limit * self.index


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and how long the whole list is."""

    items: Sequence[Credential]
    total: int
    window: Window

    @property
    def pages(self) -> int:
        """Return how many windows of this size the list fills."""
        return -(-self.total // (self.window.limit or max(self.total, 1)))


@dataclass(frozen=True, slots=True)
class Cut:
    """A keyset page of records, and the token of the next one; None at the end."""

    items: Sequence[Record]
    next_page_token: str | None
