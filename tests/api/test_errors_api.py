"""Errors keep their family's shape, and the headers that they call for."""

import logging
from collections.abc import Callable
from datetime import datetime
from datetime import UTC
from http import HTTPStatus
from typing import Any
from typing import NoReturn
from uuid import UUID

import pytest
from flask import Flask
from werkzeug import exceptions

from keysvc.api.blueprint import answer
from keysvc.api.shapes import CORE
from keysvc.api.shapes import KEYPAIRS
from keysvc.core.secrets import tokens
from keysvc.core.service import Service
from keysvc.errors import Unavailable
from keysvc.model import Issued
from tests.api.answers import allowed
from tests.api.answers import problem
from tests.api.answers import PROBLEMS
from tests.api.answers import told
from tests.conftest import Client
from tests.conftest import Tenant

USER = "/v2/admin/keypairs/u1"
FORM = "application/x-www-form-urlencoded"


def test_every_error_has_its_type_and_status(
    admin: Client, tenant: Tenant, stranger: Client
) -> None:
    reader = tenant("u1", "keypairs:read")
    big = b'{"paging":' + b" " * 65536 + b"{}}"
    as_json = {"content_type": "application/json"}
    answers = {
        "no credential": stranger.report(USER),
        "credential unread": stranger.report(
            USER, headers={"Authorization": "Basic x"}
        ),
        "scope lacking": reader.post(f"{USER}/create"),
        "malformed JSON": admin.report(USER, data=b"{", **as_json),
        "wrong type": admin.report(USER, json={"paging": 1}),
        "no object": admin.report(USER, json=[]),
        "unknown field": admin.report(USER, json={"x": 1}),
        "no keypair": admin.delete(f"{USER}/KPX"),
        "foreign realm": reader.report("/v2/admin/keypairs/u2"),
        "unknown path": admin.get(f"{USER}/KPX/more"),
        "no user": admin.report("/v2/admin/keypairs/"),
        "slash at the end": admin.report(f"{USER}/"),
        "two slashes": admin.delete("/v2/admin/keypairs//u1/KPX"),
        "method": admin.put(f"{USER}/KPX"),
        "too large": admin.report(USER, data=big, **as_json),
        "form": admin.report(USER, data=b"paging=1", content_type=FORM),
    }
    assert {name: problem(answer) for name, answer in answers.items()} == {
        "no credential": (401, "auth-failed"),
        "credential unread": (400, "invalid-auth-params"),
        "scope lacking": (403, "generic-forbidden"),
        "malformed JSON": (400, "invalid-api-params"),
        "wrong type": (400, "invalid-api-params"),
        "no object": (400, "invalid-api-params"),
        "unknown field": (400, "invalid-api-params"),
        "no keypair": (404, "keypair-not-found"),
        "foreign realm": (404, "keypair-not-found"),
        "unknown path": (404, "url-not-found"),
        "no user": (404, "url-not-found"),
        "slash at the end": (404, "url-not-found"),
        "two slashes": (404, "url-not-found"),
        "method": (405, "method-not-allowed"),
        "too large": (413, "payload-too-large"),
        "form": (415, "unsupported-media-type"),
    }


def test_titles_are_those_of_the_status(admin: Client, stranger: Client) -> None:
    for given in (stranger.report(USER), admin.get("/nix"), admin.put(USER)):
        assert told(given)["title"] == HTTPStatus(given.status_code).phrase


def test_the_core_has_no_types_of_its_own(
    admin: Client, tenant: Tenant, stranger: Client
) -> None:
    answers = {
        "no credential": stranger.get("/v1/audit"),
        "credential unread": stranger.get(
            "/v1/audit", headers={"Authorization": "Basic x"}
        ),
        "scope lacking": tenant("u1", "keypairs:*").get("/v1/audit"),
        "out of range": admin.get("/v1/audit?limit=101"),
        "too many digits": admin.get("/v1/audit?limit=" + "9" * 5000),
        "unknown path": admin.get("/v1/audit/more"),
        "unknown path elsewhere": stranger.get("/nix"),
        "method": admin.post("/v1/audit"),
        "form": admin.get("/v1/audit", data=b"x=1", content_type=FORM),
    }
    assert {name: problem(answer) for name, answer in answers.items()} == {
        "no credential": (401, "about:blank"),
        "credential unread": (401, "about:blank"),
        "scope lacking": (403, "about:blank"),
        "out of range": (422, "about:blank"),
        "too many digits": (422, "about:blank"),
        "unknown path": (404, "about:blank"),
        "unknown path elsewhere": (404, "about:blank"),
        "method": (405, "about:blank"),
        "form": (415, "about:blank"),
    }


def test_fields_are_named_by_their_path(admin: Client) -> None:
    for body, path in (
        ({"paging": {"size": -1}}, "paging.size"),
        ({"paging": {"nix": 1}}, "paging.nix"),
        ({"paging": 1}, "paging"),
        ({"nix": 1}, "nix"),
        ([], "body"),
        ("x", "body"),
    ):
        errors = told(admin.report(USER, json=body))["errors"]
        assert list(errors) == [path], body
        assert all(errors[path])


