"""The guard of a view, or of a blueprint."""

import logging
from collections.abc import Callable
from collections.abc import Iterable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from flask import current_app
from flask import request

from keysvc.auth.refusals import STATUS
from keysvc.auth.schemes import present_any
from keysvc.core.access import is_scope
from keysvc.core.clock import utcnow
from keysvc.core.verification.decisions import fits
from keysvc.core.verification.presented import Presented
from keysvc.core.verification.signing import is_timely
from keysvc.core.verification.signing import read_date
from keysvc.core.verification.signing import Signed
from keysvc.core.verification.signing import signs_body
from keysvc.current import application
from keysvc.current import JUDGE
from keysvc.current import let_in
from keysvc.current import LetIn
from keysvc.current import remember_let_in
from keysvc.current import this_request
from keysvc.errors import KeysvcError
from keysvc.errors import MalformedCredential
from keysvc.errors import Unauthenticated
from keysvc.guard.errors import refuse
from keysvc.guard.judge import Finding
from keysvc.guard.judge import Judge
from keysvc.model import Code
from keysvc.model import Demands
from keysvc.model import KINDS

log = logging.getLogger(__name__)

#: Bytes: in base64 it must fit into a question to a keysvc elsewhere.
MAX_SIGNED_BODY = 32 * 1024


class require_key:
    """
    Guard a view, as its decorator, or a blueprint, as its ``before_request``.

    Args:
        kinds: ``keypair``, ``api_key``, ``access_key``, ``session``; none for any.
        scopes: All that the credential must cover.
        cost: Units of its quota that a request takes, 0 to 1,000,000. Of two guards on
            the way to a view it is the first one's that are taken.

    Raises:
        KeyRequired, KeyForbidden, KeyExhausted, KeyUnverified: With the statuses 401,
            403, 429 and 503; a host renders them as it does its own errors.
    """

    def __init__(self, *kinds: str, scopes: Iterable[str] = (), cost: int = 1) -> None:
        if kinds and callable(kinds[0]):
            raise TypeError("it takes parentheses: @require_key()")
        if unknown := {*kinds} - {*KINDS}:
            raise ValueError(f"no kind of credential: {', '.join(sorted(unknown))}")
        if isinstance(scopes, str):
            raise TypeError("scopes are a list, even if it is one")
        demanded = tuple(scopes)
        if wrong := [scope for scope in demanded if not is_scope(scope)]:
            raise ValueError(f"no scope: {', '.join(wrong)}")
        if not isinstance(cost, int) or not 0 <= cost <= 1_000_000:
            raise ValueError("cost is a whole number from 0 to 1000000")
        self._demanded = (demanded, cost, None, kinds)

    def __call__(self, view: Callable[..., Any] | None = None) -> Any:
        """Guard *view*; without one, the request at hand."""
        if view is None:
            return None if _is_preflight() else self._check()

        # Found out once: ensure_sync would do it at every request.
        is_async = iscoroutinefunction(view)

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            self._check()
            call = current_app.ensure_sync(view) if is_async else view
            return call(*args, **kwargs)

        return guarded

    def _check(self) -> None:
        environ = this_request().environ
        demands = Demands(environ.get("REMOTE_ADDR"), *self._demanded)
        try:
            finding = _find(environ, demands)
        except Unauthenticated:
            refuse(401)
        except KeysvcError as error:
            log.error("no credential can be verified: %s", error)
            refuse(503)
        if finding.code is not Code.VALID or finding.known is None:
            refuse(STATUS[finding.code], finding.retry_after)


def _find(environ: dict[str, Any], demands: Demands) -> Finding:
    app = application()
    judge: Judge | None = app.extensions.get(JUDGE)
    if judge is None:
        raise RuntimeError("KeyService is not registered on this application.")
    held = let_in(environ, app)
    if held is not None:
        return _fitting(judge, held, demands)
    finding = judge.judge(_presented(environ), demands)
    if finding.code is Code.VALID:
        remember_let_in(environ, LetIn(app, finding.known, finding.verdict))
    return finding


def _fitting(judge: Judge, held: LetIn, demands: Demands) -> Finding:
    """Hold whom another guard has let in to more; what that took is taken once."""
    code = fits(held.known, demands)
    if code is not Code.VALID:
        judge.listener.refused(code, held.known)
    return Finding(code, held.known)


def _presented(environ: dict[str, Any]) -> Presented:
    presented = present_any(environ)
    if isinstance(presented, Signed) and signs_body(presented):
        return presented._replace(body=_body_of(presented))
    return presented


def _body_of(signed: Signed) -> bytes:
    """Return the body that is signed, if it is worth being read at all."""
    timely = is_timely(read_date(signed.date), utcnow())
    chunked = "HTTP_TRANSFER_ENCODING" in request.environ
    if not timely or chunked or (request.content_length or 0) > MAX_SIGNED_BODY:
        raise MalformedCredential("A signed body is of now, and small.")
    return request.get_data()


def _is_preflight() -> bool:
    """Tell whether Flask itself answers: a browser asks so without any credential."""
    rule: Any = request.url_rule
    return request.method == "OPTIONS" and bool(rule and rule.provide_automatic_options)
