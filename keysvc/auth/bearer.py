"""``Authorization: Bearer <token>`` (RFC 6750): a session, or a key itself."""

from typing import Any

from keysvc.core.verification.presented import Token


def bearer(environ: dict[str, Any]) -> Token | None:
    """Read the token of a session or a credential."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    return Token(token.strip())
