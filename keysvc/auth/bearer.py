"""``Authorization: Bearer <token>`` (RFC 6750): a session, or a key itself."""

from typing import Any

from keysvc.core.verification.verifier import Verifier
from keysvc.model import Caller
from keysvc.model import Origin


def bearer(
    environ: dict[str, Any], verifier: Verifier, origin: Origin
) -> Caller | None:
    """Know whom a token stands for."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    return verifier.token(token.strip(), origin)