def test_all_flaws_are_told_at_once(admin: Client) -> None:
    body = {"isActive": 1, "props": {"ML": {"clusterSize": 0}, "remaining": -1}, "x": 1}
    answer = admin.post(f"{USER}/create", json=body)
    assert told(answer)["errors"].keys() == {
        *("isActive", "props.ML.clusterSize", "props.remaining", "x")
    }


def test_a_401_says_how_to_authenticate(stranger: Client) -> None:
    for method, path in (
        ("REPORT", USER),
        ("POST", f"{USER}/create"),
        ("GET", f"{USER}/KPX"),
        ("PATCH", f"{USER}/KPX"),
        ("DELETE", f"{USER}/KPX"),
        ("OPTIONS", USER),
    ):
        given = stranger.open(path, method=method)
        assert problem(given) == (401, "auth-failed"), method
        assert given.headers["WWW-Authenticate"] == 'Basic realm="keysvc"'
    assert stranger.get("/v1/audit").headers["WWW-Authenticate"] == "Bearer"


def test_unknown_wrong_inactive_and_expired_look_the_same(
    stranger: Client, issue: Callable[..., Issued]
) -> None:
    good, other, inactive, expired = (
        issue("u1", scopes=("*",)),
        issue("u1"),
        issue("u1", is_active=False),
        issue("u1", expires_at=datetime(2020, 1, 1, tzinfo=UTC)),
    )
    key = good.credential.public_id
    answers = [
        stranger.carrying(access_key, secret_key).report(USER)
        for access_key, secret_key in (
            tokens.mint_keypair(),
            (key, other.secret),
            (key, ""),
            (key, "x"),
            ("\u00fc", "x"),
            (inactive.credential.public_id, inactive.secret),
            (expired.credential.public_id, expired.secret),
        )
    ]
    answers.append(stranger.report(USER, headers={"Authorization": "Nix x"}))
    answers.append(stranger.report(USER, headers={"Authorization": ""}))
    assert {problem(given) for given in answers} == {(401, "auth-failed")}
    assert len({given.text for given in answers}) == 1
    assert {given.headers["WWW-Authenticate"] for given in answers} == {
        'Basic realm="keysvc"'
    }


@pytest.mark.parametrize("access_key", ["a\0b", "\0", "KP\n", "-a", "a---b", "a-"])
def test_an_access_key_that_is_no_slug_is_merely_unknown(
    stranger: Client, access_key: str
) -> None:
    body = "x" * 34
    secret_key = body + tokens.checksum(access_key + body)
    client = stranger.carrying(access_key, secret_key)
    assert problem(client.report(USER)) == (401, "auth-failed")


def test_a_credential_that_cannot_be_read_is_named_so(stranger: Client) -> None:
    for header in (
        "Basic",
        "Basic ",
        "basic !",
        "Basic Og==",
        "Basic eA==",
        "BASIC /w==",
    ):
        given = stranger.report(USER, headers={"Authorization": header})
        assert problem(given) == (400, "invalid-auth-params"), header


def test_a_405_names_what_is_allowed(admin: Client, stranger: Client) -> None:
    report, create = {"REPORT", "OPTIONS"}, {"POST"}
    keypair = {"GET", "HEAD", "PATCH", "DELETE", "OPTIONS"}
    for client in (admin, stranger):
        for method, path, methods in (
            ("GET", USER, report),
            ("POST", USER, report),
            ("DELETE", USER, report),
            ("REPORT", f"{USER}/KPX", keypair),
            ("POST", f"{USER}/KPX", keypair),
            ("PUT", f"{USER}/create", keypair | create),
            ("NIX", f"{USER}/create", keypair | create),
        ):
            given = client.open(path, method=method)
            assert problem(given) == (405, "method-not-allowed"), (method, path)
            assert allowed(given) == methods, (method, path)
    given = stranger.delete("/v1/audit")
    assert problem(given) == (405, "about:blank")
    assert allowed(given) == {"GET", "HEAD", "OPTIONS"}


def unavailable(*args: Any, **kwargs: Any) -> NoReturn:
    raise Unavailable("The disk of db7.example.com is full.")


#: What an exception may say that is for nobody, not even for the log.
WORDS = "db7.example.com: a secret of the house"


def broken(*args: Any, **kwargs: Any) -> NoReturn:
    raise RuntimeError(WORDS)


def test_a_503_says_when_to_come_back(
    admin: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.credentials, "brief_page", unavailable)
    monkeypatch.setattr(service.ledger, "page", unavailable)
    for given, suffix in (
        (admin.report(USER), "service-unavailable"),
        (admin.get("/v1/audit"), "about:blank"),
    ):
        assert problem(given) == (503, suffix)
        assert int(given.headers["Retry-After"]) > 0
        assert "db7" not in given.text


