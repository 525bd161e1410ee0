"""The schemes by which a request can carry a credential, tried in turn."""

from collections.abc import Callable
from typing import Any

from keysvc.auth.accesskey import accesskey
from keysvc.auth.backendai import backendai
from keysvc.auth.basic import basic
from keysvc.auth.bearer import bearer
from keysvc.core.verification.presented import Presented
from keysvc.core.verification.presented import Token
from keysvc.errors import Unauthenticated

#: A scheme returns None for a header that is not its own, so that the next one
#: may try, and raises for one that is its own but wrong: nothing falls through.
#: It reads the WSGI environ, in which the intake has left the body (keysvc.body).
Scheme = Callable[[dict[str, Any]], Presented | None]

SCHEMES: tuple[Scheme, ...] = (bearer, basic, backendai, accesskey)


def present(environ: dict[str, Any]) -> Presented | None:
    """
    Return what a request presents, None if no scheme knows its header.

    Raises:
        MalformedCredential: If one knows it, and it is wrong.
    """
    for scheme in SCHEMES:
        presented = scheme(environ)
        if presented is not None:
            return presented
    return None


def present_any(environ: dict[str, Any]) -> Presented:
    """
    Return what a request presents to somebody else's application.

    There, beside every scheme, ``X-API-Key`` carries a token.

    Raises:
        Unauthenticated: If there is nothing, or what is there cannot be read.
    """
    presented = present(environ)
    if presented is not None:
        return presented
    key = environ.get("HTTP_X_API_KEY")
    if not key:
        raise Unauthenticated
    return Token(key)
