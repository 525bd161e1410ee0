"""A signed request behind a proxy: the signature is of what the client has asked."""

from datetime import datetime
from datetime import UTC
from typing import Any

import pytest

from tests.api.signer import Signer
from tests.api.signer import signer_of
from tests.gate.doors import Door
from tests.gate.doors import identity
from tests.gate.doors import ONE_ENGINE
from tests.gate.doors import refusal

PROXY = "127.0.0.1"
HOST = "api.example.org"
TARGET = "/jobs/7?dry=1"

FAMILIES = pytest.mark.parametrize("family", ["X-Forwarded", "X-Original"])


@pytest.fixture
def family() -> str:
    """Return the family that the proxy tells; a test may name another."""
    return "X-Original"


@pytest.fixture
def settings(family: str) -> dict[str, Any]:
    return {"KEYSVC_FORWARDED": family.lower()}


def signer_at(door: Door) -> Signer:
    """Return somebody with a keypair, who signs for the public host."""
    issued = door.issue(scopes=("jobs:*",))
    now = datetime.now(UTC).isoformat()
    return signer_of(issued, now).but(host=HOST)


def told(family: str, method: str, target: str = TARGET, host: str = HOST) -> Any:
    """Return what the proxy tells of the request."""
    told = {"Method": method, "Uri": target, "Host": host, "For": "192.0.2.1"}
    return {f"{family}-{name}": value for name, value in told.items()}


@ONE_ENGINE
@FAMILIES
@pytest.mark.parametrize("scheme", ["BackendAI", "Sorna"])
def test_it_is_let_in_as_it_was_signed(door: Door, family: str, scheme: str) -> None:
    signer = signer_at(door)
    headers = signer.but(scheme=scheme).headers("GET", TARGET)
    headers |= {"Host": "keysvc"} | told(family, "GET")

    for _ in range(2):
        named = identity(door.ask(headers, "scope=jobs:run", peer=PROXY))
        assert (named["Kind"], named["Owner"]) == ("keypair", "alice")
    assert refusal(door.ask(headers, "scope=other", peer=PROXY)) == 403


def test_what_changes_something_is_let_in_once(door: Door) -> None:
    signer = signer_at(door)
    headers = signer.headers("POST", TARGET) | told("X-Original", "POST")

    assert identity(door.ask(headers, peer=PROXY))
    assert refusal(door.ask(headers, peer=PROXY)) == 401


def test_a_refusal_does_not_use_the_signature_up(door: Door) -> None:
    signer = signer_at(door)
    headers = signer.headers("POST", TARGET) | told("X-Original", "POST")

    assert refusal(door.ask(headers, "scope=other", peer=PROXY)) == 403
    assert identity(door.ask(headers, "scope=jobs:run", peer=PROXY))


@ONE_ENGINE
@pytest.mark.parametrize(
    "changed",
    [
        {"X-Original-Method": "DELETE"},
        {"X-Original-Method": "get"},
        {"X-Original-Uri": "/jobs/8?dry=1"},
        {"X-Original-Uri": "/jobs/7"},
        {"X-Original-Host": "other.example.org"},
        {"X-Original-Method": ""},
        {"X-Original-Uri": ""},
        {"Content-Type": "text/plain"},
        {"Date": "2020-01-01T00:00:00+00:00"},
        {"X-BackendAI-Version": "v6.20220316"},
    ],
)
def test_of_anything_else_it_is_no_signature(
    alone: Door, changed: dict[str, str]
) -> None:
    signer = signer_at(alone)
    headers = signer.headers("GET", TARGET) | told("X-Original", "GET")
    assert identity(alone.ask(headers, peer=PROXY))

    assert refusal(alone.ask(headers | changed, peer=PROXY)) == 401


@ONE_ENGINE
def test_the_other_family_is_the_clients_own(alone: Door) -> None:
    signer = signer_at(alone)
    headers = signer.headers("GET", TARGET) | told("X-Forwarded", "GET")
    assert refusal(alone.ask(headers, peer=PROXY)) == 401

    real = told("X-Original", "DELETE", "/everything")
    assert refusal(alone.ask(headers | real, peer=PROXY)) == 401


@ONE_ENGINE
def test_who_is_no_proxy_is_not_believed(door: Door) -> None:
    signer = signer_at(door)
    headers = signer.headers("GET", TARGET) | told("X-Original", "GET")

    assert refusal(door.ask(headers, peer="192.0.2.1")) == 401


@ONE_ENGINE
def test_a_whole_url_does_as_well(alone: Door) -> None:
    signer = signer_at(alone)
    headers = signer.headers("GET", TARGET) | told("X-Original", "GET")
    del headers["X-Original-Uri"]
    headers["X-Original-URL"] = f"https://{HOST}{TARGET}"

    assert identity(alone.ask(headers, peer=PROXY))
    headers["X-Original-URL"] = "https://["
    assert refusal(alone.ask(headers, peer=PROXY)) == 401


@ONE_ENGINE
@FAMILIES
@pytest.mark.parametrize(
    ("told_for", "status"),
    [
        ("203.0.113.7", 204),
        ("198.51.100.1, 203.0.113.7", 204),
        ("203.0.113.7, 127.0.0.2", 204),
        ("203.0.113.7, 198.51.100.1", 403),
        ("203.0.113.7, garbage", 403),
        ("", 403),
    ],
)
def test_the_client_behind_the_proxy_needs_the_address(
    alone: Door, family: str, told_for: str, status: int
) -> None:
    issued = alone.issue_key(allowed_ips=("203.0.113.0/24",))
    headers = {"X-API-Key": issued.secret, f"{family}-For": told_for}
    other = {"X-Forwarded": "X-Original", "X-Original": "X-Forwarded"}[family]
    spoofed = {"X-API-Key": issued.secret, f"{other}-For": "203.0.113.7"}

    assert alone.ask(headers, peer=PROXY).status_code == status
    assert alone.ask(spoofed, peer=PROXY).status_code == 403
    assert alone.ask(headers, peer="198.51.100.1").status_code == 403
    assert alone.ask(spoofed | headers, peer=PROXY).status_code == status
