"""The guard of a view, or of a blueprint."""

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
from keysvc.core.verification.decisions import fits
from keysvc.core.verification.presented import Presented
from keysvc.core.verification.signing import Signed
from keysvc.core.verification.signing import signs_body
from keysvc.current import JUDGE
from keysvc.errors import KeysvcError
from keysvc.errors import Unauthenticated
from keysvc.guard.credential import Finding
from keysvc.guard.credential import remember
from keysvc.guard.credential import remembered
from keysvc.guard.errors import refuse
from keysvc.model import Code
from keysvc.model import Demands
from keysvc.model import KINDS


class require_key:
    """
    Guard a view, as its decorator, or a blueprint, as its ``before_request``.

    Args:
        kinds: ``keypair``, ``api_key``, ``access_key``, ``session``; none for any.
        scopes: All that the credential must cover.
        cost: Units of its quota that a request takes, 0 to 1,000,000.

    Raises:
        KeyRequired, KeyForbidden, KeyExhausted, KeyUnverified: With the statuses 401,
            403, 429 and 503; a host renders them as it does its own errors.
    """

    def __init__(self, *kinds: str, scopes: Iterable[str] = (), cost: int = 1) -> None:
        if unknown := {*kinds} - {*KINDS}:
            raise ValueError(f"no kind of credential: {', '.join(sorted(unknown))}")
        if isinstance(scopes, str):
            raise TypeError("scopes are a list, even if it is one")
        demanded = tuple(scopes)
        if wrong := [scope for scope in demanded if not is_scope(scope)]:
            raise ValueError(f"no scope: {', '.join(wrong)}")
        if not 0 <= cost <= 1_000_000:
            raise ValueError("cost is from 0 to 1000000")
        self._demanded = (demanded, cost, None, kinds)

    def __call__(self, view: Callable[..., Any] | None = None) -> Any:
        """Guard *view*; without one, the request at hand."""
        if view is None:
            return self._check()

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            self._check()
            return view(*args, **kwargs)

        @wraps(view)
        def guarded_async(*args: Any, **kwargs: Any) -> Any:
            self._check()
            return current_app.ensure_sync(view)(*args, **kwargs)

        return guarded_async if iscoroutinefunction(view) else guarded

    def _check(self) -> None:
        # Each read of a proxy costs a microsecond: one of each kind, no more.
        environ = request.environ
        demands = Demands(environ.get("REMOTE_ADDR"), *self._demanded)
        try:
            finding = _find(environ, demands)
        except Unauthenticated:
            refuse(401)
        except KeysvcError:
            refuse(503)
        if finding.code is not Code.VALID or finding.known is None:
            refuse(STATUS[finding.code], finding.retry_after)
        remember(finding.known)


def _find(environ: dict[str, Any], demands: Demands) -> Finding:
    before = remembered()
    if before is not None:
        # Let in already, by another guard: what that took is taken once.
        return Finding(fits(before, demands), before)
    finding: Finding = current_app.extensions[JUDGE].judge(_presented(environ), demands)
    return finding


def _presented(environ: dict[str, Any]) -> Presented:
    presented = present_any(environ)
    if isinstance(presented, Signed) and signs_body(presented):
        return presented._replace(body=request.get_data())
    return presented
