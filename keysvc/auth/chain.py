"""Establish the caller of a request."""

from flask import request

from keysvc.auth.schemes import present
from keysvc.core.verification.callers import caller_of
from keysvc.current import application
from keysvc.current import let_in
from keysvc.current import origin
from keysvc.current import remember_caller
from keysvc.current import service
from keysvc.errors import Unauthenticated
from keysvc.model import Caller


def establish() -> Caller:
    """
    Return the caller of the request at hand.

    Raises:
        Unauthenticated: If no scheme knows the Authorization header, or one does
            and it is wrong.
        Unavailable: If the database cannot be asked, or is not ours.
    """
    held = let_in(request.environ, application())
    if held is not None and held.verdict is not None:
        # By a guard of the host's around these routes: what that took is taken once.
        return caller_of(held.verdict, origin())
    service.ensure_ready()
    presented = present(request.environ)
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
