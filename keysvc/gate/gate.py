"""``GET /v1/auth``: whether a request that a proxy holds back may go on."""

import logging
from collections.abc import Iterable
from functools import lru_cache
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import quote

from keysvc.auth.refusals import log_refusal
from keysvc.auth.refusals import retry_after
from keysvc.auth.refusals import STATUS
from keysvc.auth.schemes import present_any
from keysvc.core.access import is_scope
from keysvc.core.service import Service
from keysvc.core.verification.presented import Presented
from keysvc.errors import KeysvcError
from keysvc.errors import Unauthenticated
from keysvc.gate.answers import Headers
from keysvc.gate.answers import respond
from keysvc.gate.forwarded import Forwarded
from keysvc.metrics.labels import METHODS
from keysvc.model import Code
from keysvc.model import Demands
from keysvc.model import Principal
from keysvc.model import Verdict
from keysvc.traces import trace_of

log = logging.getLogger(__name__)

PATH = "/v1/auth"

#: Owners of any language; most come again and again.
_quoted = lru_cache(16384)(quote)


class Gate:
    """
    The one implementation of forward auth, for every way to reach it.

    It fails closed: what it cannot read or find out is refused.

    Args:
        prefix: Below which path it is mounted.
    """

    def __init__(self, service: Service, prefix: str = "") -> None:
        self._service, self._route = service, prefix + PATH
        self._requests = service.tallies.requests
        settings = service.settings
        self._forwarded = Forwarded(settings.forwarded, settings.trusted_networks)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        began = perf_counter()
        status, headers = self._decide(environ)
        key = (self._route, METHODS[environ["REQUEST_METHOD"]], status)
        self._requests[key].append(perf_counter() - began)
        if status != 204:
            return respond(start_response, status, headers)
        start_response("204 No Content", headers)
        # A list: granian sends anything else piece by piece.
        return []

    def _decide(self, environ: dict[str, Any]) -> tuple[int, Headers]:
        """Return the status, and the headers that it does not always have."""
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return 405, []
        try:
            scopes = demanded(environ.get("QUERY_STRING", ""))
        except ValueError:
            return 400, []
        try:
            verdict = self._judge(environ, scopes)
        except Unauthenticated:
            return 401, []
        except KeysvcError as error:
            log.error("no credential can be verified: %s", error)
            return 503, []
        except Exception as error:
            # The server's own log would quote the request.
            log.error("a request has failed\n%s", trace_of(error))
            return 503, []
        if verdict.code is not Code.VALID or verdict.principal is None:
            log_refusal(verdict.code, verdict.principal, environ)
            return STATUS[verdict.code], self._retry(verdict)
        return 204, _identity(verdict.principal)

    def _judge(self, environ: dict[str, Any], scopes: tuple[str, ...]) -> Verdict:
        self._service.ensure_ready()
        demands = Demands(self._forwarded.address(environ), scopes)
        return self._service.verifier.judge(self._presented(environ), demands)

    def _presented(self, environ: dict[str, Any]) -> Presented:
        if environ.get("HTTP_AUTHORIZATION", "").startswith(("BackendAI ", "Sorna ")):
            environ = self._forwarded.signed(environ)
        return present_any(environ)

    def _retry(self, verdict: Verdict) -> Headers:
        seconds = retry_after(verdict, self._service.now())
        return [] if seconds is None else [("Retry-After", str(seconds))]


class GateFirst:
    """
    WSGI middleware: forward auth is answered before *app* hears of it.

    Args:
        prefix: Below which path the gate is.
    """

    def __init__(self, gate: Gate, app: Any, prefix: str = "") -> None:
        self._gate, self._app, self._path = gate, app, prefix + PATH

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        mine = environ.get("PATH_INFO") == self._path
        result: Iterable[bytes] = (self._gate if mine else self._app)(
            environ, start_response
        )
        return result


@lru_cache(1024)
def demanded(query: str) -> tuple[str, ...]:
    """
    Return the scopes that the query of a request for forward auth demands.

    Raises:
        ValueError: If it says anything else: a slip there must let nobody in.
    """
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    if any(name != "scope" or not is_scope(value) for name, value in pairs):
        raise ValueError(query)
    return tuple(value for _, value in pairs)


def _identity(principal: Principal) -> Headers:
    owner = principal.owner
    return [
        ("Cache-Control", "no-store"),
        ("X-Keysvc-Kind", principal.principal_kind),
        ("X-Keysvc-Id", principal.principal_id),
        ("X-Keysvc-Owner", _quoted(owner.id)),
        ("X-Keysvc-Owner-Kind", owner.kind.value),
        ("X-Keysvc-Scopes", ",".join(principal.scopes)),
    ]
