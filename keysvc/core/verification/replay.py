"""Signatures that were used up, known to every process over one database."""

from datetime import datetime

from keysvc.core.housekeeping import Housekeeping
from keysvc.errors import UsedSignature
from keysvc.store import replay as store
from keysvc.store.connection import writing


class Replay:
    """Accept each signature once, for as long as its date is within the window."""

    def __init__(self, housekeeping: Housekeeping) -> None:
        self._housekeeping = housekeeping

    def use_up(self, signature: str, until: datetime) -> None:
        """
        Note *signature* durably, until it could not be accepted anyway.

        Raises:
            UsedSignature: If it was noted before, by whatever process.
        """
        with writing():
            if not store.add(signature, until):
                raise UsedSignature
        self._housekeeping.start()