def test_without_a_ready_database_the_answer_is_503(
    admin: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.installation, "ensure_ready", unavailable)
    given = admin.report(USER)
    assert problem(given) == (503, "service-unavailable")
    assert "Retry-After" in given.headers


def test_the_unexpected_is_logged_once_and_told_to_nobody(
    admin: Client,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(service.credentials, "brief_page", broken)
    monkeypatch.setattr(service.ledger, "page", broken)
    for method, path, suffix in (
        ("REPORT", USER, "internal-server-error"),
        ("GET", "/v1/audit", "about:blank"),
    ):
        caplog.clear()
        given = admin.open(path, method=method)

        assert problem(given) == (500, suffix)
        assert "db7" not in given.text + str(given.headers)
        assert "Traceback" not in given.text and "RuntimeError" not in given.text
        assert given.headers["X-Request-ID"]
        (record,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
        assert "in broken" in record.getMessage()
        assert record.getMessage().endswith("\nRuntimeError")
        assert "db7" not in record.getMessage() and record.exc_info is None


def test_the_unexpected_in_a_change_leaves_nothing_behind(
    admin: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.ledger, "_append", broken)
    given = admin.post(f"{USER}/create")
    assert problem(given) == (500, "internal-server-error")
    assert told(admin.report(USER))["paging"]["count"] == 0


def test_the_request_id_of_a_client_is_kept_if_it_is_a_word(stranger: Client) -> None:
    for path in (USER, "/v1/audit", "/", "/nix", "/healthz", "/readyz"):
        for word in ("a", "A.b_c-9", "x" * 64, str(UUID(int=7))):
            given = stranger.get(path, headers={"X-Request-ID": word})
            assert given.headers["X-Request-ID"] == word, path


def test_any_other_request_id_is_replaced(stranger: Client) -> None:
    seen = set()
    for word in ("", "x" * 65, "a b", "é", "a/b", "<x>", "a,b", "a;b", " a", "a\t"):
        for path in (USER, "/nix", "/healthz"):
            given = stranger.get(path, headers={"X-Request-ID": word})
            seen.add(str(UUID(given.headers["X-Request-ID"])))
    assert len(seen) == 30


def test_a_request_without_id_gets_one(admin: Client) -> None:
    given = admin.report(USER)
    assert given.status_code == 200
    assert UUID(given.headers["X-Request-ID"])
    assert given.headers.getlist("X-Request-ID") == [given.headers["X-Request-ID"]]


def test_a_change_is_recorded_with_the_id_of_its_request(admin: Client) -> None:
    admin.post(f"{USER}/create", headers={"X-Request-ID": "my-id"})
    assert told(admin.get("/v1/audit"))["items"][-1]["requestId"] == "my-id"


def test_a_204_has_no_body_and_no_type(admin: Client) -> None:
    pair = told(admin.post(f"{USER}/create"))
    path = f"{USER}/{pair['accessKey']}"
    for given in (admin.patch(path, json={"props": {}}), admin.delete(path)):
        assert (given.status_code, given.data) == (204, b"")
        assert "Content-Type" not in given.headers
        assert given.headers.get("Content-Length", "0") == "0"
        assert given.headers["X-Request-ID"]


@pytest.fixture
def bare() -> Flask:
    """Return an application without keysvc: enough to make an answer."""
    return Flask("bare")


@pytest.mark.parametrize(
    ("error", "suffix", "headers"),
    [
        (exceptions.TooManyRequests(retry_after=7), "rate-limit-exceeded", {"7"}),
        (exceptions.ServiceUnavailable(retry_after=9), "service-unavailable", {"9"}),
        (exceptions.MethodNotAllowed(["GET"]), "method-not-allowed", {"GET"}),
        (exceptions.NotFound(), "url-not-found", set()),
        (exceptions.BadRequest(), "invalid-api-params", set()),
        (exceptions.Forbidden(), "generic-forbidden", set()),
        (exceptions.RequestEntityTooLarge(), "payload-too-large", set()),
        (exceptions.UnsupportedMediaType(), "unsupported-media-type", set()),
        (exceptions.InternalServerError(), "internal-server-error", set()),
    ],
)
def test_errors_of_werkzeug_keep_their_headers(
    bare: Flask, error: exceptions.HTTPException, suffix: str, headers: set[str]
) -> None:
    with bare.app_context():
        for shape, type_ in ((KEYPAIRS, PROBLEMS + suffix), (CORE, "about:blank")):
            given = answer(error, shape)
            assert given.status_code == error.code
            assert given.get_json(force=True)["type"] == type_
            assert given.mimetype == "application/problem+json"
            named = {"Allow", "Retry-After"}
            assert {v for n, v in given.headers if n in named} == headers
            assert len(given.headers.getlist("Content-Type")) == 1


@pytest.mark.parametrize("code", sorted(exceptions.default_exceptions))
def test_every_status_of_werkzeug_can_be_told(bare: Flask, code: int) -> None:
    error = exceptions.default_exceptions[code]()
    with bare.app_context():
        for shape in (KEYPAIRS, CORE):
            assert answer(error, shape).status_code == code
