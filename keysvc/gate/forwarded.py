"""What a proxy says of the request that it asks about; believed of trusted peers."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from keysvc.core.access import lies_within
from keysvc.errors import MalformedCredential

#: Of either family: the header of the client's address and of the request line. Some
#: proxies tell the whole URL.
_FAMILIES = {
    "x-forwarded": ("HTTP_X_FORWARDED_", ("URI",)),
    "x-original": ("HTTP_X_ORIGINAL_", ("URI", "URL")),
}

_SCHEME_AND_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")


class Forwarded:
    """
    Reads one family of forwarded headers, and none at all from anyone else.

    One, since a client may send the family that the proxy does not overwrite.

    Args:
        family: ``x-forwarded``, ``x-original``, or nothing to read none.
        trusted: The networks of the proxies.
    """

    def __init__(self, family: str, trusted: Sequence[str]) -> None:
        self._prefix, self._targets = _FAMILIES.get(family, ("", ()))

        @lru_cache(4096)
        def trusts(peer: str) -> bool:
            # A socket file has no address; who may open it, its owner has said.
            return lies_within(peer or "127.0.0.1", trusted)

        self._trusts = trusts

    def address(self, environ: dict[str, Any]) -> str | None:
        """Return the client's address: the first from the right that is no proxy."""
        peer: str = environ.get("REMOTE_ADDR") or ""
        if not self._prefix or not self._trusts(_peer(environ)):
            return peer or None
        told: str = environ.get(self._prefix + "FOR", "")
        hops = [hop for part in told.split(",") if (hop := part.strip())]
        for hop in reversed(hops):
            if not self._trusts(hop):
                return hop
        return hops[0] if hops else peer or None

    def signed(self, environ: dict[str, Any]) -> dict[str, Any]:
        """
        Return *environ* with the method, target and host that the client has signed.

        Raises:
            MalformedCredential: If a trusted proxy does not tell them.
        """
        if not self._prefix or not self._trusts(_peer(environ)):
            return environ
        method = environ.get(self._prefix + "METHOD")
        told = (environ.get(self._prefix + name) for name in self._targets)
        target = next(filter(None, told), None)
        if not method or not target:
            raise MalformedCredential("The proxy does not tell what was asked.")
        host = environ.get(self._prefix + "HOST") or environ.get("HTTP_HOST", "")
        return environ | {
            "REQUEST_METHOD": method,
            "RAW_URI": _path_of(target),
            "HTTP_HOST": host,
        }


def _peer(environ: dict[str, Any]) -> str:
    """Return who has really connected, also where a host's ``ProxyFix`` came before."""
    before: dict[str, Any] = environ.get("werkzeug.proxy_fix.orig", environ)
    return before.get("REMOTE_ADDR") or ""


def _path_of(target: str) -> str:
    """Return the target as the client has sent it: no byte of it may change."""
    url = _SCHEME_AND_HOST.match(target)
    if url is None:
        return target
    rest = target[url.end() :]
    return rest if rest.startswith("/") else f"/{rest}"
