"""Whether the service lives and can answer: ``/healthz``, ``/readyz``."""

from flask.typing import ResponseReturnValue

from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.errors import RETRY_AFTER
from keysvc.api.shapes import CORE
from keysvc.api.told import json_response
from keysvc.auth.chain import establish
from keysvc.auth.chain import is_local
from keysvc.auth.chain import public
from keysvc.auth.chain import WATCH
from keysvc.core.access import covers
from keysvc.current import service
from keysvc.errors import KeysvcError
from keysvc.schemas.health import StatusSchema

blp = FamilyBlueprint("keysvc-health", "", CORE, public)


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
    if is_local():
        return True
    try:
        return covers(establish().scopes, WATCH)
    except KeysvcError:
        return False
