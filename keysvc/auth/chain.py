"""Establish the caller of a request."""

from collections.abc import Callable
from typing import Any

from flask import g
from flask import request

from keysvc.auth.accesskey import accesskey
from keysvc.auth.backendai import backendai
from keysvc.auth.basic import basic
from keysvc.auth.bearer import bearer
from keysvc.core.verification.verifier import Verifier
from keysvc.current import origin
from keysvc.current import remember_caller
from keysvc.current import service
from keysvc.errors import Unauthenticated
from keysvc.model import Caller
from keysvc.model import Origin

#: A scheme returns None for a header that is not its own, so that the next one
#: may try, and raises for one that is its own but wrong: nothing falls through.
#: It reads the WSGI environ, in which the intake has left the body (keysvc.body).
Scheme = Callable[[dict[str, Any], Verifier, Origin], Caller | None]

SCHEMES: tuple[Scheme, ...] = (basic, backendai, bearer, accesskey)


def establish() -> Caller:
    """
    Return the caller of the request at hand.

    Raises:
        Unauthenticated: If no scheme knows the Authorization header, or one does
            and it is wrong.
        Unavailable: If the database cannot be asked, or is not ours.
    """
    service.ensure_ready()
    for scheme in SCHEMES:
        who = scheme(request.environ, service.verifier, origin())
        if who is not None:
            return who
    raise Unauthenticated


def authenticated() -> None:
    """
    Let in whom a scheme knows: the entry of a blueprint.

    The connection that this takes is the request's, until ``release``.
    """
    held = service.connection()
    held.__enter__()
    g._keysvc_connection = held
    remember_caller(establish())


def release(error: BaseException | None = None) -> None:
    """Give back the connection of the request, if it has taken one."""
    held = g.pop("_keysvc_connection", None)
    if held is not None:
        held.__exit__(None, None, None)


def public() -> None:
    """Let everyone in. Said aloud, so that a test can ask for it."""
