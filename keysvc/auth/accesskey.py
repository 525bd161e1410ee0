"""``Authorization: AccessKey <token>``: an access key of an organization."""

from typing import Any

from keysvc.core.verification.verifier import Verifier
from keysvc.model import Caller
from keysvc.model import Origin


def accesskey(
    environ: dict[str, Any], verifier: Verifier, origin: Origin
) -> Caller | None:
    """Know an organization by one of its access keys; no other token will do."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "accesskey":
        return None
    return verifier.access_key(token.strip(), origin)
