"""The routes that need no credential: ``/``, ``/healthz``, ``/readyz``."""

from importlib.metadata import version
from typing import Any
from typing import NoReturn

import pytest
from werkzeug.test import TestResponse

from keysvc.core.service import Service
from keysvc.errors import Misconfigured
from keysvc.errors import Unavailable
from keysvc.store.feed import Watch
from tests.api.answers import told
from tests.conftest import Client
from tests.conftest import Tenant

ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}
REASON = "Migrations are pending (0007)."


@pytest.fixture
def not_ready(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the service find something wrong with its database."""

    def check() -> NoReturn:
        raise Unavailable(REASON)

    monkeypatch.setattr(service.installation, "check", check)


def refused(answer: TestResponse) -> dict[str, Any]:
    """Return what a 503 tells; check the rest."""
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["X-Request-ID"]
    assert answer.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = told(answer)
    assert body.pop("status") == "unavailable"
    return body


def test_the_root_tells_the_version_of_the_wire(stranger: Client) -> None:
    answer = stranger.get("/")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert told(answer) == {
        "service": "keysvc",
        "release": version("keysvc"),
        "version": "v6.20220315",
        "docs": "/docs",
    }


@pytest.mark.parametrize("accept", ["*/*", "application/json", ""])
def test_the_client_that_reads_the_version_gets_json(
    stranger: Client, accept: str
) -> None:
    answer = stranger.get("/", headers={"Accept": accept})
    assert (answer.status_code, told(answer)["version"]) == (200, "v6.20220315")


def test_a_browser_is_sent_to_the_docs(stranger: Client) -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    answer = stranger.get("/", headers={"Accept": accept})
    assert answer.status_code in {302, 303}
    assert answer.location in {"docs", "/docs"}


def test_who_is_asking_is_nobodys_business(stranger: Client, admin: Client) -> None:
    wrong = {"Authorization": "Basic nonsense"}
    for path in ("/", "/healthz", "/readyz"):
        for answer in (
            stranger.get(path),
            stranger.get(path, headers=wrong),
            stranger.get(path, environ_overrides=ELSEWHERE),
            admin.get(path),
        ):
            assert answer.status_code == 200, path


def test_healthz_touches_nothing(
    stranger: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def touched(*args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError("healthz asks nobody")

    monkeypatch.setattr(service.installation, "check", touched)
    monkeypatch.setattr(service.installation, "ensure_ready", touched)
    monkeypatch.setattr(service.feed, "start", touched)
    monkeypatch.setattr("keysvc.store.lookup.find", touched)

    answer = stranger.get("/healthz")

    assert (answer.status_code, told(answer)) == (200, {"status": "ok"})


def test_readyz_is_well_on_a_migrated_database(stranger: Client) -> None:
    answer = stranger.get("/readyz")
    assert (answer.status_code, told(answer)) == (200, {"status": "ok"})


def test_readyz_knows_the_feed(
    stranger: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nobody follows the changes every answer asks the database."""

    def away(watch: Watch) -> NoReturn:
        raise Unavailable("The database cannot be asked now.")

    with monkeypatch.context() as patched:
        patched.setattr(Watch, "head", away)
        assert refused(stranger.get("/readyz")) == {
            "reason": "The change feed is away."
        }
        elsewhere = stranger.get("/readyz", environ_overrides=ELSEWHERE)
        assert refused(elsewhere) == {}
    assert service.feed.wait_until_fresh(15)
    assert stranger.get("/readyz").status_code == 200


def test_readyz_asks_anew_each_time(
    stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stranger.get("/readyz").status_code == 200
    with monkeypatch.context() as patched:
        patched.setattr("keysvc.store.migrate.pending", lambda: ["0007_new"])
        reason = refused(stranger.get("/readyz"))["reason"]
        assert "0007_new" in reason
    assert stranger.get("/readyz").status_code == 200


@pytest.mark.usefixtures("not_ready")
@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1"])
def test_this_machine_is_told_the_reason(stranger: Client, address: str) -> None:
    answer = stranger.get("/readyz", environ_overrides={"REMOTE_ADDR": address})
    assert refused(answer) == {"reason": REASON}


@pytest.mark.usefixtures("not_ready")
@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", "2001:db8::1", ""])
def test_elsewhere_the_reason_stays_here(stranger: Client, address: str) -> None:
    answer = stranger.get("/readyz", environ_overrides={"REMOTE_ADDR": address})
    assert refused(answer) == {}


@pytest.mark.usefixtures("not_ready")
@pytest.mark.parametrize(
    "header",
    [
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Original-Forwarded-For",
        "X-Real-IP",
        "Via",
    ],
)
def test_a_proxy_on_this_machine_is_not_told_for_its_client(
    stranger: Client, tenant: Tenant, header: str
) -> None:
    for value in ("192.0.2.7", "127.0.0.1", ""):
        headers = {header: value}
        assert refused(stranger.get("/readyz", headers=headers)) == {}
    may_know = tenant("ops", "metrics:read").get("/readyz", headers={header: "x"})
    assert refused(may_know) == {"reason": REASON}


@pytest.mark.usefixtures("not_ready")
@pytest.mark.parametrize(
    ("scope", "told_reason"),
    [
        ("metrics:read", True),
        ("metrics:*", True),
        ("*", True),
        ("metrics:write", False),
        ("keypairs:*", False),
        ("realm:any", False),
    ],
)
def test_elsewhere_the_reason_takes_a_scope(
    tenant: Tenant, scope: str, told_reason: bool
) -> None:
    answer = tenant("ops", scope).get("/readyz", environ_overrides=ELSEWHERE)
    assert refused(answer) == ({"reason": REASON} if told_reason else {})


@pytest.mark.usefixtures("not_ready")
def test_a_credential_that_is_no_good_is_no_other_error(
    stranger: Client, tenant: Tenant
) -> None:
    inactive = tenant("ops", "*", is_active=False)
    assert refused(inactive.get("/readyz", environ_overrides=ELSEWHERE)) == {}
    for header in ("Basic nonsense", "Basic eDp5", "Nix", ""):
        answer = stranger.get(
            "/readyz",
            headers={"Authorization": header},
            environ_overrides=ELSEWHERE,
        )
        assert refused(answer) == {}, header


def test_a_foreign_ring_is_a_reason(
    stranger: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check() -> NoReturn:
        raise Misconfigured("The database belongs to another ring.")

    monkeypatch.setattr(service.installation, "check", check)

    assert refused(stranger.get("/readyz")) == {
        "reason": "The database belongs to another ring."
    }
    assert refused(stranger.get("/readyz", environ_overrides=ELSEWHERE)) == {}


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz"])
def test_head_is_answered_like_get(stranger: Client, path: str) -> None:
    answer = stranger.head(path)
    assert (answer.status_code, answer.data) == (200, b"")
