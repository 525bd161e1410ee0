"""Times as they are typed: a date, a moment, or how long ago."""

import re
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from typing import Any

import click

_DAYS = re.compile(r"([0-9]{1,5})d")


class Moment(click.ParamType[datetime]):
    """A date, which is its midnight, or a moment; in UTC unless it names a zone."""

    name = "DATE"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        """Return the moment that *value* tells of."""
        try:
            read = datetime.fromisoformat(value)
            return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("looks like 2026-01-31 or 2026-01-31T12:00:00Z", param, ctx)


class Days(click.ParamType[timedelta]):
    """A number of days."""

    name = "DAYS"

    def convert(self, value: Any, param: Any, ctx: Any) -> timedelta:
        """Return how long *value* is."""
        found = _DAYS.fullmatch(value)
        if found is None:
            self.fail("looks like 365d", param, ctx)
        return timedelta(days=int(found[1]))
