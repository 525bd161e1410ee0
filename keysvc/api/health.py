"""Whether the service lives and can answer: ``/healthz``, ``/readyz``."""

from ipaddress import ip_address

from flask import Blueprint
from flask import request
from flask.typing import ResponseReturnValue

from keysvc.api.blueprint import finish
from keysvc.api.errors import RETRY_AFTER
from keysvc.auth.chain import establish
from keysvc.core.access import covers
from keysvc.current import origin
from keysvc.current import service
from keysvc.errors import KeysvcError

blp = Blueprint("keysvc-health", __name__)
blp.after_request(finish)

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


@blp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Tell that the process lives; nothing is asked for it."""
    return {"status": "ok"}


@blp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Tell whether the database is there, migrated, and of this ring."""
    try:
        service.installation.check()
    except KeysvcError as error:
        reason = {"reason": str(error)} if _may_know() else {}
        body = {"status": "unavailable"} | reason
        return body, 503, {"Retry-After": str(RETRY_AFTER)}
    return {"status": "ok"}


def _may_know() -> bool:
    """Tell whether the caller sits at this machine, or may read metrics."""
    address = origin().address
    if address and ip_address(address).is_loopback:
        # A proxy on this machine speaks for somebody elsewhere.
        return not any(name in request.headers for name in _FORWARDED)
    try:
        return covers(establish().scopes, "metrics:read")
    except KeysvcError:
        return False
