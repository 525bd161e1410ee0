"""Requests signed with a keypair: what is let in, what is refused, and only once."""

import hmac
import json
import logging
import threading
from collections.abc import Callable
from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from werkzeug.test import TestResponse

from keysvc import create_app
from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.shapes import KEYPAIRS
from keysvc.auth.chain import authenticated
from keysvc.commands.group import operator
from keysvc.core.housekeeping import Housekeeping
from keysvc.core.secrets import ring
from keysvc.core.secrets.vault import Vault
from keysvc.core.service import Service
from keysvc.current import caller
from keysvc.current import EXTENSION
from keysvc.model import Credential
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store import credentials as store
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.tables import UsedSignatureRow
from tests.api.answers import problem
from tests.api.answers import told
from tests.api.signer import Signer
from tests.api.signer import signer_of
from tests.conftest import Client

NOW = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
USER = "/v2/admin/keypairs/u1"
CREATE = f"{USER}/create"
WINDOW = timedelta(minutes=15)

_FILE = Path(__file__).parents[1] / "vectors" / "request-signing.json"
VECTORS = json.loads(_FILE.read_text())

Issue = Callable[..., Issued]


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(app: Flask, clock: Clock) -> Flask:
    """Return the application under test, with a clock that stands."""
    return at_the_clock(app, clock)


def at_the_clock(app: Flask, clock: Clock) -> Flask:
    """Give *app* a core of the same settings with another clock."""
    app.extensions[EXTENSION] = Service(app.extensions[EXTENSION].settings, clock)
    return app


@pytest.fixture
def signer(issue: Issue) -> Signer:
    """Return a signer who may do everything."""
    return signer_of(issue("u1", scopes=("*",)), NOW.isoformat())


def uses(service: Service, signer: Signer, user: str = "u1") -> int:
    """Return how often the signer's keypair was let in."""
    service.counters.flush()
    owner = Owner(OwnerKind.USER, user)
    found = service.credentials.get(operator(), Kind.KEYPAIR, owner, signer.access_key)
    return found.total_queries


def used_signatures() -> set[str]:
    with reading():
        return {row.signature for row in UsedSignatureRow.select()}


def count_of(client: Client, signer: Signer) -> int:
    """Return how many keypairs u1 has."""
    count: int = told(signer.send(client, "REPORT", USER))["paging"]["count"]
    return count


def refused(answer: TestResponse) -> bool:
    return problem(answer) == (401, "auth-failed")


# The vectors of Backend.AI's own client.


@pytest.fixture
def vectors_key(service: Service) -> str:
    """Keep the keypair of the vectors, which this service would not make."""
    credential = Credential(
        id=uuid4(),
        kind=Kind.KEYPAIR,
        owner=Owner(OwnerKind.USER, "u1"),
        public_id=VECTORS["access_key"],
        scopes=("*",),
        created_at=NOW,
        updated_at=NOW,
        created_by=operator().actor,
    )
    vault = Vault(lambda: ring.load(service.settings))
    secret = vault.protect(credential.id, VECTORS["secret_key"], sealed=True)
    with writing():
        store.add(credential, secret)
    return credential.public_id


@pytest.fixture
def client_of_v1(app: Flask) -> Client:
    """Return a client of an application that has a guarded ``/v1`` too."""
    blp = FamilyBlueprint("probe", "/v1", KEYPAIRS, authenticated)
    blp.add_url_rule("", "who", lambda: {"who": caller.id})
    app.register_blueprint(blp)
    client = app.test_client()
    assert isinstance(client, Client)
    return client


#: What the routes say once the signature is found good.
_SAID = {
    "GET no body": (400, "invalid-api-params"),
    "REPORT json": (200, None),
    "POST override": (200, None),
    "nonascii": (400, "invalid-api-params"),
    "query": (200, None),
    "+09:00": (400, "invalid-api-params"),
    "published example, empty-body hash, legacy header": (200, None),
    "legacy version: the body is hashed": (200, None),
}


