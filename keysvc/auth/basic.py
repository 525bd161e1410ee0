"""``Authorization: Basic base64(accessKey:secretKey)`` (RFC 7617)."""

import binascii
from base64 import b64decode
from typing import Any

from keysvc.core.verification.verifier import Verifier
from keysvc.errors import MalformedCredential
from keysvc.model import Caller
from keysvc.model import Origin


def basic(environ: dict[str, Any], verifier: Verifier, origin: Origin) -> Caller | None:
    """Know the owner of a keypair by its access key and secret key."""
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
    return verifier.keypair(access_key, secret_key, origin)
