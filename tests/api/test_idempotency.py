"""Requests that come twice with one idempotency key are done once."""

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from keysvc.store.connection import reading
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import database
from keysvc.store.tables import FirstAnswerRow
from tests.api.accounts import ACCOUNTS
from tests.api.accounts import bearer
from tests.api.accounts import good
from tests.api.accounts import keys_of
from tests.api.accounts import LOGIN
from tests.api.accounts import new_account
from tests.api.accounts import new_key
from tests.api.accounts import refusal
from tests.api.accounts import secret_of
from tests.api.accounts import USER
from tests.api.clocks import on_clock
from tests.conftest import Client
from tests.conftest import RING
from tests.conftest import Tenant

TAKEN = (409, "EntityExistsError")


def send(
    client: Client, method: str, path: str, once: str, body: Any = None
) -> TestResponse:
    headers = {"Idempotency-Key": once}
    return client.open(path, method=method, json=body, headers=headers)


def total(client: Client, path: str) -> int:
    count: int = good(client.get(path))["total"]
    return count


def test_a_repeated_create_gets_the_first_answer(app: Flask, admin: Client) -> None:
    keys, once = keys_of(new_account(admin)), str(uuid4())
    body = {"name": "runner", "description": "ä", "scopes": ["verify"]}

    answers = [send(admin, "POST", keys, once, body) for _ in range(3)]

    assert len({answer.data for answer in answers}) == 1
    assert total(admin, keys) == 1
    secret = secret_of(good(answers[2]))
    assert bearer(app, secret).get(USER).status_code == 200


def test_a_repeated_account_is_made_once(admin: Client) -> None:
    once, body = str(uuid4()), {"name": "ci", "active": False, "full_name": "Cici"}
    first, second = (send(admin, "POST", ACCOUNTS, once, body) for _ in range(2))
    assert good(first) == good(second)
    assert total(admin, ACCOUNTS) == 1
    again = send(admin, "POST", ACCOUNTS, str(uuid4()), body)
    assert refusal(again) == TAKEN


def test_a_repeated_rotation_is_done_once(app: Flask, admin: Client) -> None:
    account = new_account(admin)
    old = secret_of(new_key(admin, account))
    path, once = f"{keys_of(account)}/runner/rotate", str(uuid4())
    body = {"retain_period_minutes": 5}
    first, second = (send(admin, "PUT", path, once, body) for _ in range(2))
    assert good(first) == good(second)
    for secret in (old, secret_of(good(first))):
        assert bearer(app, secret).get(USER).status_code == 200, "rotated once"


def test_any_spelling_of_the_key_is_the_same_key(admin: Client) -> None:
    keys, once = keys_of(new_account(admin)), uuid4()
    spellings = (str(once), once.hex, str(once).upper())
    answers = [send(admin, "POST", keys, s, {"name": "k"}) for s in spellings]
    assert len({good(answer)["id"] for answer in answers}) == 1


def test_the_same_key_with_another_request_is_409(admin: Client) -> None:
    account, other = new_account(admin), new_account(admin, "other")
    once, body = str(uuid4()), {"name": "runner"}
    good(send(admin, "POST", keys_of(account), once, body))
    for method, path, said in (
        ("POST", keys_of(account), {"name": "walker"}),
        ("POST", keys_of(account), {"name": "runner", "scopes": []}),
        ("POST", keys_of(account) + "?x=1", body),
        ("POST", keys_of(other), body),
        ("POST", ACCOUNTS, body | {"active": True}),
        ("PUT", f"{keys_of(account)}/runner/rotate", {}),
    ):
        assert refusal(send(admin, method, path, once, said)) == TAKEN
    assert total(admin, keys_of(account)) == 1
    assert total(admin, keys_of(other)) == 0


def test_another_caller_with_the_same_key_is_independent(
    admin: Client, tenant: Tenant
) -> None:
    other, account = tenant("other", "*"), new_account(admin)
    once, body = str(uuid4()), {"name": "runner"}
    first = good(send(admin, "POST", keys_of(account), once, body))
    assert refusal(send(other, "POST", keys_of(account), once, body)) == TAKEN
    second = send(other, "POST", keys_of(account), once, {"name": "walker"})
    assert good(second)["id"] != first["id"]
    assert secret_of(first) not in second.text


def test_access_is_checked_anew(app: Flask, admin: Client) -> None:
    account = new_account(admin)
    keys, once = keys_of(account), str(uuid4())
    secret = secret_of(new_key(admin, account, "boss", scopes=["api-keys:write"]))
    boss, body = bearer(app, secret), {"name": "runner"}
    good(send(boss, "POST", keys, once, body))
    good(admin.put(f"{keys}/boss", json={"scopes": []}))
    answer = send(boss, "POST", keys, once, body)
    assert refusal(answer) == (403, "IllegalOperationError")
    admin.delete(f"{keys}/boss")
    assert send(boss, "POST", keys, once, body).status_code == 401


