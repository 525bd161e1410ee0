"""What one use takes from a credential's limits, exactly, across workers and hosts."""

from datetime import datetime
from datetime import timedelta
from datetime import UTC

from keysvc.model import Charge
from keysvc.model import Code
from keysvc.model import Stored
from keysvc.store import quotas
from keysvc.store import rates
from keysvc.store.connection import writing

#: Seconds that a credential's ``rateLimit`` is for.
WINDOW = 900

_NOTHING = Charge()


class _Refused(Exception):
    """Leaves the transaction: whoever is refused has used nothing."""

    def __init__(self, charge: Charge) -> None:
        self.charge = charge


def take(stored: Stored, cost: int, now: datetime) -> Charge:
    """
    Use the rate limit of *stored* once, and *cost* units of its quota, or neither.

    A credential that has none of them costs nothing here.

    Raises:
        Unavailable: If the database cannot be asked.
    """
    if stored.rate_limit is None and stored.remaining is None:
        return _NOTHING
    try:
        with writing():
            reset_at = _take_rate(stored, now)
            return Charge(Code.VALID, _take_quota(stored, cost), reset_at)
    except _Refused as refused:
        return refused.charge


def _take_rate(stored: Stored, now: datetime) -> datetime | None:
    """Return when the limit is whole again."""
    limit, subject = stored.rate_limit, f"credential:{stored.id}"
    if limit is None:
        return None
    if limit == 0:
        whole = now + timedelta(seconds=WINDOW)
        raise _Refused(Charge(Code.RATE_LIMITED, stored.remaining, whole))
    interval, seconds = WINDOW / limit, now.timestamp()
    arrival = rates.take(subject, seconds, interval, WINDOW)
    if arrival is not None:
        return datetime.fromtimestamp(arrival, UTC)
    arrival = rates.arrival(subject) or seconds
    next_at = datetime.fromtimestamp(arrival + interval - WINDOW, UTC)
    raise _Refused(Charge(Code.RATE_LIMITED, stored.remaining, max(next_at, now)))


def _take_quota(stored: Stored, cost: int) -> int | None:
    """Return what is left of the quota."""
    if stored.remaining is None:
        return None
    left = quotas.take(stored.id, cost)
    if left is None:
        raise _Refused(Charge(Code.QUOTA_EXCEEDED, quotas.left(stored.id)))
    return left
