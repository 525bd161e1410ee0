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
    if not stored.is_limited:
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
    pace, seconds = rates.pace(limit, WINDOW), now.timestamp()
    arrival = rates.take(subject, seconds, pace)
    if arrival is not None:
        return datetime.fromtimestamp(arrival, UTC)
    # A datetime has microseconds only: whoever comes then must not be too early.
    next_at = rates.next_at(subject, seconds, pace) + 1e-6
    reset_at = max(datetime.fromtimestamp(next_at, UTC), now)
    raise _Refused(Charge(Code.RATE_LIMITED, stored.remaining, reset_at))


def _take_quota(stored: Stored, cost: int) -> int | None:
    """Return what is left of the quota."""
    if stored.remaining is None:
        return None
    taken = quotas.take(stored.id, cost)
    if taken is None and (left := quotas.left(stored.id)) is not None:
        raise _Refused(Charge(Code.QUOTA_EXCEEDED, left))
    # None here: since the credential was read, somebody has lifted its quota.
    return taken
