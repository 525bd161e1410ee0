"""Logins and the sessions that they begin."""

from contextlib import ExitStack
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from os import cpu_count
from typing import Any

import pytest
from flask import Flask

from keysvc.commands.group import operator
from keysvc.core.service import Service
from keysvc.errors import Invalid
from keysvc.store.connection import reading
from keysvc.store.tables import database
from tests.api.accounts import ACCOUNTS
from tests.api.accounts import bearer
from tests.api.accounts import good
from tests.api.accounts import hire
from tests.api.accounts import key_login
from tests.api.accounts import keys_of
from tests.api.accounts import log_in
from tests.api.accounts import LOGIN
from tests.api.accounts import new_account
from tests.api.accounts import new_key
from tests.api.accounts import PASSWORD
from tests.api.accounts import refusal
from tests.api.accounts import secret_of
from tests.api.accounts import USER
from tests.api.answers import told
from tests.api.clocks import on_clock
from tests.conftest import Client

GRANT = "zenml-api-key"
BAD = (401, "CredentialsNotValid")
OTHER = "another long enough password"


@pytest.fixture
def config(config: dict[str, Any]) -> dict[str, Any]:
    return config | {"KEYSVC_PASSWORD_COST": 4}


def token_of(client: Client, name: str = "olga", password: str = PASSWORD) -> str:
    token: str = good(log_in(client, username=name, password=password))["access_token"]
    return token


def works(app: Flask, token: str) -> bool:
    """Tell whether *token* is let in; if not, it is refused as any bad one is."""
    answer = bearer(app, token).get(USER)
    if answer.status_code == 200:
        return True
    assert refusal(answer) == BAD
    return False


def test_a_login_answers_what_oauth2_says(service: Service, stranger: Client) -> None:
    hire(service)
    for form in ({"grant_type": "password"}, {"grant_type": ""}, {}):
        answer = good(log_in(stranger, username="olga", password=PASSWORD, **form))
        token = answer.pop("access_token")
        assert token.startswith("kss_") and len(token) == 58
        assert answer == {
            "token_type": "bearer",
            "expires_in": 43200,
            "refresh_token": None,
            "csrf_token": None,
            "scope": None,
            "device_id": None,
            "device_metadata": None,
        }


def test_an_api_key_logs_in_with_its_grant_or_without_a_name(
    app: Flask, admin: Client, stranger: Client
) -> None:
    account = new_account(admin)
    secret = secret_of(new_key(admin, account))
    for form in (
        {"grant_type": GRANT},
        {},
        {"grant_type": "", "username": ""},
        {"grant_type": GRANT, "username": "whoever"},
    ):
        token = good(log_in(stranger, password=secret, **form))["access_token"]
        assert good(bearer(app, token).get(USER))["id"] == account["id"]


def test_a_multipart_form_is_a_form_too(service: Service, stranger: Client) -> None:
    hire(service)
    form = {"username": "olga", "password": PASSWORD}
    answer = stranger.post(LOGIN, data=form, content_type="multipart/form-data")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"username": "olga"},
        {"username": "olga", "password": ""},
        {"grant_type": "password", "password": PASSWORD},
        {"grant_type": GRANT},
        {"grant_type": "client_credentials", "username": "olga", "password": PASSWORD},
        {"grant_type": "PASSWORD", "username": "olga", "password": PASSWORD},
        {"username": ["olga", "otto"], "password": PASSWORD},
        {"username": "olga", "password": [PASSWORD, PASSWORD]},
    ],
)
def test_an_unreadable_login_is_400_with_a_plain_detail(
    service: Service, stranger: Client, form: Any
) -> None:
    hire(service)
    answer = stranger.post(LOGIN, data=form)
    status, detail = refusal(answer)
    assert status == 400 and detail != "ValueError"
    assert isinstance(told(answer)["detail"], str)
    assert PASSWORD not in answer.text


def test_a_json_body_is_400(service: Service, stranger: Client) -> None:
    hire(service)
    form = {"username": "olga", "password": PASSWORD}
    answer = stranger.post(LOGIN, json=form)
    assert answer.status_code == 400 and isinstance(told(answer)["detail"], str)
    answer = stranger.post(LOGIN, query_string=form)
    assert answer.status_code == 400


