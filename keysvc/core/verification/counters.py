"""Gather in memory what verifications count, and write it in batches."""

import logging
import threading
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from uuid import UUID

from keysvc.core.background import Background
from keysvc.errors import Unavailable
from keysvc.model import Renewed
from keysvc.model import Use
from keysvc.store import counters as store
from keysvc.store.connection import writing

log = logging.getLogger(__name__)

#: Credentials in one transaction: SQLite's other writers wait no longer than for these.
_BATCH = 2000


class Counters:
    """
    Uses of credentials, not yet written.

    A verification only adds to a dictionary. A crash loses what one *interval*
    (seconds) gathered; a graceful stop loses nothing.
    """

    def __init__(self, interval: float) -> None:
        self._lock = threading.Lock()
        self._uses: dict[UUID, Use] = {}
        self._writer = Background(
            "keysvc-counters", interval, self.flush, forget=self._forget
        )

    def note(
        self,
        id_: UUID,
        now: datetime,
        renewed: Renewed | None = None,
        retained: bool = False,
    ) -> None:
        """
        Count one use, and keep the digest that it may have renewed.

        Args:
            retained: Whether the secret was one that a rotation has replaced.
        """
        with self._lock:
            use = self._uses.get(id_)
            if use is None:
                self._uses[id_] = use = Use(0, now)
            use.times += 1
            use.last = max(now, use.last)
            use.renewed = renewed or use.renewed
            use.retained = now if retained else use.retained
            first = len(self._uses) == use.times == 1
        if first:
            self._writer.start()

    def flush(self) -> None:
        """Write everything gathered; what cannot be written now is kept."""
        with self._lock:
            uses, self._uses = self._uses, {}
        for batch in _batches(uses):
            try:
                with writing():
                    store.flush(batch)
            except Exception as error:
                self._keep(batch)
                if not isinstance(error, Unavailable):
                    # Its class alone: a driver's words may hold a row.
                    log.error("counters are kept: %s", type(error).__name__)

    def _keep(self, uses: dict[UUID, Use]) -> None:
        with self._lock:
            for id_, old in uses.items():
                new = self._uses.get(id_, Use(0, old.last))
                self._uses[id_] = Use(
                    old.times + new.times,
                    max(old.last, new.last),
                    new.renewed or old.renewed,
                    new.retained or old.retained,
                )

    def _forget(self) -> None:
        self._lock, self._uses = threading.Lock(), {}


def _batches(uses: dict[UUID, Use]) -> Iterator[dict[UUID, Use]]:
    rest = iter(uses.items())
    while batch := dict(islice(rest, _BATCH)):
        yield batch
