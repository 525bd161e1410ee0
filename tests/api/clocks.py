"""A clock that stands still until it is moved."""

from datetime import datetime
from datetime import timedelta
from datetime import UTC
from typing import Any

from flask import Flask

from keysvc.core.service import Service


class Clock:
    """Tells one time until it is told another."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time

    def move(self, **by: Any) -> None:
        """Move on by a ``timedelta``."""
        self.time += timedelta(**by)


def on_clock(app: Flask) -> tuple[Service, Clock]:
    """Give *app* a core that lives by a clock of the test's own."""
    clock = Clock()
    service = Service(app.extensions["keysvc"].settings, clock)
    app.extensions["keysvc"] = service
    return service, clock
