"""What a guard raises; a host renders them as it does its own errors."""

from typing import NoReturn

from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.exceptions import TooManyRequests
from werkzeug.exceptions import Unauthorized


class KeyRefused(HTTPException):
    """Any of these: nobody is let in."""


class KeyRequired(KeyRefused, Unauthorized):
    """The request carries no credential that is good here."""

    description = "The request carries no credential that is good here."


class KeyForbidden(KeyRefused, Forbidden):
    """The credential is good, but not for this, or not from this address."""

    description = "The credential is good, but not for this, or not from this address."


class KeyExhausted(KeyRefused, TooManyRequests):
    """The credential was used too often."""

    description = "The credential was used too often."


class KeyUnverified(KeyRefused, ServiceUnavailable):
    """Whether the credential is good cannot be found out now."""

    description = "Whether the credential is good cannot be found out now."


def refuse(status: int, seconds: int | None = None) -> NoReturn:
    """
    Raise what *status* means here.

    Args:
        seconds: After which another try may be let in, if that is known.
    """
    errors: dict[int, HTTPException] = {
        401: KeyRequired(www_authenticate=WWWAuthenticate("bearer")),
        403: KeyForbidden(),
        429: KeyExhausted(retry_after=seconds),
        503: KeyUnverified(retry_after=1),
    }
    raise errors[status]
