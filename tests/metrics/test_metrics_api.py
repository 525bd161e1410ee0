"""``/metrics``: who may read it, and what it says of what has happened."""

import re
from collections.abc import Callable
from typing import Any
from typing import NoReturn

import pytest
from flask import Flask

from keysvc.core.service import Service
from keysvc.errors import Unavailable
from keysvc.metrics.collector import exposition
from keysvc.model import Issued
from keysvc.store.connection import reading
from keysvc.store.feed import Watch
from tests.api.answers import problem
from tests.conftest import Client
from tests.conftest import Tenant
from tests.metrics.reading import read
from tests.metrics.reading import Told
from tests.service.servers import eventually

ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}
#: For what has nothing to do with the database.
ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

Ask = Callable[[], Told]


@pytest.fixture
def grown(app: Flask) -> Ask:
    """Return a function that returns what has been counted in this test."""
    # One process has one set of metrics, and other tests were here before.
    before = read(exposition()[0].decode())
    return lambda: read(exposition()[0].decode()).since(before)


def test_it_is_the_text_format(stranger: Client) -> None:
    answer = stranger.get("/metrics")

    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert read(answer.text)["pool_connections_limit"] >= 20


@ONE_ENGINE
@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1"])
def test_this_machine_may_read_it(stranger: Client, address: str) -> None:
    answer = stranger.get("/metrics", environ_overrides={"REMOTE_ADDR": address})
    assert answer.status_code == 200


@ONE_ENGINE
@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.0.2.7", {}),
        ("2001:db8::1", {}),
        ("", {}),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"X-Original-For": "127.0.0.1"}),
        ("127.0.0.1", {"X-Real-IP": ""}),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}),
        ("127.0.0.1", {"Via": "1.1 a"}),
        ("127.0.0.1", {"Host": "keys.example.com"}),
    ],
)
def test_elsewhere_nobody_may(
    stranger: Client, tenant: Tenant, address: str, headers: dict[str, str]
) -> None:
    """Not either by way of a proxy on this machine, whatever it says or leaves out."""
    far: dict[str, Any] = {"environ_overrides": {"REMOTE_ADDR": address}}

    refused = stranger.get("/metrics", headers=headers, **far)
    assert problem(refused) == (401, "about:blank")
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    lacking = tenant("ops", "keypairs:*", "realm:any")
    assert problem(lacking.get("/metrics", headers=headers, **far))[0] == 403
    for scope in ("metrics:read", "metrics:*"):
        allowed = tenant("ops", scope).get("/metrics", headers=headers, **far)
        assert allowed.status_code == 200


def test_requests_are_counted_by_route_method_and_status(
    grown: Ask, stranger: Client, admin: Client
) -> None:
    admin.report("/v2/admin/keypairs/alice")
    admin.post("/v2/admin/keypairs/bob", headers={"X-Method-Override": "REPORT"})
    stranger.report("/v2/admin/keypairs/alice")
    stranger.get("/docs/start.js")
    stranger.get("/v1/auth")
    stranger.post("/v1/auth")

    told = grown()
    found = {k: v for k, v in told.items() if k.startswith("http_requests_total")}
    rule = "route=/v2/admin/keypairs/<user>"
    assert found == {
        f"http_requests_total{{method=REPORT,{rule},status=200}}": 2,
        f"http_requests_total{{method=REPORT,{rule},status=401}}": 1,
        "http_requests_total{method=GET,route=/docs/start.js,status=200}": 1,
        "http_requests_total{method=GET,route=/v1/auth,status=401}": 1,
        "http_requests_total{method=POST,route=/v1/auth,status=405}": 1,
    }
    durations, labels = "http_request_duration_seconds", f"{{method=REPORT,{rule}}}"
    assert told[f"{durations}_count{labels}"] == 3
    assert told[f"{durations}_sum{labels}"] > 0