@pytest.mark.parametrize("once", ["", "x", "1234", "0" * 31, "0" * 33])
def test_a_key_that_is_no_uuid_is_422(admin: Client, once: str) -> None:
    account = new_account(admin)
    new_key(admin, account)
    for method, path, body in (
        ("POST", ACCOUNTS, {"name": "x", "active": True}),
        ("POST", keys_of(account), {"name": "x"}),
        ("PUT", f"{keys_of(account)}/runner/rotate", {}),
    ):
        answer = send(admin, method, path, once, body)
        assert refusal(answer) == (422, "ValueError")
    assert total(admin, ACCOUNTS) == total(admin, keys_of(account)) == 1


def test_a_key_that_is_no_uuid_is_422_whatever_is_asked(admin: Client) -> None:
    account = new_account(admin)
    new_key(admin, account)
    for method, path in (
        ("GET", ACCOUNTS),
        ("GET", f"{ACCOUNTS}/ci"),
        ("PUT", f"{ACCOUNTS}/ci"),
        ("GET", keys_of(account)),
        ("PUT", f"{keys_of(account)}/runner"),
        ("DELETE", f"{keys_of(account)}/runner"),
        ("DELETE", f"{ACCOUNTS}/ci"),
    ):
        assert refusal(send(admin, method, path, "x")) == (422, "ValueError")
    assert total(admin, ACCOUNTS) == total(admin, keys_of(account)) == 1


def test_a_stranger_is_told_nothing_of_his_key(stranger: Client) -> None:
    assert send(stranger, "GET", ACCOUNTS, "x").status_code == 401


def test_what_may_well_come_twice_is_done_each_time(admin: Client) -> None:
    """Only what makes something or a secret is answered from the first time."""
    account, once = new_account(admin), str(uuid4())
    new_key(admin, account)
    path = f"{keys_of(account)}/runner"
    for active in (False, True, False):
        answer = send(admin, "PUT", path, once, {"active": active})
        assert good(answer)["body"]["active"] is active
    assert good(send(admin, "DELETE", path, once)) is None
    assert refusal(send(admin, "DELETE", path, once))[0] == 404


def test_only_good_answers_are_kept(admin: Client) -> None:
    account = new_account(admin)
    keys, once = keys_of(account), str(uuid4())
    new_key(admin, account)
    assert refusal(send(admin, "POST", keys, once, {"name": ""}))[0] == 422
    assert refusal(send(admin, "POST", keys, once, {"name": "runner"})) == TAKEN
    gone = f"{ACCOUNTS}/{uuid4()}/api_keys"
    assert refusal(send(admin, "POST", gone, once, {"name": "x"}))[0] == 404
    admin.delete(f"{keys}/runner")
    assert good(send(admin, "POST", keys, once, {"name": "runner"}))


def test_after_ten_minutes_it_is_done_anew(app: Flask, admin: Client) -> None:
    _, clock = on_clock(app)
    account = new_account(admin)
    new_key(admin, account)
    path, once = f"{keys_of(account)}/runner/rotate", str(uuid4())
    first = good(send(admin, "PUT", path, once, {}))
    clock.move(minutes=9, seconds=59)
    assert good(send(admin, "PUT", path, once, {})) == first
    clock.move(seconds=1)
    second = good(send(admin, "PUT", path, once, {}))
    assert secret_of(second) != secret_of(first)
    assert good(send(admin, "PUT", path, once, {})) == second


def test_a_login_is_never_repeated(admin: Client, stranger: Client) -> None:
    secret, once = secret_of(new_key(admin, new_account(admin))), str(uuid4())
    tokens = {
        good(
            stranger.post(
                LOGIN, data={"password": secret}, headers={"Idempotency-Key": once}
            )
        )["access_token"]
        for _ in range(2)
    }
    assert len(tokens) == 2
    with reading():
        assert FirstAnswerRow.select().count() == 0


def test_the_database_and_the_ring_together_do_not_open_an_answer(
    admin: Client,
) -> None:
    once = str(uuid4())
    keys = keys_of(new_account(admin))
    secret = secret_of(good(send(admin, "POST", keys, once, {"name": "runner"})))
    with reading():
        kept = "\n".join(
            repr(row)
            for table in database.obj.get_tables()
            for row in database.execute_sql(f'SELECT * FROM "{table}"').fetchall()
        )
        row = FirstAnswerRow.get()
        assert CredentialRow.select().where(CredentialRow.kind == "api_key").count()
    for text in (once, once.replace("-", ""), secret, secret[20:52], RING):
        assert text.lower() not in kept.lower()
    assert len(row.key_hash) == 64 and row.sealed


def test_the_same_key_on_every_read_does_no_harm(admin: Client) -> None:
    once = str(uuid4())
    new_account(admin)
    for path in (ACCOUNTS, f"{ACCOUNTS}/ci", ACCOUNTS):
        assert send(admin, "GET", path, once).status_code == 200
