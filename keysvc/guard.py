"""``require_key``: a host's own views, for those who carry a good credential."""

from collections.abc import Callable
from collections.abc import Iterable
from functools import wraps
from typing import Any
from typing import NamedTuple
from typing import NoReturn

from flask import current_app
from flask import g
from flask import request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.exceptions import TooManyRequests
from werkzeug.exceptions import Unauthorized
from werkzeug.local import LocalProxy

from keysvc.auth.refusals import retry_after
from keysvc.auth.refusals import STATUS
from keysvc.auth.schemes import present_any
from keysvc.core.service import Service
from keysvc.core.verification.decisions import decide
from keysvc.current import EXTENSION
from keysvc.errors import KeysvcError
from keysvc.errors import Unauthenticated
from keysvc.model import Code
from keysvc.model import Demands
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import Principal
from keysvc.model import SESSION
from keysvc.model import Verdict

_KINDS = {*Kind, SESSION}


class KeyRequired(Unauthorized):
    """The request carries no credential that is good here."""


class KeyForbidden(Forbidden):
    """The credential is good, but not for this, or not from this address."""


class KeyExhausted(TooManyRequests):
    """The credential was used too often."""


class KeyUnverified(ServiceUnavailable):
    """Whether the credential is good cannot be found out now."""


class CurrentCredential(NamedTuple):
    """Whose credential the request at hand carries, and what it may do."""

    kind: str
    id: str
    owner: Owner
    name: str
    scopes: tuple[str, ...]
    role_ids: tuple[str, ...]


def _current() -> CurrentCredential:
    principal: Principal = g._keysvc_verdict.principal
    return CurrentCredential(
        principal.principal_kind,
        principal.principal_id,
        principal.owner,
        principal.name,
        principal.scopes,
        principal.role_ids,
    )


#: What ``require_key`` has let in; only inside of what it guards.
current_credential: Any = LocalProxy(_current)


class require_key:
    """
    Guard a view, as its decorator, or a blueprint, as its ``before_request``.

    Args:
        kinds: ``keypair``, ``api_key``, ``access_key``, ``session``; none for any.
        scopes: All that the credential must cover.
        cost: Units of its quota that a request takes.

    Raises:
        KeyRequired, KeyForbidden, KeyExhausted, KeyUnverified: With the statuses 401,
            403, 429 and 503; a host renders them as it does its own errors.
    """

    def __init__(self, *kinds: str, scopes: Iterable[str] = (), cost: int = 1) -> None:
        if unknown := {*kinds} - _KINDS:
            raise ValueError(f"no kind of credential: {', '.join(sorted(unknown))}")
        self._demanded = (tuple(scopes), cost, None, kinds)

    def __call__(self, view: Callable[..., Any] | None = None) -> Any:
        if view is None:
            return self._check()

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            self._check()
            return view(*args, **kwargs)

        return guarded

    def _check(self) -> None:
        # Each read of a proxy costs a microsecond: one of each kind, no more.
        keysvc: Service = current_app.extensions[EXTENSION]
        environ, held = request.environ, g
        try:
            verdict = self._verdict(keysvc, environ, held.get("_keysvc_verdict"))
        except Unauthenticated:
            _refuse(401)
        except KeysvcError:
            _refuse(503)
        if verdict.code is not Code.VALID:
            _refuse(STATUS[verdict.code], retry_after(verdict, keysvc.now()))
        held._keysvc_verdict = verdict

    def _verdict(
        self, keysvc: Service, environ: dict[str, Any], before: Verdict | None
    ) -> Verdict:
        demands = Demands(environ.get("REMOTE_ADDR"), *self._demanded)
        if before is not None:
            # Let in already, by another guard: what it took is taken once.
            code = decide(before.principal, before.proof, demands, keysvc.now())
            return before._replace(code=code)
        keysvc.ensure_ready()
        return keysvc.verifier.judge(present_any(environ), demands)


def _refuse(status: int, seconds: int | None = None) -> NoReturn:
    errors: dict[int, HTTPException] = {
        401: KeyRequired(www_authenticate=WWWAuthenticate("bearer")),
        403: KeyForbidden(),
        429: KeyExhausted(retry_after=seconds),
        503: KeyUnverified(retry_after=1),
    }
    raise errors[status]