def test_every_failure_says_the_same(
    app: Flask, service: Service, admin: Client, stranger: Client
) -> None:
    hire(service, "olga")
    hire(service, "idle")
    service.operators.change(operator(), "idle", is_active=False)
    account = new_account(admin)
    off = new_key(admin, account, "off")
    good(admin.put(f"{keys_of(account)}/off", json={"active": False}))
    past = new_key(admin, account, "past", expires_at="2001-01-01T00:00:00Z")
    secret = secret_of(new_key(admin, account))
    session = key_login(stranger, secret)
    wrong = secret[:-1] + ("a" if secret[-1] != "a" else "b")

    answers = [
        log_in(stranger, username="olga", password=OTHER),
        log_in(stranger, username="nobody", password=PASSWORD),
        log_in(stranger, username="idle", password=PASSWORD),
        log_in(stranger, username="OLGA", password=PASSWORD),
        log_in(stranger, username="olga\0", password=PASSWORD),
        log_in(stranger, username="olga", password=PASSWORD + "\0"),
        log_in(stranger, username="olga", password=secret),
        *(
            log_in(stranger, grant_type=GRANT, password=text)
            for text in (
                wrong,
                "x",
                "ksa_",
                session,
                PASSWORD,
                secret_of(off),
                secret_of(past),
                secret + " x",
            )
        ),
    ]

    assert {refusal(answer) for answer in answers} == {BAD}
    assert len({answer.data for answer in answers}) == 1
    assert {a.headers["WWW-Authenticate"] for a in answers} == {"Bearer"}
    assert not works(app, PASSWORD)


