"""The one clock."""

from collections.abc import Callable
from datetime import datetime
from datetime import UTC

Clock = Callable[[], datetime]


def utcnow() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)
