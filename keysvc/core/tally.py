"""Count what has happened, in plain Python: whoever tells of it elsewhere takes it."""

import os
import threading
from collections import deque
from collections.abc import Callable
from weakref import WeakSet

Key = tuple[str | int, ...]

#: How many of one kind are kept until they are taken: more than a process can do in a
#: second, many times over.
_MOST = 200_000


class Tally(dict[Key, "deque[float]"]):
    """
    What has happened since it was last taken: ``tally[key].append(seconds)``.

    The *key* is a few words of a small set, and the seconds are what it took. That is
    all that a verification can afford; it needs no lock, for nothing of it can be
    interrupted. While nobody follows, nothing is kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self._taking = threading.Lock()
        self._wake: Callable[[], None] | None = None

    def follow(self, wake: Callable[[], None]) -> None:
        """Keep what happens from now on; *wake* is called of each key's first."""
        self._wake = wake
        self.clear()

    def take(self) -> dict[Key, list[float]]:
        """Return what was noted, each thing once."""
        with self._taking:
            return {
                key: [kept.popleft() for _ in range(len(kept))]
                for key, kept in list(self.items())
                if kept
            }

    def forget(self) -> None:
        """Stand as if nothing had been noted: in the child of a fork."""
        self._taking = threading.Lock()
        self.clear()

    def __missing__(self, key: Key) -> "deque[float]":
        if self._wake is not None:
            self._wake()
        return self.setdefault(key, deque(maxlen=_MOST if self._wake else 0))


class Tallies:
    """
    What one service counts.

    *requests* by route, method and status; *verifications* by kind, code and where the
    answer came from, timed if from the database; *logins* by what was presented, and
    code.
    """

    def __init__(self) -> None:
        self.requests, self.verifications, self.logins = Tally(), Tally(), Tally()
        _all.add(self)

    def every(self) -> tuple[Tally, ...]:
        """Return all of them."""
        return self.requests, self.verifications, self.logins


_all: WeakSet[Tallies] = WeakSet()


def _after_fork() -> None:
    for tallies in list(_all):
        for tally in tallies.every():
            tally.forget()


os.register_at_fork(after_in_child=_after_fork)
