"""
Request signatures of Backend.AI: a keypair authenticates without sending its secret.

Pure functions. The wire rules are those of Backend.AI's ``sign_request``;
``tests/vectors/request-signing.json`` was computed by its client.
"""

import hmac
import re
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import NamedTuple

from keysvc.errors import MalformedCredential

#: How far the date of a request may lie from the server's clock, either way.
WINDOW = timedelta(minutes=15)

METHOD = "HMAC-SHA256"

#: Methods after which nothing is different: their signatures may come again.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "REPORT"})

_VERSION = re.compile(r"v(\d{1,6})\.(\d{8})")

#: From this version on the body is not signed.
_BODY_UNSIGNED = (4, 20181215)


class Signed(NamedTuple):
    """
    A signed request, as it came over the wire.

    ``method`` is the one on the wire, ``effective`` the one that an override made of
    it; ``target`` the raw request target; ``date`` and ``version`` the values of their
    headers, ``version_line`` the name of the latter in lower case.
    """

    access_key: str
    signature: str
    method: str
    effective: str
    target: str
    date: str
    host: str
    content_type: str
    version: str
    version_line: str
    body: bytes

    def __repr__(self) -> str:
        """Tell what was asked, never the signature or the body."""
        return f"Signed({self.method} {self.access_key!r})"

    @property
    def changes_state(self) -> bool:
        """Tell whether it must not be accepted a second time."""
        return self.effective not in _SAFE


def read_date(text: str) -> datetime:
    """
    Read a date in ISO 8601 (none of its zones means UTC) or RFC 7231, in its own zone.

    Raises:
        MalformedCredential: If it is neither.
    """
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            moment.astimezone(UTC)
            return moment
        except (ValueError, OverflowError):
            continue
    raise MalformedCredential("The date of a signed request is ISO 8601 or RFC 7231.")


def is_timely(date: datetime, now: datetime) -> bool:
    """Tell whether a request of *date* may come *now*."""
    return abs(now - date) < WINDOW


def sign(secret: str, request: Signed, date: datetime) -> str:
    """Return the signature that *request*, of *date*, must have, in hexadecimal."""
    key = _hmac(secret.encode(), date.strftime("%Y%m%d"))
    key = _hmac(key, request.host)
    return _hmac(key, _string_to_sign(request)).hex()


def _string_to_sign(request: Signed) -> str:
    body = request.body if signs_body(request) else b""
    return "\n".join(
        [
            request.method,
            request.target,
            request.date,
            f"host:{request.host}",
            f"content-type:{request.content_type}",
            f"{request.version_line}:{request.version}",
            sha256(body).hexdigest(),
        ]
    )


def read_version(text: str) -> tuple[int, int]:
    """
    Read a version such as ``v6.20220315``.

    Raises:
        MalformedCredential: If it is none.
    """
    version = _VERSION.fullmatch(text)
    if version is None:
        raise MalformedCredential("The version looks like v6.20220315.")
    return int(version[1]), int(version[2])


def signs_body(request: Signed) -> bool:
    """
    Tell whether the body of *request* is part of what it signs.

    Raises:
        MalformedCredential: If its version is none.
    """
    unsigned = read_version(request.version) >= _BODY_UNSIGNED
    return not unsigned and request.content_type != _MULTIPART


_MULTIPART = "multipart/form-data"


def _hmac(key: bytes, text: str) -> bytes:
    # A target can hold any byte; the WSGI environ gives it as Latin-1.
    return hmac.digest(key, text.encode("latin-1", "replace"), "sha256")
