"""How a refused credential is told over HTTP, wherever it was presented."""

from datetime import datetime
from math import ceil

from keysvc.model import Code
from keysvc.model import Verdict

#: Unknown, wrong, inactive and expired look the same to whoever presents them.
STATUS = {
    Code.UNKNOWN: 401,
    Code.INACTIVE: 401,
    Code.EXPIRED: 401,
    Code.REPLAYED: 401,
    Code.FORBIDDEN: 403,
    Code.IP_NOT_ALLOWED: 403,
    Code.RATE_LIMITED: 429,
    Code.QUOTA_EXCEEDED: 429,
}


def retry_after(verdict: Verdict, now: datetime) -> int | None:
    """
    Return the seconds until a used up rate limit lets one more through.

    A spent quota comes back when somebody fills it: nobody knows when.
    """
    reset_at = verdict.charge.reset_at
    if verdict.code is not Code.RATE_LIMITED or reset_at is None:
        return None
    return max(ceil((reset_at - now).total_seconds()), 1)
