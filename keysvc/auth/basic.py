"""``Authorization: Basic base64(accessKey:secretKey)`` (RFC 7617)."""

import binascii
from base64 import b64decode
from typing import Any

from keysvc.core.verification.presented import Pair
from keysvc.errors import MalformedCredential


def basic(environ: dict[str, Any]) -> Pair | None:
    """Read an access key and its secret key."""
    scheme, _, parameters = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = b64decode(parameters.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise MalformedCredential("Basic takes base64(accessKey:secretKey).") from None
    access_key, colon, secret_key = pair.partition(":")
    if not (access_key and colon):
        raise MalformedCredential("Basic takes base64(accessKey:secretKey).")
    return Pair(access_key, secret_key)
