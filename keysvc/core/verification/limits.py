"""Limits that hold across processes and hosts."""

from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from keysvc.core.clock import Clock
from keysvc.errors import RateLimited
from keysvc.store import rates
from keysvc.store.connection import writing


class Limit:
    """
    At most *times* in *period* seconds, for each subject; then evenly spaced.

    Args:
        name: Sets the subjects of one limit apart from those of another.
    """

    def __init__(self, name: str, times: int, period: float, now: Clock) -> None:
        self._name, self._now = name, now
        self._pace = rates.pace(times, period)

    def take(self, subjects: Iterable[str]) -> list[str]:
        """
        Use the limit of each of the *subjects* once; return what was used.

        Raises:
            RateLimited: If one of them is used up. Then none of them is used.
        """
        taken: list[str] = []
        now = self._now().timestamp()
        keys = sorted(self._key(subject) for subject in subjects)
        with writing():
            for key in keys:
                if not rates.take(key, now, self._pace):
                    for other in taken:
                        rates.give_back(other, self._pace)
                    next_at = rates.next_at(key, now, self._pace)
                    break
                taken.append(key)
            else:
                return taken
        raise RateLimited("This was tried too often.", max(next_at - now, 1.0))

    @contextmanager
    def of_failures(
        self, subjects: Iterable[str], failure: type[Exception]
    ) -> Iterator[None]:
        """
        Use the limit of each of the *subjects* if the block ends with a *failure*.

        It is used beforehand, so that many at once are no way around it.

        Raises:
            RateLimited: If one of them is used up; then the block is not entered.
        """
        taken = self.take(subjects)
        try:
            yield
        except failure:
            raise
        except BaseException:
            self.give_back(taken)
            raise
        self.give_back(taken)

    def give_back(self, taken: Iterable[str]) -> None:
        """Take back what ``take`` has used."""
        with writing():
            for key in sorted(taken):
                rates.give_back(key, self._pace)

    def _key(self, subject: str) -> str:
        """Return a key of bounded length, whatever a client calls itself."""
        return f"{self._name}:{sha256(subject.encode('utf-8', 'replace')).hexdigest()}"
