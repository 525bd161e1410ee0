"""Establish the caller of a request."""

from collections.abc import Callable

from flask import request

from keysvc.auth.basic import basic
from keysvc.core.verifier import Verifier
from keysvc.current import origin
from keysvc.current import remember_caller
from keysvc.current import service
from keysvc.errors import Unauthenticated
from keysvc.model import Caller
from keysvc.model import Origin

#: A scheme returns None for a header that is not its own, so that the next one
#: may try, and raises for one that is its own but wrong: nothing falls through.
Scheme = Callable[[str, Verifier, Origin], Caller | None]

SCHEMES: tuple[Scheme, ...] = (basic,)


def establish() -> Caller:
    """
    Return the caller of the request at hand.

    Raises:
        Unauthenticated: If no scheme knows the Authorization header, or one does
            and it is wrong.
    """
    authorization = request.headers.get("Authorization", "")
    for scheme in SCHEMES:
        who = scheme(authorization, service.verifier, origin())
        if who is not None:
            return who
    raise Unauthenticated


def authenticated() -> None:
    """Let in whom a scheme knows: the entry of a blueprint."""
    remember_caller(establish())


def public() -> None:
    """Let everyone in. Said aloud, so that a test can ask for it."""
