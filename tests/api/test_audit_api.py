"""The audit over the wire: who may read it, whose records, page by page."""

from base64 import b64encode
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from keysvc import create_app
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.cursors import Cursors
from keysvc.core.secrets import ring
from keysvc.core.secrets.vault import Vault
from keysvc.model import Issued
from keysvc.store.connection import disconnect
from tests.conftest import Client
from tests.conftest import RING
from tests.conftest import Tenant

KEYPAIRS = "/v2/admin/keypairs"
NEW = "a new key of at least thirty-two bytes."

Issue = Callable[..., Issued]


def read(client: Client, **query: Any) -> dict[str, Any]:
    answer = client.get("/v1/audit", query_string=query)
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return dict(answer.json)


def every(client: Client, limit: int = 100) -> list[dict[str, Any]]:
    """Follow the page tokens to the end."""
    page = read(client, limit=limit)
    items = page["items"]
    while page["nextPageToken"] is not None:
        page = read(client, limit=limit, pageToken=page["nextPageToken"])
        assert len(page["items"]) <= limit
        items += page["items"]
    return list(items)


def last(client: Client) -> dict[str, Any]:
    return every(client)[-1]


def seqs(items: list[dict[str, Any]]) -> list[int]:
    return [item["seq"] for item in items]


def told(answer: TestResponse) -> str:
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert answer.json["status"] == 422
    assert answer.json["type"] == "about:blank"
    assert answer.json["title"] == "Unprocessable Entity"
    (name,) = answer.json["errors"]
    return str(name)


def test_every_item_has_the_promised_shape(admin: Client) -> None:
    headers = {"X-Request-ID": "the-request"}
    created = admin.post(
        f"{KEYPAIRS}/alice/create",
        json={"props": {"scopes": ["verify"], "rateLimit": 7}},
        headers=headers,
    ).json
    assert created is not None

    item = last(admin)

    at = item.pop("at")
    assert at.endswith("+00:00")
    assert len(at) == len("2030-01-31T12:00:00.000000+00:00")
    actor = item.pop("actor")
    assert set(actor) == {"kind", "id"}
    assert actor["kind"] == "keypair"
    assert actor["id"].startswith("KP")
    assert item == {
        "seq": 2,
        "ip": "127.0.0.1",
        "requestId": "the-request",
        "action": "credential.create",
        "credentialId": created["accessKey"],
        "before": None,
        "after": {
            "name": "",
            "description": "",
            "isActive": True,
            "scopes": ["verify"],
            "allowedIps": [],
            "rateLimit": 7,
        },
    }


def test_the_command_line_is_an_actor_without_an_address(admin: Client) -> None:
    first = every(admin)[0]
    assert first["actor"]["kind"] == "cli"
    assert first["ip"] is None
    assert first["requestId"] is None
    assert first["action"] == "credential.create"


CHANGES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"isActive": False}, {"isActive": True}, {"isActive": False}),
    ({"description": "x"}, {"description": ""}, {"description": "x"}),
    ({"scopes": ["verify"]}, {"scopes": []}, {"scopes": ["verify"]}),
    ({"rateLimit": 5}, {"rateLimit": None}, {"rateLimit": 5}),
    ({"rateLimit": None}, {"rateLimit": 5}, {"rateLimit": None}),
    ({"remaining": 0}, {"remaining": None}, {"remaining": 0}),
    (
        {"expiresAt": "2090-01-01T02:00:00+02:00"},
        {"expiresAt": None},
        {"expiresAt": "2090-01-01T00:00:00+00:00"},
    ),
    (
        {"expiresAt": None},
        {"expiresAt": "2090-01-01T00:00:00+00:00"},
        {"expiresAt": None},
    ),
    ({"allowedIps": ["::1"]}, {"allowedIps": []}, {"allowedIps": ["::1/128"]}),
    (
        {"isActive": True, "description": "x", "remaining": 1},
        {"isActive": False, "remaining": 0},
        {"isActive": True, "remaining": 1},
    ),
]


def test_a_change_tells_the_changed_fields_and_no_others(
    admin: Client, issue: Issue
) -> None:
    key = issue("alice").credential.public_id
    for props, before, after in CHANGES:
        answer = admin.patch(f"{KEYPAIRS}/alice/{key}", json={"props": props})
        assert answer.status_code == 204
        item = last(admin)
        assert (item["action"], item["credentialId"]) == ("credential.update", key)
        assert (item["before"], item["after"]) == (before, after)


