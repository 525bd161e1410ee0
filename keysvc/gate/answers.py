"""What the gate answers, made once: problem details (RFC 9457), always the same."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

Headers = list[tuple[str, str]]

_DETAIL = {
    400: "The question itself is wrong: the only parameter is scope, a scope's name.",
    401: "The request carries no credential that is good here.",
    403: "The credential is good, but not for this, or not from this address.",
    404: "There is nothing here.",
    405: "Only GET is answered here.",
    429: "The credential was used too often.",
    503: "The service cannot answer now. Try again.",
}

_HEADERS: dict[int, Headers] = {
    401: [("WWW-Authenticate", "Bearer")],
    405: [("Allow", "GET, HEAD")],
    503: [("Retry-After", "1")],
}


def _problem(status: int) -> bytes:
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _DETAIL[status],
    }
    return json.dumps(problem).encode()


_BODIES = {status: _problem(status) for status in _DETAIL}


def respond(
    start_response: Any, status: int, headers: Headers | None = None
) -> Iterable[bytes]:
    """Refuse with *status*, whose headers are those it always has, and *headers*."""
    body = _BODIES[status]
    start_response(
        f"{status} {HTTPStatus(status).phrase}",
        [
            ("Content-Type", "application/problem+json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            *_HEADERS.get(status, []),
            *(headers or []),
        ],
    )
    return [body]
