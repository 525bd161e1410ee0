"""Establish the caller of a request: who may enter."""

from flask import request

from keysvc.auth.schemes import present
from keysvc.core.access import covers
from keysvc.core.access import is_loopback
from keysvc.core.verification.callers import caller_of
from keysvc.current import application
from keysvc.current import caller
from keysvc.current import let_in
from keysvc.current import origin
from keysvc.current import remember_caller
from keysvc.current import service
from keysvc.current import this_request
from keysvc.errors import Forbidden
from keysvc.errors import Unauthenticated
from keysvc.model import Caller

#: What may read how the service is doing.
WATCH = "metrics:read"

#: How the names of headers begin that a proxy adds.
_FORWARDED = ("forwarded", "via", "x-forwarded-", "x-original-", "x-real-ip")


def establish() -> Caller:
    """
    Return the caller of the request at hand.

    Raises:
        Unauthenticated: If no scheme knows the Authorization header, or one does
            and it is wrong.
        Unavailable: If the database cannot be asked, or is not ours.
    """
    environ = this_request().environ
    held = let_in(environ, application())
    if held is not None and held.verdict is not None:
        # By a guard of the host's around these routes: what that took is taken once.
        return caller_of(held.verdict, origin())
    service.ensure_ready()
    presented = present(environ)
    if presented is None:
        raise Unauthenticated
    return service.verifier.admit(presented, origin())


def authenticated() -> None:
    """Let in whom a scheme knows: the entry of a blueprint."""
    remember_caller(establish())


def public() -> None:
    """Let everyone in. Said aloud, so that a test can ask for it."""


def judged() -> None:
    """Let the route itself say who may enter: it judges what it is shown."""


def watching() -> None:
    """
    Let in who sits at this machine, or may read metrics: the entry of a blueprint.

    Raises:
        Forbidden: If the caller may not; and as ``establish`` does.
    """
    if is_local():
        return
    authenticated()
    if not covers(caller.scopes, WATCH):
        raise Forbidden


def is_local() -> bool:
    """Tell whether the request comes from this machine, and for nobody else."""
    # A proxy on this machine speaks for somebody elsewhere, and most say so; those
    # that do not pass on the name that was asked for.
    proxied = any(
        name.lower().startswith(_FORWARDED) for name in request.headers.keys()
    )
    asked = request.host.rpartition(":")[0] or request.host
    near = asked == "localhost" or is_loopback(asked.strip("[]"))
    return is_loopback(origin().address) and near and not proxied
