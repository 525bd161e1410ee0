"""Whether the service lives and can answer: ``/healthz``, ``/readyz``."""

from flask import request
from flask.typing import ResponseReturnValue

from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.errors import RETRY_AFTER
from keysvc.api.shapes import CORE
from keysvc.api.told import json_response
from keysvc.auth.chain import establish
from keysvc.auth.chain import public
from keysvc.core.access import covers
from keysvc.core.access import is_loopback
from keysvc.current import origin
from keysvc.current import service
from keysvc.errors import KeysvcError
from keysvc.schemas.health import StatusSchema

blp = FamilyBlueprint("keysvc-health", "", CORE, public)

#: How the names of headers begin that a proxy adds.
_FORWARDED = ("forwarded", "via", "x-forwarded-", "x-original-", "x-real-ip")


@blp.route("/healthz", methods=["GET"])
@blp.response(200, StatusSchema)
def healthz() -> ResponseReturnValue:
    """Tell that the process lives; nothing is asked for it."""
    return {"status": "ok"}


@blp.route("/readyz", methods=["GET"])
@blp.response(200, StatusSchema)
@blp.alt_response(503, schema=StatusSchema)
def readyz() -> ResponseReturnValue:
    """Tell whether the database is there, migrated, of this ring, and followed."""
    try:
        service.check()
    except KeysvcError as error:
        reason = {"reason": str(error)} if _may_know() else {}
        refusal = json_response({"status": "unavailable"} | reason, 503)
        refusal.headers["Retry-After"] = str(RETRY_AFTER)
        return refusal
    return {"status": "ok"}


def _may_know() -> bool:
    """Tell whether the caller sits at this machine, or may read metrics."""
    # A proxy on this machine speaks for somebody elsewhere, and most say so; those
    # that do not pass on the name that was asked for.
    proxied = any(
        name.lower().startswith(_FORWARDED) for name in request.headers.keys()
    )
    asked = request.host.rpartition(":")[0] or request.host
    local = asked == "localhost" or is_loopback(asked.strip("[]"))
    if is_loopback(origin().address) and local and not proxied:
        return True
    try:
        return covers(establish().scopes, "metrics:read")
    except KeysvcError:
        return False
