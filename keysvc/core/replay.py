"""Signatures that were used up, known to every process over one database."""

from datetime import datetime

from keysvc.core.background import Background
from keysvc.core.clock import Clock
from keysvc.errors import Unavailable
from keysvc.errors import UsedSignature
from keysvc.store import replay as store
from keysvc.store.connection import writing

#: Seconds between two removals of signatures whose time is over.
_PURGE_INTERVAL = 60.0


class Replay:
    """Accept each signature once; forget it when its date is out of the window."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._broom = Background("keysvc-replay", _PURGE_INTERVAL, self.purge)

    def use_up(self, signature: str, until: datetime) -> None:
        """
        Note *signature* durably, until it could not be accepted anyway.

        Raises:
            UsedSignature: If it was noted before, by whatever process.
        """
        with writing():
            if not store.add(signature, until):
                raise UsedSignature
        self._broom.start()

    def purge(self) -> None:
        """Forget what nobody could use any more."""
        try:
            with writing():
                store.purge(self._now())
        except Unavailable:
            return