def send_vector(client: Client, vector: dict[str, Any], **changed: str) -> TestResponse:
    headers = {
        "Authorization": "BackendAI signMethod=HMAC-SHA256,"
        f" credential={VECTORS['access_key']}:{vector['signature']}",
        "Date": vector["date"],
        vector.get("version_header", "x-backendai-version"): vector["version"],
        "Host": vector["host"],
        "Content-Type": vector["content_type"],
    }
    if vector["name"] == "POST override":
        headers["X-Method-Override"] = "REPORT"
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    return client.open(
        vector["rel_url"],
        method=vector["method"],
        data=vector["body"],
        headers=headers,
        environ_overrides={"RAW_URI": vector["rel_url"]},
    )


def test_every_vector_is_known() -> None:
    assert set(_SAID) == {vector["name"] for vector in VECTORS["vectors"]}


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda v: v["name"])
def test_every_vector_is_let_in(
    client_of_v1: Client,
    service: Service,
    clock: Clock,
    vectors_key: str,
    vector: dict[str, Any],
) -> None:
    clock.time = datetime.fromisoformat(vector["date"]).astimezone(UTC)
    answer = send_vector(client_of_v1, vector)

    status, suffix = _SAID[vector["name"]]
    assert answer.status_code == status, answer.text
    if suffix:
        assert problem(answer) == (status, suffix)
    key = signer_of_vectors(vector)
    assert uses(service, key) == 1


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda v: v["name"])
def test_no_vector_is_let_in_when_anything_differs(
    client_of_v1: Client,
    service: Service,
    clock: Clock,
    vectors_key: str,
    vector: dict[str, Any],
) -> None:
    clock.time = datetime.fromisoformat(vector["date"]).astimezone(UTC)
    later = (clock.time + timedelta(seconds=1)).isoformat()
    name = vector.get("version_header", "x-backendai-version")
    for changed in (
        {"Date": later},
        {"Host": "elsewhere.example"},
        {"Content-Type": "application/vnd.x+json"},
        {name: "v5.20200101"},
    ):
        answer = send_vector(client_of_v1, vector, **changed)
        assert refused(answer), changed
    other = vector | {"rel_url": vector["rel_url"] + "?x=1"}
    assert refused(send_vector(client_of_v1, other))
    assert uses(service, signer_of_vectors(vector)) == 0
    assert used_signatures() == set()


def signer_of_vectors(vector: dict[str, Any]) -> Signer:
    return Signer(
        access_key=VECTORS["access_key"],
        secret_key=VECTORS["secret_key"],
        date=vector["date"],
    )


# Every operation.


@pytest.mark.parametrize("scheme", ["BackendAI", "Sorna"])
def test_every_operation_can_be_signed(
    stranger: Client, signer: Signer, scheme: str
) -> None:
    signer = signer.but(scheme=scheme)
    made = told(signer.send(stranger, "POST", CREATE, b'{"isActive": false}'))
    path = f"{USER}/{made['accessKey']}"

    listed = told(signer.send(stranger, "REPORT", USER, b'{"paging": {"size": 10}}'))
    assert listed["paging"]["count"] == 2
    body = b'{"props": {"description": "signed"}}'
    assert signer.send(stranger, "PATCH", path, body).status_code == 204
    found = told(signer.send(stranger, "GET", f"{path}?keys=isActive,description"))
    assert found == {"values": [False, "signed"]}
    assert signer.send(stranger, "DELETE", path).status_code == 204
    assert problem(signer.send(stranger, "GET", f"{path}?keys=isActive")) == (
        404,
        "keypair-not-found",
    )
    assert count_of(stranger, signer) == 1


def test_other_routes_can_be_signed_too(stranger: Client, signer: Signer) -> None:
    answer = signer.send(stranger, "GET", "/v1/audit?limit=1")
    assert answer.status_code == 200
    answer = signer.but(secret_key="x").send(stranger, "GET", "/v1/audit?limit=1")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