def test_known_and_unknown_names_cost_one_hash_each(
    service: Service, stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bcrypt

    hire(service)
    checks: list[bytes] = []
    check = bcrypt.checkpw

    def count(password: bytes, hashed: bytes) -> bool:
        checks.append(hashed)
        return check(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", count)
    for name in ("olga", "nobody", "nobody else"):
        before = len(checks)
        assert log_in(stranger, username=name, password=OTHER).status_code == 401
        assert len(checks) == before + 1
    assert len({hashed[:7] for hashed in checks}) == 1, "the same cost"


def test_an_operator_acts_with_his_scopes_of_now(
    app: Flask, service: Service, stranger: Client
) -> None:
    hire(service, "olga", "*")
    olga = bearer(app, token_of(stranger))
    new_account(olga)
    assert olga.get(f"{ACCOUNTS}/ci").status_code == 200

    service.operators.change(operator(), "olga", scopes=("realm:any",))

    assert refusal(olga.get(f"{ACCOUNTS}/ci")) == (403, "IllegalOperationError")
    assert good(olga.get(USER))["body"]["is_admin"] is False


def test_an_operators_session_ends_with_the_operator(
    app: Flask, service: Service, stranger: Client
) -> None:
    hire(service)
    token = token_of(stranger)
    assert works(app, token)
    service.operators.change(operator(), "olga", is_active=False)
    assert not works(app, token)
    service.operators.change(operator(), "olga", is_active=True)
    assert works(app, token)
    service.operators.delete(operator(), "olga")
    assert not works(app, token)
    hire(service)
    assert not works(app, token), "another of the same name is another"


def test_a_new_password_ends_the_sessions_of_the_old_one(
    app: Flask, service: Service, stranger: Client
) -> None:
    hire(service)
    token = token_of(stranger)
    service.operators.set_password(operator(), "olga", OTHER)
    assert not works(app, token)
    answer = log_in(stranger, username="olga", password=PASSWORD)
    assert refusal(answer) == BAD
    assert works(app, token_of(stranger, password=OTHER))


def test_passwords_may_be_long_and_every_character_counts(
    app: Flask, service: Service, stranger: Client
) -> None:
    long = "ä" * 1023
    service.operators.add(operator(), "long", long + "x", ())
    assert works(app, token_of(stranger, "long", long + "x"))
    answer = log_in(stranger, username="long", password=long + "y")
    assert refusal(answer) == BAD
    with pytest.raises(Invalid):
        service.operators.add(operator(), "short", "x" * 11, ())


def test_a_keys_session_ends_with_the_key_and_its_account(
    app: Flask, admin: Client, stranger: Client
) -> None:
    account = new_account(admin)
    token = key_login(stranger, secret_of(new_key(admin, account)))
    key, owner = f"{keys_of(account)}/runner", f"{ACCOUNTS}/ci"
    assert works(app, token)
    for path in (key, owner):
        good(admin.put(path, json={"active": False}))
        assert not works(app, token)
        good(admin.put(path, json={"active": True}))
        assert works(app, token)
    good(admin.put(key, json={"expires_at": "2001-01-01T00:00:00Z"}))
    assert not works(app, token)
    good(admin.put(key, json={"expires_at": None}))
    assert works(app, token)
    admin.delete(key)
    assert not works(app, token)

    token = key_login(stranger, secret_of(new_key(admin, account)))
    assert works(app, token)
    admin.delete(owner)
    assert not works(app, token)


def test_a_keys_session_has_the_scopes_and_addresses_of_now(
    app: Flask, admin: Client, stranger: Client
) -> None:
    account = new_account(admin)
    key = new_key(admin, account, scopes=["api-keys:write"])
    session = bearer(app, key_login(stranger, secret_of(key)))
    path = f"{keys_of(account)}/runner"
    good(session.put(path, json={"description": "told"}))

    good(admin.put(path, json={"scopes": []}))
    answer = session.put(path, json={"description": "told again"})
    assert refusal(answer) == (403, "IllegalOperationError")

    good(admin.put(path, json={"allowed_ips": ["192.0.2.0/24"]}))
    assert refusal(session.get(USER)) == (403, "IllegalOperationError")
    session.environ_base["REMOTE_ADDR"] = "192.0.2.9"
    assert session.get(USER).status_code == 200


def test_a_session_ends_with_a_rotation_that_retains_nothing(
    app: Flask, admin: Client, stranger: Client
) -> None:
    account = new_account(admin)
    secret = secret_of(new_key(admin, account))
    token = key_login(stranger, secret)
    rotated = good(admin.put(f"{keys_of(account)}/runner/rotate", json={}))
    assert not works(app, token) and not works(app, secret)
    assert works(app, key_login(stranger, secret_of(rotated)))


def test_a_session_of_a_retained_secret_ends_with_its_period(
    app: Flask, admin: Client, stranger: Client
) -> None:
    _, clock = on_clock(app)
    account = new_account(admin)
    old = secret_of(new_key(admin, account))
    before = key_login(stranger, old)
    retain = {"retain_period_minutes": 30}
    rotated = good(admin.put(f"{keys_of(account)}/runner/rotate", json=retain))
    new = secret_of(rotated)
    during, fresh = key_login(stranger, old), key_login(stranger, new)
    clock.move(minutes=29, seconds=59)
    assert all(works(app, token) for token in (old, new, before, during, fresh))

    clock.move(seconds=1)

    assert not any(works(app, token) for token in (old, before, during))
    assert works(app, new) and works(app, fresh)
    answer = log_in(stranger, grant_type=GRANT, password=old)
    assert refusal(answer) == BAD


def test_rotating_twice_ends_the_sessions_of_the_oldest_secret(
    app: Flask, admin: Client, stranger: Client
) -> None:
    account = new_account(admin)
    path, retain = f"{keys_of(account)}/runner/rotate", {"retain_period_minutes": 60}
    first = secret_of(new_key(admin, account))
    of_first = key_login(stranger, first)
    second = secret_of(good(admin.put(path, json=retain)))
    of_second = key_login(stranger, second)
    again = key_login(stranger, first)
    assert works(app, of_first) and works(app, again)

    third = secret_of(good(admin.put(path, json=retain)))

    assert not any(works(app, token) for token in (first, of_first, again))
    assert all(works(app, token) for token in (second, of_second, third))


def test_a_session_lives_as_long_as_it_says(
    app: Flask, admin: Client, stranger: Client
) -> None:
    service, clock = on_clock(app)
    hire(service)
    token = token_of(stranger)
    clock.move(hours=12, microseconds=-1)
    assert works(app, token)
    clock.move(microseconds=1)
    assert not works(app, token)


def test_no_session_outlives_its_key(
    app: Flask, admin: Client, stranger: Client
) -> None:
    end = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    account = new_account(admin)
    key = new_key(admin, account, expires_at=end)
    answer = good(log_in(stranger, grant_type=GRANT, password=secret_of(key)))
    assert 3500 < answer["expires_in"] <= 3600
    # Nor does what such a session makes.
    strong = new_key(admin, account, "s", scopes=["api-keys:write"], expires_at=end)
    session = bearer(app, key_login(stranger, secret_of(strong)))
    made = session.post(keys_of(account), json={"name": "forever"})
    assert refusal(made) == (403, "IllegalOperationError")
    new_key(session, account, "bounded", expires_at=end)


def test_a_login_is_seen_at_once_and_is_no_update(
    admin: Client, app: Flask, stranger: Client
) -> None:
    account = new_account(admin)
    key = new_key(admin, account)
    path = f"{keys_of(account)}/runner"
    assert bearer(app, secret_of(key)).get(USER).status_code == 200
    assert good(admin.get(path))["metadata"]["last_login"] is None
    start = datetime.now(UTC).replace(tzinfo=None)

    key_login(stranger, secret_of(key))

    seen = good(admin.get(path))
    moment = datetime.fromisoformat(seen["metadata"]["last_login"])
    assert timedelta(0) <= moment - start < timedelta(seconds=30)
    assert seen["body"]["updated"] == key["body"]["updated"]


def test_sessions_are_listed_and_ended(
    app: Flask, service: Service, stranger: Client
) -> None:
    hire(service)
    one, two = token_of(stranger), token_of(stranger)
    first, _ = service.sessions.every()
    service.sessions.end(operator(), str(first.id))
    assert (works(app, one), works(app, two)) == (False, True)
    assert len(service.sessions.every()) == 1


def fail(app: Flask, name: str, address: str) -> Any:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return client.post(LOGIN, data={"username": name, "password": OTHER})


def test_failed_logins_are_limited_per_name_and_address(
    app: Flask, service: Service
) -> None:
    hire(service)
    here, there = "192.0.2.1", "192.0.2.2"
    for _ in range(10):
        assert fail(app, "olga", here).status_code == 401

    refused = fail(app, "olga", here)

    assert refused.status_code == 429
    assert isinstance(told(refused)["detail"], str)
    assert 1 <= int(refused.headers["Retry-After"]) <= 7
    # Not even the right password is tried; but nobody else is locked out.
    form = {"username": "olga", "password": PASSWORD}
    client = app.test_client()
    assert client.post(LOGIN, data=form, environ_base={"REMOTE_ADDR": here}).status[
        :3
    ] == ("429")
    answer = client.post(LOGIN, data=form, environ_base={"REMOTE_ADDR": there})
    assert answer.status_code == 200
    assert fail(app, "olga", there).status_code == 401


def test_failed_logins_are_limited_per_address_whatever_the_names(
    app: Flask, service: Service
) -> None:
    answers = [fail(app, f"name{n}", "192.0.2.1").status_code for n in range(11)]
    assert answers == [401] * 10 + [429]
    assert fail(app, "name0", "192.0.2.2").status_code == 401


def test_the_limit_lives_by_the_clock_of_the_service(app: Flask) -> None:
    service, clock = on_clock(app)
    hire(service)
    here = "192.0.2.1"
    assert [fail(app, "olga", here).status_code for _ in range(11)][-1] == 429
    clock.move(seconds=5)
    assert fail(app, "olga", here).status_code == 429
    clock.move(seconds=1)
    assert fail(app, "olga", here).status_code == 401
    assert fail(app, "olga", here).status_code == 429


def test_a_login_that_was_not_even_tried_is_no_failed_one(
    app: Flask, service: Service
) -> None:
    """Where too many passwords are being checked already, nobody has failed."""
    hire(service)
    passwords = service.operators._passwords
    with ExitStack() as others:
        for _ in range(cpu_count() or 1):
            others.enter_context(passwords._turn())
        for _ in range(12):
            refused = fail(app, "olga", "192.0.2.1")
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) > 0

    assert fail(app, "olga", "192.0.2.1").status_code == 401


def test_good_logins_are_not_limited(
    app: Flask, service: Service, admin: Client, stranger: Client
) -> None:
    hire(service)
    secret = secret_of(new_key(admin, new_account(admin)))
    for _ in range(12):
        token_of(stranger)
        key_login(stranger, secret)
    for _ in range(12):
        assert log_in(stranger, grant_type=GRANT, password="x").status_code == 401
    assert works(app, token_of(stranger))
    for _ in range(10):
        fail(app, "olga", "127.0.0.1")
    assert works(app, key_login(stranger, secret)), "keys are never limited"


def test_no_token_and_no_password_is_kept_in_clear(
    service: Service, admin: Client, stranger: Client, engine: str
) -> None:
    hire(service)
    key = secret_of(new_key(admin, new_account(admin)))
    tokens = [token_of(stranger), key_login(stranger, key), key]
    kept = everything()
    for secret in (*(token[20:52] for token in tokens), *tokens, PASSWORD):
        assert secret not in kept


def everything() -> str:
    """Return all that the database holds, as text."""
    with reading():
        return "\n".join(
            repr(row)
            for table in database.obj.get_tables()
            for row in database.execute_sql(f'SELECT * FROM "{table}"').fetchall()
        )
