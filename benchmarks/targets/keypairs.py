"""Keypairs: their routes, and the audit."""

import json
from base64 import b64encode
from collections.abc import Iterator
from email.utils import format_datetime
from uuid import uuid4

from benchmarks.estate import Estate
from benchmarks.estate.keypairs import Keypair
from benchmarks.loads import Request
from benchmarks.targets.target import JSON
from benchmarks.targets.target import Target
from keysvc.core.clock import utcnow
from keysvc.core.verification import signing
from keysvc.core.verification.signing import Signed

_KEYS = "?keys=isActive,ML.clusterSize,scopes"
_PAGING = json.dumps({"paging": {"size": 20, "index": 0}}).encode()
_VERSION = "v6.20220315"


def get(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """Get three properties of a keypair of the caller's own user."""
    for pair in estate.keypairs.draw(count):
        yield Request(
            "GET", _path(estate.keypairs.sibling(pair)) + _KEYS, _basic(pair, host)
        )


def signed_get(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """Get the same by a signed request, as Backend.AI's client signs it."""
    for pair in estate.keypairs.draw(count):
        target = _path(estate.keypairs.sibling(pair)) + _KEYS
        yield Request("GET", target, signature(pair, host, target))


def report(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """List the first 20 keypairs of the caller's own user."""
    for pair in estate.keypairs.draw(count):
        headers = _basic(pair, host) | JSON
        yield Request("REPORT", f"/v2/admin/keypairs/{pair.user}", headers, _PAGING)


def audit(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """List 20 records of the caller's own user."""
    for pair in estate.keypairs.draw(count, estate.keypairs.audited()):
        yield Request("GET", "/v1/audit?limit=20", _basic(pair, host))


def patch(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """Change the description of a keypair to another one."""
    for pair in estate.keypairs.draw(count):
        body = json.dumps({"props": {"description": uuid4().hex}}).encode()
        headers = _basic(pair, host) | JSON
        yield Request("PATCH", _path(estate.keypairs.sibling(pair)), headers, body)


def create(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """Create a keypair for the caller's own user."""
    for pair in estate.keypairs.draw(count):
        target = f"/v2/admin/keypairs/{pair.user}/create"
        headers = _basic(pair, host) | JSON
        yield Request("POST", target, headers, b'{"props": {"description": "new"}}')


def targets(count: int) -> tuple[Target, ...]:
    """Return what is measured of keypairs, however many there are."""
    return (
        Target("GET properties", get),
        Target("GET properties, access log on", get, logged=True),
        Target("GET properties, signed", signed_get),
        Target("REPORT of 20", report),
        Target("GET /v1/audit of 20", audit),
        Target("PATCH", patch, flushes=True),
        Target("create", create, flushes=True),
    )


def _path(pair: Keypair) -> str:
    return f"/v2/admin/keypairs/{pair.user}/{pair.access_key}"


def _basic(pair: Keypair, host: str) -> dict[str, str]:
    told = b64encode(f"{pair.access_key}:{pair.secret_key}".encode()).decode()
    return {"Host": host, "Authorization": f"Basic {told}"}


def signature(pair: Keypair, host: str, target: str) -> dict[str, str]:
    """Return the headers by which Backend.AI's client signs a GET of *target*."""
    now = utcnow().replace(microsecond=0)
    date = format_datetime(now, usegmt=True)
    unsigned = Signed(
        access_key=pair.access_key,
        signature="",
        method="GET",
        effective="GET",
        target=target,
        date=date,
        host=host,
        content_type="application/octet-stream",
        version=_VERSION,
        version_line="x-backendai-version",
        body=b"",
    )
    signature = signing.sign(pair.secret_key, unsigned, now)
    return {
        "Host": host,
        "Date": date,
        "X-BackendAI-Version": _VERSION,
        "Authorization": f"BackendAI signMethod={signing.METHOD},"
        f" credential={pair.access_key}:{signature}",
    }