# Dates.

DATES = [
    "2024-01-02T03:04:05.678901+00:00",
    "2024-01-02T03:04:05.678901Z",
    "2024-01-02T03:04:05.678901",
    "2024-01-02T03:04:05Z",
    "2024-01-02T03:04:05",
    "2024-01-02T03:04:05+00:00",
    "2024-01-02T12:04:05+09:00",
    "2024-01-01T22:04:05-05:00",
    "20240102T03:04:05Z",
    "20240102T030405Z",
    "Tue, 02 Jan 2024 03:04:05 GMT",
]


@pytest.mark.parametrize("header", ["Date", "X-BackendAI-Date", "X-Sorna-Date"])
def test_every_format_of_date_is_read(
    stranger: Client, signer: Signer, header: str
) -> None:
    for date in DATES:
        dated = signer.but(date=date, date_header=header)
        assert dated.send(stranger, "REPORT", USER).status_code == 200, date


@pytest.mark.parametrize(
    "date", ["2024-01-01T22:04:05-05:00", "2024-01-02T12:04:05+09:00"]
)
def test_the_day_is_the_one_of_the_dates_own_zone(
    stranger: Client, signer: Signer, date: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, day = USER, datetime.fromisoformat(date).strftime("%Y%m%d").encode()
    keys: list[bytes] = []
    real = hmac.digest

    def digest(key: bytes, message: bytes, kind: str) -> bytes:
        keys.append(message)
        return real(key, message, kind)

    monkeypatch.setattr(hmac, "digest", digest)
    headers = signer.but(date=date).headers("REPORT", target)
    keys.clear()
    answer = stranger.open(target, method="REPORT", headers=headers)
    assert answer.status_code == 200
    assert day in keys


def test_the_older_dates_give_way(stranger: Client, signer: Signer) -> None:
    order = ["Date", "X-BackendAI-Date", "X-Sorna-Date"]
    long_ago = "2001-01-01T00:00:00Z"
    for position, header in enumerate(order):
        weaker = {name: long_ago for name in order[position + 1 :]}
        stronger = {name: long_ago for name in order[:position]}
        signing = signer.but(date_header=header)
        good = signing.but(extra=weaker).send(stranger, "REPORT", USER)
        assert good.status_code == 200, header
        for name in stronger:
            bad = signing.but(extra={name: long_ago}).send(stranger, "REPORT", USER)
            assert refused(bad), (header, name)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_date_lies_strictly_within_a_quarter_of_an_hour(
    stranger: Client, signer: Signer, sign: int
) -> None:
    for distance, good in (
        (timedelta(0), True),
        (WINDOW - timedelta(microseconds=1), True),
        (WINDOW, False),
        (WINDOW + timedelta(microseconds=1), False),
        (timedelta(days=400), False),
    ):
        date = (NOW + sign * distance).isoformat()
        answer = signer.but(date=date).send(stranger, "REPORT", USER)
        assert answer.status_code == (200 if good else 401), distance
        assert good or refused(answer)


def test_the_window_is_the_same_in_every_zone(stranger: Client, signer: Signer) -> None:
    for date, status in (
        ("2024-01-02T12:19:05.678900+09:00", 200),
        ("2024-01-02T12:19:05.678901+09:00", 401),
        ("2024-01-01T21:49:05.678902-05:00", 200),
        ("2024-01-01T21:49:05.678901-05:00", 401),
    ):
        answer = signer.but(date=date).send(stranger, "REPORT", USER)
        assert answer.status_code == status, date


# The version, and the hash of the body.


VERSIONS = {
    "v1.20160915": True,
    "v4.20181214": True,
    "v4.20181215": False,
    "v3.20990101": True,
    "v5.20170101": False,
    "v10.20170101": False,
}


@pytest.mark.parametrize("header", ["X-BackendAI-Version", "X-Sorna-Version"])
def test_the_body_is_signed_below_a_version(
    stranger: Client, signer: Signer, header: str
) -> None:
    body = b'{"paging": {"size": 1}}'
    for version, counts in VERSIONS.items():
        of = signer.but(version=version, version_header=header, body_counts=counts)
        assert of.send(stranger, "REPORT", USER, body).status_code == 200, version

        wrong = of.but(body_counts=not counts)
        assert refused(wrong.send(stranger, "REPORT", USER, body)), version


def test_a_signed_body_cannot_be_exchanged(stranger: Client, signer: Signer) -> None:
    signer = signer.but(version="v2.20170315", body_counts=True)
    headers = signer.headers("POST", CREATE, b'{"isActive": false}')
    answer = stranger.post(CREATE, data=b'{"isActive": true}', headers=headers)
    assert refused(answer)
    assert used_signatures() == set()


def test_the_newer_version_header_counts(stranger: Client, signer: Signer) -> None:
    both = signer.but(extra={"X-Sorna-Version": "v1.20160915"})
    assert both.send(stranger, "REPORT", USER).status_code == 200
    both = signer.but(
        version_header="X-Sorna-Version", extra={"X-BackendAI-Version": "v6.20220315"}
    )
    assert refused(both.send(stranger, "REPORT", USER))


# Media type and host.


def test_the_media_type_is_signed_bare_and_lower(
    stranger: Client, signer: Signer
) -> None:
    body = b'{"paging": {"size": 1}}'
    for content_type in (
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json ;x=y",
    ):
        of = signer.but(content_type=content_type)
        assert of.send(stranger, "REPORT", USER, body).status_code == 200


def test_no_media_type_is_an_octet_stream(stranger: Client, signer: Signer) -> None:
    answer = signer.but(content_type="").send(stranger, "REPORT", USER)
    assert answer.status_code == 200
    answer = signer.but(content_type="text/plain").send(stranger, "REPORT", USER)
    assert answer.status_code == 200


def test_the_host_is_signed_with_its_port(stranger: Client, signer: Signer) -> None:
    for host in ("127.0.0.1:8080", "[::1]:8000", "keys.example"):
        of = signer.but(host=host)
        assert of.send(stranger, "REPORT", USER).status_code == 200, host
        bare = host.rpartition(":")[0] or "other.example"
        assert refused(of.send(stranger, "REPORT", USER, Host=bare)), host


# The method on the wire.


def test_under_an_override_the_wires_method_is_signed(
    stranger: Client, signer: Signer
) -> None:
    signer = signer.but(extra={"X-Method-Override": "REPORT"})
    for _ in range(3):
        answer = signer.send(stranger, "POST", USER)
        assert answer.status_code == 200
    assert used_signatures() == set()

    headers = signer.headers("REPORT", USER)
    assert refused(stranger.post(USER, headers=headers))


def test_one_method_is_not_another(stranger: Client, signer: Signer) -> None:
    path = f"{USER}/{signer.access_key}"
    headers = signer.headers("GET", path)
    for method in ("PATCH", "DELETE"):
        body = b'{"props": {}}' if method == "PATCH" else b""
        answer = stranger.open(path, method=method, data=body, headers=headers)
        assert refused(answer), method


# The raw target.

TARGETS = [
    "/v2/admin/keypairs/jos%C3%A9@example.com",
    "/v2/admin/keypairs/jos%c3%a9@example.com",
    "/v2/admin/keypairs/%75%31",
    "/v2/admin/keypairs/u1?",
    "/v2/admin/keypairs/u1?x=%20&y=+&x=",
    "/v2/admin/keypairs/a%20b",
    "/v2/admin/keypairs/a+b",
    "/v2/admin/keypairs/%E6%97%A5%E6%9C%AC",
]


def test_the_target_is_signed_as_it_was_sent(stranger: Client, signer: Signer) -> None:
    for target in TARGETS:
        answer = signer.send(stranger, "REPORT", target)
        assert answer.status_code == 200, target


#: What is signed, and what is sent in its place.
EXCHANGED = [
    ("/v2/admin/keypairs/u1", "/v2/admin/keypairs/%75%31"),
    ("/v2/admin/keypairs/u1", "/v2/admin/keypairs/u1?"),
    ("/v2/admin/keypairs/u1?a=1&b=2", "/v2/admin/keypairs/u1?b=2&a=1"),
    ("/v2/admin/keypairs/%C3%A9", "/v2/admin/keypairs/%c3%a9"),
    ("/v2/admin/keypairs/u2", "/v2/admin/keypairs/u1"),
]


def test_a_target_that_only_means_the_same_is_refused(
    stranger: Client, signer: Signer
) -> None:
    for signed, sent in EXCHANGED:
        answer = signer.send(stranger, "REPORT", sent, signed_as=signed)
        assert refused(answer), (signed, sent)


@pytest.mark.parametrize("missing", ["absent", "empty"])
def test_without_a_raw_target_it_is_said(
    app: Flask, stranger: Client, signer: Signer, missing: str
) -> None:
    inner: Any = app.wsgi_app

    def without(environ: dict[str, Any], start_response: Any) -> Any:
        for name in ("RAW_URI", "REQUEST_URI"):
            del environ[name]
            if missing == "empty":
                environ[name] = ""
        return inner(environ, start_response)

    app.wsgi_app = without  # type: ignore[method-assign]
    answer = stranger.open(
        USER, method="REPORT", headers=signer.headers("REPORT", USER)
    )
    assert problem(answer) == (400, "invalid-auth-params")
    detail = told(answer)["detail"]
    assert "RAW_URI" in detail
    assert "REQUEST_URI" in detail
    assert "Basic" in detail


def test_either_name_of_the_raw_target_will_do(
    app: Flask, stranger: Client, signer: Signer
) -> None:
    inner: Any = app.wsgi_app
    for name in ("RAW_URI", "REQUEST_URI"):

        def without(
            environ: dict[str, Any], start_response: Any, name: str = name
        ) -> Any:
            del environ[name]
            return inner(environ, start_response)

        app.wsgi_app = without  # type: ignore[method-assign]
        headers = signer.headers("REPORT", USER)
        answer = stranger.open(USER, method="REPORT", headers=headers)
        assert answer.status_code == 200


# What cannot be read.

GOOD = "a" * 64
MALFORMED = [
    "BackendAI",
    "BackendAI ",
    "Sorna",
    "BackendAI x",
    f"BackendAI credential=K:{GOOD}",
    "BackendAI signMethod=HMAC-SHA256",
    f"BackendAI signMethod=HMAC-SHA1, credential=K:{GOOD}",
    f"BackendAI signMethod=hmac-sha256, credential=K:{GOOD}",
    f"BackendAI signMethod=, credential=K:{GOOD}",
    "BackendAI signMethod=HMAC-SHA256, credential=",
    "BackendAI signMethod=HMAC-SHA256, credential=K",
    "BackendAI signMethod=HMAC-SHA256, credential=K:",
    f"BackendAI signMethod=HMAC-SHA256, credential=:{GOOD}",
    f"BackendAI signMethod=HMAC-SHA256; credential=K:{GOOD}",
    f"BackendAI signMethod: HMAC-SHA256, credential: K:{GOOD}",
    f"BackendAI SIGNMETHOD=HMAC-SHA256, CREDENTIAL=K:{GOOD}",
]


def test_a_malformed_header_is_a_bad_request(stranger: Client, signer: Signer) -> None:
    for authorization in MALFORMED:
        answer = signer.send(stranger, "REPORT", USER, Authorization=authorization)
        assert problem(answer) == (400, "invalid-auth-params"), authorization
        assert "signMethod=HMAC-SHA256" in told(answer)["detail"]
        assert "WWW-Authenticate" not in answer.headers


SPELLINGS = [
    "BackendAI signMethod=HMAC-SHA256,credential={}",
    "BackendAI   signMethod = HMAC-SHA256 ,  credential = {} ",
    "BackendAI credential={}, signMethod=HMAC-SHA256",
    "BackendAI signMethod=HMAC-SHA256, extra=1, credential={}",
]


def test_the_parts_may_be_spelled_loosely(stranger: Client, signer: Signer) -> None:
    pair = f"{signer.access_key}:{signer.signature('REPORT', USER)}"
    for spelling in SPELLINGS:
        said = spelling.format(pair)
        answer = signer.send(stranger, "REPORT", USER, Authorization=said)
        assert answer.status_code == 200, spelling


OTHER_SCHEMES = [
    *("backendai", "BACKENDAI", "Backendai", "sorna", "SORNA", "BackendAI2", "Backend")
]


def test_the_scheme_is_read_in_one_case_only(stranger: Client, signer: Signer) -> None:
    for scheme in OTHER_SCHEMES:
        answer = signer.but(scheme=scheme).send(stranger, "REPORT", USER)
        assert refused(answer), scheme


#: A part that is missing or wrong, and what the answer names.
UNREADABLE = [
    ({"Date": ""}, "Date"),
    ({"Date": "yesterday"}, "ISO 8601"),
    ({"Date": "2024-13-45T00:00:00Z"}, "ISO 8601"),
    ({"Date": "1704164645"}, "ISO 8601"),
    ({"X_BackendAI_Version": ""}, "X-BackendAI-Version"),
    ({"X_BackendAI_Version": "6"}, "v6.20220315"),
    ({"X_BackendAI_Version": "v6"}, "v6.20220315"),
    ({"X_BackendAI_Version": "v6.2022"}, "v6.20220315"),
]


def test_a_missing_or_unreadable_part_is_a_bad_request(
    stranger: Client, signer: Signer
) -> None:
    for changed, told_of in UNREADABLE:
        answer = signer.send(stranger, "REPORT", USER, b"", **changed)
        assert problem(answer) == (400, "invalid-auth-params"), changed
        assert told_of in told(answer)["detail"]


# What is refused, and that it looks and costs the same.


def test_what_is_refused_looks_the_same(
    stranger: Client, signer: Signer, issue: Issue
) -> None:
    date, seen = NOW.isoformat(), set()
    for refusal in refusals(issue, date):
        answer = refusal.send(stranger, "POST", CREATE)
        assert refused(answer)
        headers = [h for h in answer.headers if h[0] != "X-Request-ID"]
        seen.add((answer.data, tuple(headers)))
    stale = signer.but(date=(NOW - WINDOW).isoformat()).send(stranger, "POST", CREATE)
    assert signer.send(stranger, "POST", CREATE).status_code == 200
    again = signer.send(stranger, "POST", CREATE)
    for answer in (stale, again):
        headers = [h for h in answer.headers if h[0] != "X-Request-ID"]
        seen.add((answer.data, tuple(headers)))

    assert len(seen) == 1
    [(_, headers_)] = seen
    assert ("WWW-Authenticate", 'Basic realm="keysvc"') in headers_


def refusals(issue: Issue, date: str) -> list[Signer]:
    """Return whoever is refused: wrong, unknown, switched off, expired."""
    good = signer_of(issue("u1", scopes=("*",)), date)
    inactive = issue("u1", scopes=("*",), is_active=False)
    expired = issue("u1", scopes=("*",), expires_at=NOW)
    return [
        good.but(secret_key="a" * 40),
        good.but(access_key="KP" + "A" * 18),
        signer_of(inactive, date),
        signer_of(expired, date),
    ]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return what is done: statements, HMACs, opened seals."""
    done: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            done.append(str(record.msg[0]))

    real_digest, real_decrypt = hmac.digest, Fernet.decrypt

    def digest(key: bytes, message: bytes, kind: str) -> bytes:
        done.append("hmac")
        return real_digest(key, message, kind)

    def decrypt(self: Fernet, token: Any, ttl: int | None = None) -> bytes:
        done.append("open")
        return real_decrypt(self, token, ttl)

    monkeypatch.setattr(hmac, "digest", digest)
    monkeypatch.setattr(Fernet, "decrypt", decrypt)
    logger, handler = logging.getLogger("peewee"), Handler()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield done
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_what_is_refused_costs_the_same(
    stranger: Client, issue: Issue, work: list[str]
) -> None:
    everyone = refusals(issue, NOW.isoformat())
    found = []
    for warm in (False, True):
        for signer in everyone:
            headers = signer.headers("POST", CREATE)
            work.clear()
            assert refused(stranger.post(CREATE, headers=headers))
            if warm:
                found.append(list(work))

    first = found[0]
    assert [step for step in first if step not in ("hmac", "open")] != []
    # Once with what the cache knows, or with nobody; once with what the row says.
    assert first.count("hmac") == 2 * 3
    assert first.count("open") == 2
    assert sum("SELECT" in step for step in first) == 1
    assert found == [first] * len(everyone)


def test_an_address_that_is_not_allowed_is_forbidden(
    stranger: Client, issue: Issue
) -> None:
    issued = issue("u1", scopes=("*",), allowed_ips=("192.0.2.0/24",))
    signer = signer_of(issued, NOW.isoformat())
    answer = signer.send(stranger, "POST", CREATE)
    assert problem(answer) == (403, "generic-forbidden")
    assert used_signatures() == set()

    # Who does not know the secret is not told of addresses.
    assert refused(signer.but(secret_key="x").send(stranger, "POST", CREATE))

    stranger.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert signer.send(stranger, "REPORT", USER).status_code == 200


STRANGE_KEYS = ["KP\0", "\u00e9", "KP" + "A" * 5000, "'", "a b", "%", "KP\x7f"]


def test_a_strange_credential_is_an_unknown_one(
    stranger: Client, signer: Signer
) -> None:
    strange = [f"{access_key}:{GOOD}" for access_key in STRANGE_KEYS]
    strange += [
        f"{signer.access_key}:{signature}"
        for signature in ("\u00e9", "x", "a" * 5000, "A" * 64, "a:b")
    ]
    for pair in strange:
        authorization = f"BackendAI signMethod=HMAC-SHA256, credential={pair}"
        answer = signer.send(stranger, "REPORT", USER, Authorization=authorization)
        assert refused(answer), pair


# Once only.


def test_what_changes_state_is_accepted_once(
    stranger: Client, signer: Signer, service: Service
) -> None:
    made = told(signer.send(stranger, "POST", CREATE))
    path = f"{USER}/{made['accessKey']}"
    body = b'{"props": {"description": "once"}}'
    assert signer.send(stranger, "PATCH", path, body).status_code == 204
    before = uses(service, signer)
    for _ in range(2):
        assert refused(signer.send(stranger, "POST", CREATE))
        assert refused(signer.send(stranger, "PATCH", path, body))
    # What was refused is not counted.
    assert uses(service, signer) == before == 2
    assert signer.send(stranger, "DELETE", path).status_code == 204
    assert refused(signer.send(stranger, "DELETE", path))
    assert count_of(stranger, signer) == 1
    assert len(used_signatures()) == 3


def test_another_moment_is_another_request(stranger: Client, signer: Signer) -> None:
    for second in range(3):
        date = (NOW + timedelta(seconds=second)).isoformat()
        answer = signer.but(date=date).send(stranger, "POST", CREATE)
        assert answer.status_code == 200
    assert count_of(stranger, signer) == 4


def test_what_only_reads_may_come_again(
    stranger: Client, signer: Signer, service: Service
) -> None:
    path = f"{USER}/{signer.access_key}?keys=isActive"
    for _ in range(3):
        assert signer.send(stranger, "GET", path).status_code == 200
        assert signer.send(stranger, "REPORT", USER).status_code == 200
        assert signer.send(stranger, "HEAD", path).status_code == 200
    assert used_signatures() == set()
    assert uses(service, signer) == 9


def test_a_signature_is_used_up_though_its_spelling_changes(
    stranger: Client, signer: Signer
) -> None:
    assert signer.send(stranger, "POST", CREATE).status_code == 200
    assert refused(signer.but(scheme="Sorna").send(stranger, "POST", CREATE))
    pair = f"{signer.access_key}:{signer.signature('POST', CREATE)}"
    loose = f"BackendAI credential={pair} ,signMethod=HMAC-SHA256"
    assert refused(signer.send(stranger, "POST", CREATE, Authorization=loose))
    moved = signer.but(date_header="X-BackendAI-Date")
    assert refused(moved.send(stranger, "POST", CREATE))
    assert count_of(stranger, signer) == 2


def test_a_refused_request_stores_nothing(
    stranger: Client, issue: Issue, service: Service
) -> None:
    for signer in refusals(issue, NOW.isoformat()):
        assert refused(signer.send(stranger, "POST", CREATE))
        assert refused(signer.send(stranger, "DELETE", f"{USER}/x"))
    assert used_signatures() == set()


def test_a_wrong_body_is_refused_before_the_signature_is_used(
    stranger: Client, signer: Signer
) -> None:
    assert signer.send(stranger, "POST", CREATE, b"{").status_code == 400
    assert used_signatures() == set()
    assert signer.send(stranger, "POST", CREATE, b"{}").status_code == 200


def test_another_application_on_the_database_knows_it(
    config: dict[str, Any], clock: Clock, stranger: Client, signer: Signer
) -> None:
    other = at_the_clock(create_app(config), clock)
    other.test_client_class = Client
    client = other.test_client()
    assert isinstance(client, Client)

    assert signer.send(stranger, "POST", CREATE).status_code == 200
    assert refused(signer.send(client, "POST", CREATE))
    later = signer.but(date=(NOW + timedelta(seconds=1)).isoformat())
    assert later.send(client, "POST", CREATE).status_code == 200
    assert refused(later.send(stranger, "POST", CREATE))


def test_of_eight_at_once_one_is_accepted(
    app: Flask, stranger: Client, signer: Signer, service: Service
) -> None:
    barrier = threading.Barrier(8)
    statuses: list[int] = []
    headers = signer.headers("POST", CREATE)

    def send() -> None:
        client = app.test_client()
        barrier.wait()
        statuses.append(client.post(CREATE, headers=headers).status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()

    assert sorted(statuses) == [200] + [401] * 7
    assert uses(service, signer) == 1
    assert count_of(stranger, signer) == 2


def test_used_signatures_are_kept_for_as_long_as_they_would_be_good(
    stranger: Client, signer: Signer, clock: Clock
) -> None:
    date = (NOW + WINDOW - timedelta(seconds=1)).isoformat()
    signer = signer.but(date=date)
    assert signer.send(stranger, "POST", CREATE).status_code == 200
    last = NOW + 2 * WINDOW - timedelta(seconds=1)
    for moment in (last - timedelta(seconds=1), last - timedelta(microseconds=1)):
        clock.time = moment
        Housekeeping(clock).purge()
        assert len(used_signatures()) == 1
        assert refused(signer.send(stranger, "POST", CREATE))
    clock.time = last
    assert refused(signer.send(stranger, "POST", CREATE))
    # Long after, for a host whose clock is behind, or was ahead for an hour.
    clock.time = last + WINDOW + timedelta(hours=1, microseconds=1)
    Housekeeping(clock).purge()
    assert used_signatures() == set()
    assert refused(signer.send(stranger, "POST", CREATE))
    assert used_signatures() == set()
