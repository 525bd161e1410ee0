"""How a refused credential is told over HTTP, wherever it was presented."""

import logging
from datetime import datetime
from math import ceil
from typing import Any

from keysvc.current import request_id_of
from keysvc.model import Code
from keysvc.model import Verdict

log = logging.getLogger(__name__)

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


def log_refusal(code: Code, principal: Any, environ: dict[str, Any]) -> None:
    """
    Log why somebody was refused: to its bearer all refusals look the same.

    Args:
        principal: Whose credential it is; None unless the secret was right.
        environ: Of the request, whose id is told.
    """
    log.info(
        "refused",
        extra={
            "code": code,
            "kind": principal and principal.principal_kind,
            "id": principal and principal.principal_id,
            "requestId": request_id_of(environ),
        },
    )
