"""Turn errors into answers: the one table of statuses."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from http import HTTPStatus
from math import ceil
from typing import Any

from werkzeug.exceptions import HTTPException

from keysvc import errors
from keysvc.traces import trace_of

log = logging.getLogger(__name__)

STATUS: dict[type[Exception], int] = {
    errors.Invalid: 422,
    errors.Malformed: 400,
    errors.MalformedPath: 400,
    errors.Unauthenticated: 401,
    errors.MalformedCredential: 401,
    errors.UnknownCredential: 401,
    errors.InactiveCredential: 401,
    errors.ExpiredCredential: 401,
    errors.UsedSignature: 401,
    errors.Forbidden: 403,
    errors.AddressNotAllowed: 403,
    errors.IllegalOperation: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.RateLimited: 429,
    errors.QuotaExceeded: 429,
    errors.Unavailable: 503,
    errors.Misconfigured: 503,
}

#: One wording for all that could tell a guesser how far he got.
_DETAIL = {
    401: "The request carries no credential that is good here.",
    500: "Something went wrong here. The log knows more, under the request's id.",
    503: "The service cannot answer now. Try again.",
}

#: Seconds after which a client may ask again.
RETRY_AFTER = 1

_BODY_HEADERS = {"content-type", "content-length"}


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as any family can tell it: each only chooses the shape."""

    status: int
    meaning: type[Exception]
    detail: str
    fields: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Return what the status is called."""
        return HTTPStatus(self.status).phrase


def problem_of(
    error: Exception, statuses: Mapping[type[Exception], int], challenge: str
) -> Problem:
    """
    Say what *error* means on the wire.

    Args:
        statuses: Where a family departs from ``STATUS``.
        challenge: What a 401 asks for.
    """
    if isinstance(error, HTTPException):
        return _of_http(error)
    meaning = type(error)
    status = statuses.get(meaning) or STATUS[meaning]
    headers: dict[str, str] = {}
    if status == 401:
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, errors.RateLimited):
        headers |= _limit_headers(error)
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER)
        cause = error.__cause__
        log.warning("unavailable: %s%s", error, f"\n{trace_of(cause)}" if cause else "")
    detail = _DETAIL.get(status, str(error))
    return Problem(status, meaning, detail, getattr(error, "fields", {}), headers)


def _limit_headers(error: errors.RateLimited) -> dict[str, str]:
    headers = {"Retry-After": str(max(ceil(error.retry_after), 1))}
    if error.limit is not None:
        headers["X-RateLimit-Limit"] = str(error.limit)
        headers["X-RateLimit-Remaining"] = "0"
        headers["X-RateLimit-Window"] = str(error.window)
    return headers


def _of_http(error: HTTPException) -> Problem:
    """Werkzeug's own, with its headers: Allow, Retry-After and the like."""
    status = error.code or 500
    headers: dict[str, Any] = {
        name: value
        for name, value in error.get_headers()
        if name.lower() not in _BODY_HEADERS
    }
    detail = _DETAIL.get(status, error.description or "")
    return Problem(status, type(error), detail, {}, headers)
