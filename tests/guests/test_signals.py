"""What a host can hear of, once it is so."""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from blinker import NamedSignal
from flask import Flask

from keysvc import signals
from keysvc.model import Code
from keysvc.model import Kind
from keysvc.store import credentials
from keysvc.store.connection import reading
from keysvc.testing import client_with_key
from keysvc.testing import issue_key
from keysvc.testing import revoke_key
from tests.conftest import Client

Heard = list[tuple[str, dict[str, Any]]]

SIGNALS: list[NamedSignal] = [
    signals.credential_issued,
    signals.credential_changed,
    signals.credential_deleted,
    signals.verification_refused,
]


@pytest.fixture
def heard(app: Flask) -> Iterator[Heard]:
    """Return all that is said from now on, in order."""
    heard: Heard = []

    def listen(signal: NamedSignal) -> Callable[..., None]:
        def hear(sender: Flask, **said: Any) -> None:
            assert sender is app
            heard.append((signal.name, said))

        return hear

    with ExitStack() as stack:
        for signal in SIGNALS:
            stack.enter_context(signal.connected_to(listen(signal), sender=app))
        yield heard


def test_the_life_of_a_credential_is_heard(
    app: Flask, heard: Heard, admin: Client
) -> None:
    heard.clear()
    made = admin.post("/v2/admin/keypairs/alice/create", json={"props": {}}).json or {}
    path = f"/v2/admin/keypairs/alice/{made['accessKey']}"
    admin.patch(path, json={"props": {"isActive": False}})
    admin.patch(path, json={"props": {"isActive": True}})
    leaked = f"{made['accessKey']}:{made['secretKey']}"
    admin.post("/v1/leaks", json={"tokens": [leaked, leaked]})
    admin.delete(path)
    assert [(name, said["action"]) for name, said in heard] == [
        ("credential-issued", "credential.create"),
        ("credential-changed", "credential.update"),
        ("credential-changed", "credential.update"),
        ("credential-changed", "credential.leak"),
        ("credential-deleted", "credential.delete"),
    ]
    for _, said in heard:
        assert (said["kind"], said["id"]) == ("keypair", made["accessKey"])
        assert said["owner"] == ("user", "alice")
        assert said["actor"].kind == "keypair"
    assert heard[1][1]["before"] == {"is_active": True}
    assert heard[1][1]["after"] == {"is_active": False}
    assert made["secretKey"] not in repr(heard)


def test_what_changed_nothing_is_not_heard(heard: Heard, admin: Client) -> None:
    heard.clear()
    admin.post("/v2/admin/keypairs/alice/create", json={"props": {"scopes": 1}})
    admin.delete("/v2/admin/keypairs/alice/KPAAAAAAAAAAAAAAAAAA")
    assert heard == []


def test_it_is_heard_after_the_commit(app: Flask) -> None:
    seen: list[str] = []

    def look(sender: Flask, **said: Any) -> None:
        with reading():
            found = credentials.get(Kind(said["kind"]), said["owner"], said["id"])
        seen.append(found.wire_id)

    with signals.credential_issued.connected_to(look, sender=app):
        issued = issue_key(app, "keypair")
    assert seen == [issued.credential.wire_id]


@pytest.mark.parametrize(
    ("kind", "action"),
    [("api_key", "credential.rotate"), ("access_key", None), ("keypair", None)],
)
def test_every_family_is_heard_of(
    app: Flask, heard: Heard, admin: Client, kind: str, action: str | None
) -> None:
    issued = issue_key(app, kind)
    if action:
        owner = issued.credential.owner.id
        admin.put(
            f"/api/v1/service_accounts/{owner}/api_keys/{issued.credential.id}/rotate"
        )
    revoke_key(app, issued)
    mine = [said for _, said in heard if said.get("id") == issued.credential.wire_id]
    wanted = ["credential.create", *([action] if action else []), "credential.delete"]
    assert [said["action"] for said in mine] == wanted
    assert {said["kind"] for said in mine} == {kind}


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        ({"is_active": False}, Code.INACTIVE),
        ({"allowed_ips": ["192.0.2.1"]}, Code.IP_NOT_ALLOWED),
        ({"rate_limit": 0}, Code.RATE_LIMITED),
        ({"remaining": 0}, Code.QUOTA_EXCEEDED),
    ],
)
def test_a_refusal_is_heard_and_whose_it_was(
    app: Flask, heard: Heard, draft: dict[str, Any], code: Code
) -> None:
    key = issue_key(app, **draft)
    heard.clear()
    client_with_key(app, key=key).get("/v1/auth")
    [(name, said)] = heard
    assert (name, said["code"]) == ("verification-refused", code)
    assert said["id"] == key.credential.wire_id
    assert key.secret not in repr(heard)


def test_of_a_wrong_secret_nothing_is_told(app: Flask, heard: Heard) -> None:
    key = issue_key(app)
    heard.clear()
    revoke_key(app, key)
    client_with_key(app, key=key).get("/v1/auth")
    assert heard[-1] == (
        "verification-refused",
        {"code": Code.UNKNOWN, "kind": None, "id": None, "owner": None},
    )


def test_a_receiver_that_fails_harms_nothing(
    app: Flask, admin: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(sender: Flask, **said: Any) -> None:
        raise ZeroDivisionError

    with signals.credential_issued.connected_to(fail, sender=app):
        made = admin.post("/v2/admin/keypairs/alice/create", json={"props": {}})
    assert made.status_code == 200
    assert "credential-issued" in caplog.text


def test_another_application_hears_nothing(app: Flask, admin: Client) -> None:
    def fail(sender: Flask, **said: Any) -> None:
        raise AssertionError

    with signals.credential_issued.connected_to(fail, sender=Flask("other")):
        issue_key(app)


def test_a_muted_signal_is_not_heard(heard: Heard, app: Flask) -> None:
    with signals.credential_issued.muted():
        issue_key(app, "keypair")
    assert heard == []


def test_a_receiver_may_be_async(app: Flask) -> None:
    heard: list[str] = []

    async def hear(sender: Flask, **said: Any) -> None:
        heard.append(said["action"])

    with signals.credential_issued.connected_to(hear, sender=app):
        issue_key(app, "keypair")
    assert heard == ["credential.create"]
