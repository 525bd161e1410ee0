"""Bodies of requests, as bytes: whole, or not at all."""

from io import BytesIO

from flask import Request
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import RequestEntityTooLarge

from keysvc.errors import Malformed

#: Bytes.
MAX_BODY = 64 * 1024


def read_body(asked: Request) -> bytes:
    """
    Return the body of *asked*, and leave it for whoever reads it after us.

    The schemes by which a body is signed find it in the environ: ``keysvc.body``.

    Raises:
        Malformed: If it was not sent whole.
        RequestEntityTooLarge: If it is longer than 64 KiB.
    """
    # One byte more than may come: a chunked body says no length beforehand, and
    # Werkzeug cuts it at the limit without a word.
    asked.max_content_length = MAX_BODY + 1
    length = asked.content_length
    if (length or 0) > MAX_BODY:
        raise RequestEntityTooLarge
    try:
        raw = _bytes_of(asked, length)
    except HTTPException:
        raise
    except Exception:
        # For chunks that lie each server raises what it likes, and quotes them.
        raise Malformed("The body cannot be read: it was not sent whole.") from None
    if len(raw) < (length or 0):
        raise Malformed("The body cannot be read: it was not sent whole.")
    if len(raw) > MAX_BODY:
        raise RequestEntityTooLarge
    asked.environ["keysvc.body"] = raw
    return raw


def _bytes_of(asked: Request, length: int | None) -> bytes:
    if not length and _has_no_body(asked):
        return b""
    if not length or "stream" in vars(asked):
        return asked.get_data(cache=True)
    # Werkzeug's streams cost more than a verification, and know the length no better.
    given, raw = asked.environ["wsgi.input"], b""
    while len(raw) < length and (more := given.read(length - len(raw))):
        raw += more
    asked.environ["wsgi.input"] = BytesIO(raw)
    return raw


def _has_no_body(asked: Request) -> bool:
    """Tell whether there can be none: before HTTP/2, one has a length or chunks."""
    environ = asked.environ
    return (
        environ.get("SERVER_PROTOCOL", "").startswith("HTTP/1")
        and not environ.get("CONTENT_LENGTH")
        and "HTTP_TRANSFER_ENCODING" not in environ
    )
