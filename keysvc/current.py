"""
What belongs to the request at hand.

Kept in its environ, not in Flask's ``g``: that one belongs to the application context,
which outlives a request wherever somebody has pushed one around several.
"""

import random
import re
from hashlib import sha256
from time import perf_counter
from typing import Any
from typing import cast
from typing import NamedTuple
from uuid import UUID

from flask import current_app
from flask import Request
from flask import request
from werkzeug.local import LocalProxy

from keysvc.core.lifecycle.idempotency import Once
from keysvc.core.service import Service
from keysvc.errors import Invalid
from keysvc.model import Caller
from keysvc.model import Origin
from keysvc.model import Verdict

EXTENSION = "keysvc"
GATE = "keysvc-gate"
JUDGE = "keysvc-judge"
REPORTER = "keysvc-reporter"

# Names in the environ of a request.
_BEGUN = "keysvc.begun"
_CALLER = "keysvc.caller"
_ID = "keysvc.request_id"
_LET_IN = "keysvc.let_in"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

# By their types, Flask's proxies do not tell what they stand for.
_request: Any = request
_application: Any = current_app


def this_request() -> Request:
    """Return the request itself: a proxy costs at every look."""
    itself: Request = _request._get_current_object()
    return itself


def application() -> Any:
    """Return the application of the request itself."""
    return _application._get_current_object()


def this_caller() -> Caller:
    """Return the caller itself, who was established."""
    who: Caller = this_request().environ[_CALLER]
    return who


gate: Any = LocalProxy(lambda: application().extensions[GATE])
service = cast(Service, LocalProxy(lambda: application().extensions[EXTENSION]))
caller = cast(Caller, LocalProxy(this_caller))


class LetIn(NamedTuple):
    """
    Whom a guard of an application has let in, and by which verdict.

    *verdict* is None where another keysvc was asked.
    """

    application: Any
    known: Any
    verdict: Verdict | None


def begin() -> None:
    """Note that the request begins now, unless it has begun."""
    this_request().environ.setdefault(_BEGUN, perf_counter())


def seconds() -> float:
    """Return the seconds since the request has begun."""
    return seconds_of(this_request().environ)


def seconds_of(environ: dict[str, Any]) -> float:
    """Return the seconds since the request of *environ* has begun."""
    now = perf_counter()
    begun: float = environ.get(_BEGUN, now)
    return now - begun


def remember_let_in(environ: dict[str, Any], who: LetIn) -> None:
    """Keep whom a guard has let in for the rest of the request of *environ*."""
    environ[_LET_IN] = who


def let_in(environ: dict[str, Any], application: Any) -> LetIn | None:
    """Return whom a guard of *application* has let in for this request, if one has."""
    found: LetIn | None = environ.get(_LET_IN)
    return found if found is not None and found.application is application else None


def remember_caller(who: Caller) -> None:
    """Keep *who* for the rest of this request."""
    this_request().environ[_CALLER] = who


def caller_id() -> str | None:
    """Return the id of the caller, if one was established."""
    who = this_request().environ.get(_CALLER)
    return None if who is None else who.id


def request_id() -> str:
    """Return the id of the request at hand."""
    return request_id_of(this_request().environ)


def request_id_of(environ: dict[str, Any]) -> str:
    """Return the id of the request of *environ*: the client's own if it is a word."""
    known: str | None = environ.get(_ID)
    if known is None:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        known = given if _REQUEST_ID.fullmatch(given) else _new_id()
        environ[_ID] = known
    return known


def _new_id() -> str:
    """
    Return a random id (UUID 4).

    It need not be hard to guess, so the system is not asked for randomness: that would
    hand the GIL on in the middle of every request.
    """
    return str(UUID(int=random.getrandbits(128), version=4))


def idempotency_key() -> str | None:
    """
    Return the request's idempotency key, in its usual spelling.

    Raises:
        Invalid: If it is no UUID.
    """
    name = "Idempotency-Key"
    given = request.headers.get(name)
    try:
        return None if given is None else str(UUID(given))
    except ValueError:
        message = "Must be a UUID."
        raise Invalid(f"{name}: {message}", {name: [message]}) from None


def once() -> Once | None:
    """
    Return how a repetition of this request is known, if its client wants to know it.

    Raises:
        Invalid: If its idempotency key is no UUID.
    """
    key = idempotency_key()
    if key is None:
        return None
    it = this_request()
    asked = (it.method, it.full_path, it.get_data().hex())
    return Once(key, sha256("\0".join(asked).encode()).hexdigest())


def origin() -> Origin:
    """
    Return where the request comes from: the address of the peer, and the request's id.

    Forwarded headers count for nothing here: any client can send them.
    """
    environ = this_request().environ
    return Origin(environ.get("REMOTE_ADDR") or None, request_id_of(environ))
