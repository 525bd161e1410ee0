"""``Authorization: BackendAI signMethod=HMAC-SHA256, credential=<key>:<signature>``."""

from typing import Any

from keysvc.core.verification import signing
from keysvc.core.verification.signing import Signed
from keysvc.errors import MalformedCredential

#: The present name of the scheme, and the one of old clients.
_SCHEMES = {"BackendAI", "Sorna"}

_DATES = ("HTTP_DATE", "HTTP_X_BACKENDAI_DATE", "HTTP_X_SORNA_DATE")
_VERSIONS = {
    "HTTP_X_BACKENDAI_VERSION": "x-backendai-version",
    "HTTP_X_SORNA_VERSION": "x-sorna-version",
}


def backendai(environ: dict[str, Any]) -> Signed | None:
    """Read the signature of a request, and all that it was made of."""
    scheme, _, parameters = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme not in _SCHEMES:
        return None
    access_key, signature = _credential(parameters)
    return _signed(environ, access_key, signature)


def _credential(parameters: str) -> tuple[str, str]:
    parts = [part.partition("=") for part in parameters.split(",")]
    named = {name.strip(): value.strip() for name, _, value in parts}
    access_key, colon, signature = named.get("credential", "").partition(":")
    if named.get("signMethod") != signing.METHOD or not (access_key and signature):
        raise MalformedCredential(
            f"BackendAI takes signMethod={signing.METHOD},"
            " credential=<access key>:<hexadecimal signature>."
        )
    return access_key, signature


def _signed(environ: dict[str, Any], access_key: str, signature: str) -> Signed:
    version = next((name for name in _VERSIONS if environ.get(name)), None)
    date = next((environ[name] for name in _DATES if environ.get(name)), None)
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if version is None:
        raise MalformedCredential("A signed request needs X-BackendAI-Version.")
    if date is None:
        raise MalformedCredential("A signed request needs Date or X-BackendAI-Date.")
    if not target:
        raise MalformedCredential(
            "This server does not pass the raw request target (RAW_URI or REQUEST_URI)"
            " on, so signatures cannot be checked: use Basic."
        )
    media_type = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    return Signed(
        access_key=access_key,
        signature=signature,
        method=environ.get("keysvc.wire_method") or environ["REQUEST_METHOD"],
        effective=environ["REQUEST_METHOD"],
        target=target,
        date=date,
        host=environ.get("HTTP_HOST", ""),
        content_type=media_type or "application/octet-stream",
        version=environ[version],
        version_line=_VERSIONS[version],
        body=environ.get("keysvc.body", b""),
    )