def test_what_changes_nothing_is_no_record(admin: Client, issue: Issue) -> None:
    key = issue("alice", description="x").credential.public_id
    before = seqs(every(admin))
    for props in ({}, {"description": "x"}, {"isActive": True}, {"remaining": None}):
        answer = admin.patch(f"{KEYPAIRS}/alice/{key}", json={"props": props})
        assert answer.status_code == 204
    admin.get(f"{KEYPAIRS}/alice/{key}?keys=scopes")
    admin.report(f"{KEYPAIRS}/alice")
    assert seqs(every(admin)) == before


def test_a_delete_tells_what_there_was(admin: Client, issue: Issue) -> None:
    key = issue("alice", scopes=("verify",), remaining=3).credential.public_id
    assert admin.delete(f"{KEYPAIRS}/alice/{key}").status_code == 204
    item = last(admin)
    assert (item["action"], item["credentialId"]) == ("credential.delete", key)
    assert item["after"] is None
    assert item["before"]["scopes"] == ["verify"]
    assert item["before"]["remaining"] == 3


def test_no_secret_is_in_it(admin: Client, issue: Issue) -> None:
    issued = issue("alice")
    created = admin.post(f"{KEYPAIRS}/alice/create").json
    assert created is not None
    key = created["accessKey"]
    admin.patch(f"{KEYPAIRS}/alice/{key}", json={"props": {"description": "x"}})
    admin.delete(f"{KEYPAIRS}/alice/{key}")

    text = admin.get("/v1/audit?limit=100").text

    assert text.count(key) == 3
    for secret in (issued.secret, created["secretKey"]):
        assert secret not in text
    for name in ("digest", "secret", "secretKey", "sealed", "mac", "keyId"):
        assert f'"{name}"' not in text


@pytest.mark.parametrize(
    ("held", "status"),
    [
        ((), 403),
        (("keypairs:*", "credentials:*", "realm:any"), 403),
        (("audit:write",), 403),
        (("audit:read",), 200),
        (("audit:*",), 200),
        (("*",), 200),
    ],
)
def test_it_takes_the_scope(tenant: Tenant, held: tuple[str, ...], status: int) -> None:
    answer = tenant("alice", *held).get("/v1/audit")
    assert answer.status_code == status
    if status == 403:
        assert answer.json is not None
        assert answer.json["type"] == "about:blank"
        assert "audit:read" in answer.json["detail"]


def test_a_caller_sees_its_own_realm(
    admin: Client, tenant: Tenant, issue: Issue
) -> None:
    alice = tenant("alice", "audit:read")
    bob = tenant("bob", "audit:read")
    auditor = tenant("carol", "audit:read", "realm:any")
    made = issue("alice").credential.public_id
    # What somebody else does in the realm is seen there, too.
    admin.patch(f"{KEYPAIRS}/alice/{made}", json={"props": {"isActive": False}})
    bobs = issue("bob").credential.public_id

    assert seqs(every(admin)) == [1, 2, 3, 4, 5, 6, 7]
    assert every(auditor) == every(admin)
    assert seqs(every(alice)) == [2, 5, 6]
    assert seqs(every(bob)) == [3, 7]
    assert every(bob)[-1]["credentialId"] == bobs
    assert every(alice)[-1]["actor"]["id"] != made


def test_a_realm_without_records_is_an_empty_page(tenant: Tenant, issue: Issue) -> None:
    only = tenant("alice", "audit:read")
    assert len(every(only)) == 1
    assert read(only, limit=1) == {"items": every(only), "nextPageToken": None}


def test_pages_join_to_the_whole(admin: Client, issue: Issue) -> None:
    for _ in range(11):
        issue("alice")
    whole = every(admin)
    assert seqs(whole) == list(range(1, 13))
    for limit in (1, 2, 3, 5, 6, 11, 12, 13, 100):
        assert every(admin, limit) == whole, limit


def test_pages_of_a_realm_join_to_the_whole(tenant: Tenant, issue: Issue) -> None:
    alice = tenant("alice", "audit:read")
    for user in ("bob", "alice", "bob", "bob", "alice", "alice"):
        issue(user)
    for limit in (1, 2, 3, 4, 5):
        assert seqs(every(alice, limit)) == [1, 3, 6, 7], limit


def test_the_last_page_has_no_token(admin: Client, issue: Issue) -> None:
    issue("alice")
    page = read(admin, limit=1)
    assert seqs(page["items"]) == [1]
    assert page["nextPageToken"]
    page = read(admin, limit=1, pageToken=page["nextPageToken"])
    assert seqs(page["items"]) == [2]
    assert page["nextPageToken"] is None


def test_a_page_goes_on_where_it_was_cut(admin: Client, issue: Issue) -> None:
    issue("alice")
    token = read(admin, limit=1)["nextPageToken"]
    issue("alice")
    # What came since comes later; the limit may be another.
    assert seqs(read(admin, limit=5, pageToken=token)["items"]) == [2, 3]
    assert seqs(read(admin, limit=1, pageToken=token)["items"]) == [2]
    assert set(token) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
    )


