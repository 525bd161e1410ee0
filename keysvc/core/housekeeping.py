"""Forget what is over: nobody can use it any more, and nobody asks for it."""

from collections.abc import Callable
from datetime import timedelta

from keysvc.core.background import Background
from keysvc.core.clock import Clock
from keysvc.core.verification.signing import WINDOW
from keysvc.errors import Unavailable
from keysvc.store import first_answers
from keysvc.store import journal
from keysvc.store import rates
from keysvc.store import replay
from keysvc.store import sessions
from keysvc.store.connection import writing

#: How much later used signatures are forgotten: hosts' clocks differ, and one that was
#: set ahead by an hour is set back again. Then they must still be known.
_SLACK = WINDOW + timedelta(hours=1)

#: Seconds between two turns.
_INTERVAL = 60.0


class Housekeeping:
    """
    Purge used signatures, sessions, first answers and rates whose time is over.

    And cut SQLite's log off, which many readers would keep growing for ever.

    Args:
        sweep: What else is to be done at every turn.
    """

    def __init__(self, now: Clock, sweep: Callable[[], None] = lambda: None) -> None:
        self._now, self._sweep = now, sweep
        self._broom = Background("keysvc-housekeeping", _INTERVAL, self.purge)

    def start(self) -> None:
        """Begin, unless it has begun: whoever keeps what ends says so."""
        self._broom.start()

    def purge(self) -> None:
        """Forget what is over now; wait for the next turn if the database is away."""
        now = self._now()
        try:
            # One transaction each: none holds the locks of another.
            with writing():
                replay.purge(now - _SLACK)
            with writing():
                sessions.purge(now)
            with writing():
                first_answers.purge(now)
            with writing():
                rates.purge(now.timestamp())
            journal.shorten()
            self._sweep()
        except Unavailable:
            return
