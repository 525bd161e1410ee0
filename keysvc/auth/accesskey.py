"""``Authorization: AccessKey <token>``: an access key of an organization."""

from typing import Any

from keysvc.core.verification.presented import Token
from keysvc.model import Kind


def accesskey(environ: dict[str, Any]) -> Token | None:
    """Read the token of an access key; no other token will do."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "accesskey":
        return None
    return Token(token.strip(), Kind.ACCESS_KEY)