def test_twenty_are_told_unless_otherwise_asked(admin: Client, issue: Issue) -> None:
    for _ in range(20):
        issue("alice")
    assert seqs(read(admin)["items"]) == list(range(1, 21))
    assert read(admin)["nextPageToken"]
    assert len(read(admin, limit=100)["items"]) == 21


BAD_LIMITS = ("0", "-1", "101", "1000000", "", "x", "1.5", "null", "9" * 5000)


def test_limits_from_one_to_a_hundred(admin: Client) -> None:
    for limit in BAD_LIMITS:
        answer = admin.get("/v1/audit", query_string={"limit": limit})
        assert told(answer) == "limit", limit
    for limit in ("1", "100"):
        answer = admin.get("/v1/audit", query_string={"limit": limit})
        assert answer.status_code == 200


def test_a_token_that_was_not_made_here_is_refused(admin: Client, issue: Issue) -> None:
    issue("alice")
    token = read(admin, limit=1)["nextPageToken"]
    payload, _, signature = token.rpartition(".")
    longer = b64encode(b'[["audit",null],0]').decode().rstrip("=")
    bad = [
        "x",
        ".",
        "0",
        "1",
        "null",
        payload,
        f"{payload}.",
        f".{signature}",
        token[:-1],
        token + "A",
        f"{token}.{signature}",
        token.swapcase(),
        f"{longer}.{signature}",
        token + "\0",
        "\u00e9",
        "\U0001f600" * 1000,
        "A" * 100_000,
        *(_changed(token, place) for place in range(0, len(token) - 1, 3)),
    ]
    for tampered in bad:
        answer = admin.get("/v1/audit", query_string={"pageToken": tampered})
        assert told(answer) == "pageToken", tampered[:100]
    answer = admin.get("/v1/audit?pageToken=%ff%fe")
    assert told(answer) == "pageToken"


def _changed(token: str, place: int) -> str:
    other = "A" if token[place] != "A" else "B"
    return token[:place] + other + token[place + 1 :]


def test_a_token_of_another_realm_is_refused(
    admin: Client, tenant: Tenant, issue: Issue
) -> None:
    alice, bob = tenant("alice", "audit:read"), tenant("bob", "audit:read")
    issue("alice")
    issue("bob")
    tokens = {
        who: read(client, limit=1)["nextPageToken"]
        for who, client in (("admin", admin), ("alice", alice), ("bob", bob))
    }
    assert all(tokens.values())
    for who, client in (("admin", admin), ("alice", alice), ("bob", bob)):
        for whose, token in tokens.items():
            answer = client.get("/v1/audit", query_string={"pageToken": token})
            if who == whose:
                assert answer.status_code == 200
            else:
                assert told(answer) == "pageToken"


def test_the_scope_is_judged_before_the_token(tenant: Tenant) -> None:
    nobody = tenant("alice")
    answer = nobody.get("/v1/audit", query_string={"pageToken": "x"})
    assert answer.status_code == 403


def test_a_token_of_another_installation_is_refused(
    admin: Client, issue: Issue, config: dict[str, Any]
) -> None:

    def made_with(keys: str) -> str:
        settings = Settings.from_mapping(config | {"KEYSVC_SECRET_KEYS": keys})
        return Cursors(Vault(lambda: ring.load(settings))).sign(["audit", None], 1)

    issue("alice")
    answer = admin.get("/v1/audit", query_string={"pageToken": made_with(NEW)})
    assert told(answer) == "pageToken"
    assert seqs(read(admin, pageToken=made_with(RING))["items"]) == [2]


@pytest.fixture
def rings(
    config: dict[str, Any],
) -> Iterator[Callable[[str], Client]]:
    """Return a function that starts the application anew with another ring."""

    def start(keys: str) -> Client:
        finish_all()
        disconnect()
        app = create_app(config | {"KEYSVC_SECRET_KEYS": keys})
        app.test_client_class = Client
        client = app.test_client()
        assert isinstance(client, Client)
        return client

    yield start
    finish_all()
    disconnect()


def test_a_token_survives_a_rotation_of_the_ring(
    admin: Client, issue: Issue, rings: Callable[[str], Client]
) -> None:
    issued = issue("root", scopes=("*",))
    old = read(admin, limit=1)["nextPageToken"]
    carried = issued.credential.public_id, issued.secret

    rotated = rings(f"{NEW},{RING}").carrying(*carried)

    assert seqs(read(rotated, pageToken=old)["items"]) == [2]
    new = read(rotated, limit=1)["nextPageToken"]
    assert new != old
    assert seqs(read(rotated, pageToken=new)["items"]) == [2]