@ONE_ENGINE
def test_a_fault_is_counted_too(
    grown: Ask, admin: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(service.ledger, "page", fail)

    assert problem(admin.get("/v1/audit"))[0] == 500
    assert grown()["http_requests_total{method=GET,route=/v1/audit,status=500}"] == 1


@ONE_ENGINE
def test_clients_make_no_labels(grown: Ask, stranger: Client) -> None:
    for number in range(50):
        stranger.open(f"/nix/{number}?a={number}", method=f"M{number}")
        stranger.open(f"/v2/admin/keypairs/u{number}", method=f"M{number}")
        stranger.open("/v1/auth", method=f"M{number}")
        stranger.get("/v1/auth", headers={"Authorization": f"Bearer x{number}"})
        stranger.get(f"/nix/{number}", headers={"X-Method-Override": f"M{number}"})

    told = grown()
    assert {k: v for k, v in told.items() if k.startswith("http_requests_total")} == {
        "http_requests_total{method=OTHER,route=unmatched,status=404}": 50,
        "http_requests_total{method=OTHER,route=unmatched,status=405}": 50,
        "http_requests_total{method=OTHER,route=/v1/auth,status=405}": 50,
        "http_requests_total{method=GET,route=/v1/auth,status=401}": 50,
        "http_requests_total{method=GET,route=unmatched,status=404}": 50,
    }
    assert not [name for name in told if re.search(r"M\d|u\d|x\d", name)]


def test_verifications_are_counted_by_kind_and_code(
    grown: Ask, stranger: Client, issue: Callable[..., Issued], tenant: Tenant
) -> None:
    asker = tenant("asker", "verify", "realm:any")
    key = issue("alice", scopes=("jobs:run",))
    pair = {"accessKey": key.credential.public_id, "secretKey": key.secret}
    # The first time it is the database that knows the asker and the key.
    for _ in range(3):
        assert asker.post("/v1/verify", json=pair).json["valid"]  # type: ignore[index]
    asker.post("/v1/verify", json={**pair, "scopes": ["other"]})
    questions = [pair, {"token": "x"}, {**pair, "secretKey": key.secret[::-1]}]
    asker.post("/v1/verify/batch", json={"questions": questions})

    told = grown()
    assert {k: v for k, v in told.items() if k.startswith("verif")} == {
        "verifications_total{code=VALID,kind=keypair}": 5 + 3 + 1,
        "verifications_total{code=FORBIDDEN,kind=keypair}": 1,
        "verifications_total{code=UNKNOWN,kind=none}": 2,
    }
    hits, misses = (told[f"cache_lookups_total{{result={r}}}"] for r in ("hit", "miss"))
    assert hits + misses == 10
    # A refusal is never given from the cache.
    assert misses >= 3
    assert told["lookup_duration_seconds_count"] == misses


def test_logins_are_counted_too(grown: Ask, stranger: Client, service: Service) -> None:
    for form in (
        {"username": "olga", "password": "wrong"},
        {"password": "ksa_no-key-at-all"},
    ):
        assert stranger.post("/api/v1/login", data=form).status_code == 401
    for _ in range(service.settings.login_failures):
        stranger.post("/api/v1/login", data={"username": "olga", "password": "wrong"})

    told = grown()
    assert told["logins_total{by=password,code=UNKNOWN}"] == 10
    assert told["logins_total{by=password,code=RATE_LIMITED}"] == 1
    assert told["logins_total{by=api_key,code=UNKNOWN}"] == 1


def test_a_feed_that_is_away_shows(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(watch: Watch) -> NoReturn:
        raise Unavailable("The database cannot be asked now.")

    def fresh() -> float:
        return _told()["feeds{state=fresh}"]

    assert admin.get("/v1/audit").status_code == 200
    # Those of the tests before have ended.
    eventually(lambda: fresh() == 1)
    with monkeypatch.context() as patched:
        patched.setattr(Watch, "head", away)
        eventually(lambda: fresh() == 0)
        told = _told()
        assert told["feeds{state=stale}"] >= 1
        assert told["feed_age_seconds"] >= 0.5
    eventually(lambda: fresh() == 1)


def test_the_use_of_the_pool_shows(app: Flask) -> None:
    before = _told()["pool_connections{state=used}"]
    with reading():
        assert _told()["pool_connections{state=used}"] == before + 1
    told = _told()
    assert told["pool_connections{state=used}"] == before
    assert told["pool_connections{state=idle}"] >= 1
    assert told["pool_connections_limit"] == 20


def _told() -> Told:
    return read(exposition()[0].decode())
