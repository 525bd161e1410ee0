"""How long a credential may live: a policy of each family."""

from collections.abc import Callable
from datetime import datetime
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from keysvc.schemas.spelling import camel
from tests.api.accounts import bearer
from tests.api.accounts import hire
from tests.api.accounts import keys_of
from tests.api.accounts import log_in
from tests.api.accounts import new_account
from tests.api.accounts import PASSWORD
from tests.api.answers import told
from tests.api.clocks import Clock
from tests.api.clocks import on_clock
from tests.api.organizations import keys_of as access_keys_of
from tests.api.organizations import NEW
from tests.conftest import Client

DAY = 86400

Make = Callable[..., TestResponse]


@pytest.fixture(params=["keypair", "api_key", "access_key"])
def family(request: pytest.FixtureRequest) -> str:
    """Return a family; the test runs for each."""
    return str(request.param)


@pytest.fixture
def config(config: dict[str, Any], family: str) -> dict[str, Any]:
    """Return settings by which this family lives 30 days, and 90 at most."""
    lives = f"KEYSVC_{family.upper()}"
    return config | {
        f"{lives}_LIFETIME": 30 * DAY,
        f"{lives}_MAX_LIFETIME": 90 * DAY,
        "KEYSVC_SESSION_LIFETIME": 100 * DAY,
    }


@pytest.fixture
def clock(app: Flask) -> Clock:
    """Return the clock that the application lives by."""
    _, clock = on_clock(app)
    return clock


@pytest.fixture
def admin(app: Flask, clock: Clock, stranger: Client) -> Client:
    """Return whoever may do everything, and has no end himself: an operator."""
    hire(app.extensions["keysvc"], "olga", "*")
    login = log_in(stranger, username="olga", password=PASSWORD)
    return bearer(app, told(login)["access_token"])


@pytest.fixture
def make(clock: Clock, admin: Client, family: str) -> Make:
    """Return a function that creates a credential of the family."""
    account = new_account(admin) if family == "api_key" else None

    def make(**limits: Any) -> TestResponse:
        if account is not None:
            return admin.post(keys_of(account), json={"name": "runner", **limits})
        spelled = {camel(name): value for name, value in limits.items()}
        if family == "access_key":
            return admin.post(access_keys_of("acme"), json={**NEW, **spelled})
        path = "/v2/admin/keypairs/alice/create"
        return admin.post(path, json={"props": spelled})

    return make


def only(admin: Client, family: str) -> Any:
    """Return the one credential that the administrator has created."""
    [mine] = told(admin.get(f"/v1/credentials?kind={family}"))["items"]
    return mine


def change(admin: Client, family: str, expires_at: str | None) -> TestResponse:
    """Change when the one credential ends."""
    item = only(admin, family)
    owner, id_ = item["owner"]["id"], item["id"]
    if family == "keypair":
        path = f"/v2/admin/keypairs/{owner}/{id_}"
        return admin.patch(path, json={"props": {"expiresAt": expires_at}})
    if family == "api_key":
        path = f"/api/v1/service_accounts/{owner}/api_keys/{id_}"
        return admin.put(path, json={"expires_at": expires_at})
    path = f"{access_keys_of(owner)}/{id_}"
    return admin.patch(path, json={"expiresAt": expires_at})


def ends(admin: Client, family: str) -> datetime:
    return datetime.fromisoformat(only(admin, family)["expiresAt"])


def test_without_an_end_it_lives_as_long_as_the_policy_says(
    make: Make, clock: Clock, admin: Client, family: str
) -> None:
    assert make().status_code in (200, 201)
    assert ends(admin, family) == clock.time + timedelta(days=30)


def test_with_an_end_of_its_own_it_lives_until_then(
    make: Make, clock: Clock, admin: Client, family: str
) -> None:
    latest = clock.time + timedelta(days=90)
    assert make(expires_at=latest.isoformat()).status_code in (200, 201)
    assert ends(admin, family) == latest


def test_none_is_made_that_lives_too_long(
    make: Make, clock: Clock, admin: Client, family: str
) -> None:
    latest = clock.time + timedelta(days=90)
    answer = make(expires_at=(latest + timedelta(microseconds=1)).isoformat())
    assert answer.status_code == (400 if family == "keypair" else 422)
    assert "expiresAt" in answer.text
    assert latest.isoformat(timespec="seconds") in answer.text
    assert "90 days" in answer.text
    assert told(admin.get(f"/v1/credentials?kind={family}"))["items"] == []


def test_none_is_made_to_live_too_long(
    make: Make, clock: Clock, admin: Client, family: str
) -> None:
    make()
    before = ends(admin, family)
    refused = 400 if family == "keypair" else 422
    latest = clock.time + timedelta(days=90)
    for late in (None, (latest + timedelta(seconds=1)).isoformat()):
        answer = change(admin, family, late)
        assert answer.status_code == refused, answer.text
        assert "expiresAt" in answer.text
    assert ends(admin, family) == before
    assert change(admin, family, latest.isoformat()).status_code in (200, 204)
    assert ends(admin, family) == latest


def test_a_new_secret_begins_a_new_life(
    make: Make, clock: Clock, admin: Client, family: str
) -> None:
    make()
    clock.move(days=10)
    later = (clock.time + timedelta(days=90)).isoformat()
    assert change(admin, family, later).status_code in (400, 422)
    id_ = only(admin, family)["id"]
    assert admin.post(f"/v1/credentials/{id_}/rotate").status_code in (200, 201)
    assert ends(admin, family) == clock.time + timedelta(days=20)
    assert change(admin, family, later).status_code in (200, 204)
