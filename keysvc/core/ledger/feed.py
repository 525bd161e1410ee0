"""The audit as a feed: every process learns what the others have changed."""

import logging
import threading
import time

from keysvc.core.background import Background
from keysvc.core.verification.cache import Cache
from keysvc.errors import Unavailable
from keysvc.store.feed import Watch

log = logging.getLogger(__name__)

#: Seconds between two readings, where nothing wakes the reader earlier.
_INTERVAL = 0.2

#: Seconds after which a reading that does not end is given up.
_PATIENCE = 3.0

#: Seconds between two tries while the database is away.
_PAUSE = 0.25


class Feed:
    """
    Reads what was recorded, and tells the cache what to drop.

    The audit's numbers have no gap and follow the order of commits, so whoever has
    read up to one has missed nothing before it.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._watch, self._ended = Watch(), threading.Event()
        self._turn_began, self._away = time.monotonic(), False
        self._reader = Background(
            "keysvc-feed", 0, self._turn, forget=self._forget, end=self._end
        )

    def start(self) -> None:
        """Begin to read, unless it has begun; whoever finds the feed old says so."""
        if self._cache.is_fresh():
            return
        self._reader.start()
        if time.monotonic() - self._turn_began > _PATIENCE:
            # Silent for so long: the peer may be gone without a word.
            self._turn_began = time.monotonic()
            self._watch.cut()

    def age(self) -> float:
        """Return the seconds since it was heard of; infinity if it never was."""
        return self._cache.age()

    def is_fresh(self) -> bool:
        """Tell whether it was heard of a moment ago."""
        return self._cache.is_fresh()

    def wait_until_fresh(self, seconds: float) -> bool:
        """Tell whether the feed is heard of within *seconds*."""
        end = time.monotonic() + seconds
        self.start()
        while not self._cache.is_fresh():
            if time.monotonic() >= end:
                return False
            time.sleep(0.01)
        return True

    def _turn(self) -> None:
        self._turn_began = time.monotonic()
        try:
            self._read()
            self._watch.wait(_INTERVAL)
        except Exception as error:
            self._watch.close()
            self._say(error)
            self._ended.wait(_PAUSE)
        else:
            self._say(None)
        if self._ended.is_set():
            self._watch.close()

    def _read(self) -> None:
        began, head = time.monotonic(), self._watch.head()
        position = self._cache.position
        while position != head:
            traces = None if position is None else self._watch.between(position, head)
            position = traces[-1].head if traces else head
            self._cache.advance(position, traces)
            if traces and position.seq > head.seq:
                # More was recorded while it read: beyond the head is no other history.
                break
        self._cache.confirm(began)

    def _say(self, error: Exception | None) -> None:
        """Tell once that the feed is away, and once that it is back."""
        if self._ended.is_set() or (error is not None) == self._away:
            return
        self._away = error is not None
        if error is None:
            log.warning("the change feed is back")
        else:
            # Its class alone, of what is unforeseen: a driver's words may hold a row.
            known = isinstance(error, Unavailable)
            reason = str(error) if known else type(error).__name__
            log.warning("the change feed is away: %s", reason)

    def _end(self) -> None:
        """Let a wait end now, for good."""
        self._ended.set()
        self._watch.cut()

    def _forget(self) -> None:
        self._watch.abandon()
        self._watch, self._ended = Watch(), threading.Event()
        self._turn_began, self._away = time.monotonic(), False
        self._cache.forget()
