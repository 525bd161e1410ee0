"""Credentials of all families over HTTP: rotate, find, off-board."""

from collections.abc import Callable
from datetime import datetime
from datetime import timedelta
from typing import Any
from uuid import UUID
from uuid import uuid4

import pytest
from flask import Flask

from keysvc.model import Issued
from tests.api.accounts import bearer
from tests.api.accounts import good
from tests.api.accounts import hire
from tests.api.accounts import key_login
from tests.api.accounts import keys_of
from tests.api.accounts import log_in
from tests.api.accounts import new_account
from tests.api.accounts import new_key
from tests.api.accounts import PASSWORD
from tests.api.accounts import secret_of
from tests.api.answers import problem
from tests.api.answers import told
from tests.api.clocks import on_clock
from tests.api.organizations import issue_key
from tests.api.organizations import keys_of as access_keys_of
from tests.api.organizations import NEW
from tests.api.signer import Signer
from tests.conftest import Client
from tests.conftest import Tenant

Issue = Callable[..., Issued]

CREDENTIALS = "/v1/credentials"
DEACTIVATE = f"{CREDENTIALS}/deactivate"

ITEM = [
    *("kind", "id", "owner", "name", "description", "active", "scopes", "createdAt"),
    *("createdBy", "expiresAt", "lastUsedAt", "totalQueries", "rotatedAt"),
    *("graceUntil", "graceUsedAt"),
]


def rotate(client: Client, id_: str, **body: Any) -> Any:
    return client.post(f"{CREDENTIALS}/{id_}/rotate", json=body)


def found(client: Client, **query: Any) -> list[Any]:
    items: list[Any] = good(client.get(CREDENTIALS, query_string=query))["items"]
    return items


def ids(client: Client, **query: Any) -> list[str]:
    return [item["id"] for item in found(client, **query)]


def create_keypair(client: Client, user: str = "alice", **body: Any) -> Any:
    return good(client.post(f"/v2/admin/keypairs/{user}/create", json=body))


def create_access_key(client: Client, organization: str = "acme", **body: Any) -> Any:
    answer = client.post(access_keys_of(organization), json={**NEW, **body})
    assert answer.status_code == 201, answer.text
    return told(answer)


def works(client: Client) -> bool:
    """Tell whether *client* is let in at all: without the scope that is 403."""
    status = client.get("/v1/audit").status_code
    assert status in (200, 401, 403)
    return status != 401


def carrying(app: Flask, access_key: str, secret_key: str) -> Client:
    client = app.test_client()
    assert isinstance(client, Client)
    return client.carrying(access_key, secret_key)


@pytest.fixture
def account(admin: Client) -> Any:
    return new_account(admin)


def test_a_keypair_is_rotated_as_it_was_created(app: Flask, admin: Client) -> None:
    made = create_keypair(admin, props={"scopes": ["keypairs:read"]})
    answer = rotate(admin, made["accessKey"])

    assert answer.status_code == 200
    turned = told(answer)
    assert list(turned) == ["accessKey", "secretKey"]
    assert turned["accessKey"] == made["accessKey"]
    assert turned["secretKey"] != made["secretKey"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert works(carrying(app, *turned.values()))
    assert not works(carrying(app, *made.values()))


def test_an_api_key_is_rotated_as_it_was_created(
    app: Flask, admin: Client, account: Any
) -> None:
    made = new_key(admin, account, scopes=["verify"], description="told")
    turned = good(rotate(admin, made["id"]))

    assert list(turned) == list(made)
    assert turned["metadata"]["scopes"] == ["verify"]
    assert turned["metadata"]["description"] == "told"
    old, new = secret_of(made), secret_of(turned)
    assert (works(bearer(app, old)), works(bearer(app, new))) == (False, True)
    assert good(admin.get(f"{keys_of(account)}/runner"))["metadata"]["last_rotated"]


def test_an_access_key_is_rotated_as_it_was_created(app: Flask, admin: Client) -> None:
    made = create_access_key(admin, scopes=["access-keys:read"])
    answer = rotate(admin, made["accessKey"]["id"])

    assert answer.status_code == 201
    turned = told(answer)
    same = ("id", "name", "createdAt", "scopes", "organizationId")
    assert [turned["accessKey"][n] for n in same] == [
        made["accessKey"][n] for n in same
    ]
    assert turned["accessKey"]["suffix"] == turned["token"][-6:]
    tokens = (made["token"], turned["token"])
    assert [works(bearer(app, token)) for token in tokens] == [False, True]


def test_a_grace_period_ends_and_says_when_the_old_secret_was_last_used(
    app: Flask, admin: Client, account: Any
) -> None:
    service, clock = on_clock(app)
    pair, key = create_keypair(admin), new_key(admin, account)
    access_key = create_access_key(admin, scopes=["access-keys:read"])
    olds = {
        pair["accessKey"]: carrying(app, *pair.values()),
        key["id"]: bearer(app, secret_of(key)),
        access_key["accessKey"]["id"]: bearer(app, access_key["token"]),
    }
    for id_, old in olds.items():
        assert rotate(admin, id_, graceMinutes=60).status_code in (200, 201)
        assert works(old)
    service.counters.flush()

    shown = {item["id"]: item for item in found(admin)}
    for id_ in olds:
        ends = clock.time + timedelta(minutes=60)
        assert datetime.fromisoformat(shown[id_]["graceUntil"]) == ends
        assert datetime.fromisoformat(shown[id_]["graceUsedAt"]) == clock.time
        assert datetime.fromisoformat(shown[id_]["rotatedAt"]) == clock.time
    clock.move(minutes=60)
    assert not any(works(old) for old in olds.values())


def test_a_signature_with_the_old_secret_is_good_in_the_grace_period(
    app: Flask, admin: Client, stranger: Client
) -> None:
    _, clock = on_clock(app)
    made = create_keypair(admin, props={"scopes": ["keypairs:*"]})
    turned = good(rotate(admin, made["accessKey"], graceMinutes=10))

    def signed(pair: Any) -> int:
        signer = Signer(
            access_key=pair["accessKey"],
            secret_key=pair["secretKey"],
            date=clock.time.isoformat(),
        )
        path = f"/v2/admin/keypairs/alice/{pair['accessKey']}?keys=isActive"
        return stranger.get(path, headers=signer.headers("GET", path)).status_code

    assert (signed(made), signed(turned)) == (200, 200)
    clock.move(minutes=10)
    assert (signed(made), signed(turned)) == (401, 200)
    good(rotate(admin, made["accessKey"]))
    assert signed(turned) == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"graceMinutes": -1}, "graceMinutes"),
        ({"graceMinutes": 525601}, "graceMinutes"),
        ({"graceMinutes": "5"}, "graceMinutes"),
        ({"graceMinutes": True}, "graceMinutes"),
        ({"minutes": 1}, "minutes"),
        ([], "body"),
    ],
)
def test_a_bad_grace_period_is_named_and_nothing_is_rotated(
    app: Flask, admin: Client, body: Any, field: str
) -> None:
    made = create_keypair(admin)
    answer = admin.post(f"{CREDENTIALS}/{made['accessKey']}/rotate", json=body)
    assert problem(answer) == (422, "about:blank")
    assert list(told(answer)["errors"]) == [field]
    assert works(carrying(app, *made.values()))


def test_what_is_not_there_cannot_be_rotated(admin: Client, issue: Issue) -> None:
    keypair = issue("alice").credential
    for id_ in ("KPAAAAAAAAAAAAAAAAAA", str(uuid4()), "x", str(keypair.id), "%C3%A9"):
        assert problem(rotate(admin, id_)) == (404, "about:blank"), id_
    # Both know ids in any spelling, as their own routes do.
    assert rotate(admin, keypair.public_id).status_code == 200


def test_nobody_rotates_what_is_more_than_he_is(tenant: Tenant, issue: Issue) -> None:
    clerk = tenant("alice", "credentials:write")
    strong = issue("alice", scopes=("jobs:run",)).credential.public_id
    weak = issue("alice").credential.public_id
    assert problem(rotate(clerk, strong)) == (403, "about:blank")
    assert rotate(clerk, weak).status_code == 200


def test_what_is_managed_is_the_shell_s_alone(app: Flask, admin: Client) -> None:
    service, _ = on_clock(app)
    managed = issue_key(service, "acme", attributes={"managed": True}).credential
    create_access_key(admin)
    everything = {"owner": {"kind": "organization", "id": "acme"}}

    assert problem(rotate(admin, str(managed.id)))[0] == 409
    answer = admin.post(DEACTIVATE, json=everything)
    assert problem(answer)[0] == 409
    assert str(managed.id) in told(answer)["detail"]
    assert [item["active"] for item in found(admin, owner="organization:acme")] == [
        True,
        True,
    ]


def test_a_rotation_is_recorded(admin: Client) -> None:
    made = create_keypair(admin)
    good(rotate(admin, made["accessKey"], graceMinutes=5))
    last = good(admin.get("/v1/audit?limit=100"))["items"][-1]
    assert (last["action"], last["credentialId"]) == (
        "credential.rotate",
        made["accessKey"],
    )
    assert last["after"]["retainMinutes"] == 5


def test_an_item_tells_all_but_secrets(app: Flask, admin: Client) -> None:
    made = create_keypair(admin, props={"description": "laptop", "scopes": ["a:b"]})
    [item] = found(admin, owner="user:alice")
    assert list(item) == ITEM
    assert item["id"] == made["accessKey"]
    assert item["owner"] == {"kind": "user", "id": "alice"}
    assert (item["description"], item["scopes"]) == ("laptop", ["a:b"])
    assert item["createdBy"]["kind"] == "keypair"
    assert made["secretKey"] not in admin.get(CREDENTIALS).text


def test_all_families_are_listed_oldest_first_and_page_by_page(
    app: Flask, admin: Client, account: Any
) -> None:
    on_clock(app)  # All made at one time: ids break the tie.
    made = [create_keypair(admin)["accessKey"] for _ in range(3)]
    made += [new_key(admin, account, f"k{n}")["id"] for n in range(3)]
    made += [create_access_key(admin)["accessKey"]["id"] for _ in range(3)]

    read: list[str] = []
    page = good(admin.get(f"{CREDENTIALS}?limit=4"))
    while True:
        assert len(page["items"]) <= 4
        read += [item["id"] for item in page["items"]]
        if page["nextPageToken"] is None:
            break
        token = {"limit": 4, "pageToken": page["nextPageToken"]}
        page = good(admin.get(CREDENTIALS, query_string=token))
    assert len(read) == len(set(read)) == 10, "with the administrator's own"
    assert set(made) < set(read)
    assert {item["kind"] for item in found(admin)} == {
        *("keypair", "api_key", "access_key")
    }


def test_filters_join(app: Flask, admin: Client, account: Any) -> None:
    pair = create_keypair(admin)["accessKey"]
    key = new_key(admin, account)["id"]
    acme = create_access_key(admin)["accessKey"]["id"]
    maker = found(admin, owner="user:alice")[0]["createdBy"]["id"]
    created_by = f"keypair:{maker}"

    cases: list[tuple[dict[str, str], list[str]]] = [
        ({"kind": "api_key"}, [key]),
        ({"kind": "access_key"}, [acme]),
        ({"owner": "user:alice"}, [pair]),
        ({"owner": f"service_account:{account['id']}"}, [key]),
        ({"owner": "organization:acme", "kind": "access_key"}, [acme]),
        ({"owner": "organization:acme", "kind": "keypair"}, []),
        ({"owner": "user:nobody"}, []),
        ({"createdBy": created_by}, [pair, key, acme]),
        ({"createdBy": created_by, "kind": "keypair"}, [pair]),
        ({"createdBy": "operator:x"}, []),
    ]
    for query, expected in cases:
        assert ids(admin, **query) == expected, query


def test_unused_and_expiring_ones_are_found(app: Flask, admin: Client) -> None:
    service, clock = on_clock(app)
    old, used = create_keypair(admin), create_keypair(admin)
    clock.move(days=90)
    ends = (clock.time + timedelta(days=14)).isoformat()
    young = create_keypair(admin, props={"expiresAt": ends})
    later = (clock.time + timedelta(days=14, seconds=2)).isoformat()
    create_keypair(admin, props={"expiresAt": later})
    create_keypair(admin, props={"expiresAt": clock.time.isoformat()})
    assert works(carrying(app, *used.values()))
    service.counters.flush()

    alice = {"owner": "user:alice"}
    assert ids(admin, unusedFor="90d", **alice) == []
    clock.move(seconds=1)
    assert ids(admin, unusedFor="90d", **alice) == [old["accessKey"]]
    assert ids(admin, unusedFor="2160h", **alice) == [old["accessKey"]]
    assert ids(admin, expiresWithin="14d", **alice) == [young["accessKey"]]
    assert ids(admin, expiresWithin="2w", unusedFor="1d", **alice) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "session"),
        ("kind", "x"),
        ("owner", "alice"),
        ("owner", "operator:x"),
        ("owner", "user:"),
        ("owner", "user:" + "a" * 256),
        ("owner", "user:a\u202e"),
        ("createdBy", "user:alice"),
        ("unusedFor", "90"),
        ("unusedFor", "-1d"),
        ("unusedFor", "1y"),
        ("unusedFor", "99999999s"),
        ("expiresWithin", "d"),
        ("expiresWithin", "\u0661d"),
        ("limit", "0"),
        ("limit", "101"),
        ("pageToken", "x"),
        ("sort", "name"),
    ],
)
def test_a_bad_query_is_named(admin: Client, name: str, value: str) -> None:
    answer = admin.get(CREDENTIALS, query_string={name: value})
    assert problem(answer) == (422, "about:blank")
    assert list(told(answer)["errors"]) == [name]


@pytest.mark.parametrize("span", ["0d", "0s", "9999999w"])
def test_a_span_may_be_none_at_all_or_longer_than_anything_lives(
    admin: Client, span: str
) -> None:
    for _ in range(2):
        create_keypair(admin)
    for name in ("unusedFor", "expiresWithin"):
        page = good(admin.get(f"{CREDENTIALS}?{name}={span}&limit=1"))
        while page["nextPageToken"]:
            query = {name: span, "limit": 1, "pageToken": page["nextPageToken"]}
            page = good(admin.get(CREDENTIALS, query_string=query))


def test_a_page_token_is_of_one_search(admin: Client, tenant: Tenant) -> None:
    for _ in range(2):
        create_keypair(admin)
    mine = {"owner": "user:alice", "limit": 1}
    first = good(admin.get(CREDENTIALS, query_string=mine))
    token = {"pageToken": first["nextPageToken"]}
    assert good(admin.get(CREDENTIALS, query_string={**mine, **token}))["items"]
    bob = tenant("bob", "credentials:read")
    for client, query in (
        (admin, {**mine, **token, "unusedFor": "1d"}),
        (admin, {**mine, **token, "kind": "keypair"}),
        (bob, {**mine, **token}),
    ):
        answer = client.get(CREDENTIALS, query_string=query)
        assert problem(answer) == (422, "about:blank")


def test_a_tenant_finds_its_own_alone(
    app: Flask, admin: Client, tenant: Tenant
) -> None:
    create_keypair(admin, "alice")
    create_keypair(admin, "bob")
    alice = tenant("alice", "credentials:*")
    mine = ids(alice)
    assert {item["owner"]["id"] for item in found(alice)} == {"alice"}
    assert ids(alice, owner="user:bob") == []
    assert ids(alice, owner="user:alice") == mine
    for group in ({"owner": {"kind": "user", "id": "bob"}}, _maker_of(admin, "bob")):
        answer = good(alice.post(DEACTIVATE, json={**group, "dryRun": True}))
        assert set(answer["ids"]) <= set(mine)
    assert (
        good(alice.post(DEACTIVATE, json={"owner": {"kind": "user", "id": "bob"}}))[
            "ids"
        ]
        == []
    )
    assert [item["active"] for item in found(admin, owner="user:bob")] == [True]


def _maker_of(admin: Client, user: str) -> Any:
    return {"createdBy": found(admin, owner=f"user:{user}")[0]["createdBy"]}


def test_an_operator_without_any_realm_finds_nothing(
    app: Flask, stranger: Client, issue: Issue
) -> None:
    service, _ = on_clock(app)
    hire(service, "olga", "credentials:*")
    issue("alice")
    token = good(log_in(stranger, username="olga", password=PASSWORD))["access_token"]
    olga = bearer(app, token)
    assert ids(olga) == []
    alice = {"owner": {"kind": "user", "id": "alice"}}
    assert good(olga.post(DEACTIVATE, json=alice)) == {"ids": []}


def test_whoever_leaves_has_nothing_that_works(
    app: Flask, admin: Client, issue: Issue
) -> None:
    pairs = [create_keypair(admin) for _ in range(2)]
    off = create_keypair(admin, isActive=False)
    bob = create_keypair(admin, "bob")
    alice = {"owner": {"kind": "user", "id": "alice"}}
    expected = sorted(pair["accessKey"] for pair in pairs)

    dry = good(admin.post(DEACTIVATE, json={**alice, "dryRun": True}))
    assert sorted(dry["ids"]) == expected
    assert works(carrying(app, *pairs[0].values()))
    done = good(admin.post(DEACTIVATE, json=alice))
    assert done == dry
    assert off["accessKey"] not in done["ids"]
    good_ones = [works(carrying(app, *pair.values())) for pair in [*pairs, bob]]
    assert good_ones == [False, False, True]
    assert good(admin.post(DEACTIVATE, json=alice)) == {"ids": []}
    records = good(admin.get("/v1/audit?limit=100"))["items"][-2:]
    assert {record["credentialId"] for record in records} == set(expected)
    assert all(
        (r["action"], r["before"], r["after"])
        == ("credential.update", {"isActive": True}, {"isActive": False})
        for r in records
    )


def test_what_a_leaked_key_made_is_switched_off_whosever_it_is(
    app: Flask, admin: Client, account: Any
) -> None:
    leaked = new_key(admin, account, "leaked", scopes=["*"])
    # By the key itself, and by a login with it.
    with_key = bearer(app, secret_of(leaked))
    session = bearer(app, key_login(with_key, secret_of(leaked)))
    made = {
        create_keypair(with_key, "eve")["accessKey"],
        create_access_key(session, "evil")["accessKey"]["id"],
    }
    kept = create_keypair(admin, "eve")

    maker = {"createdBy": {"kind": "api_key", "id": leaked["id"]}}
    assert set(good(admin.post(DEACTIVATE, json=maker))["ids"]) == made
    active = {item["id"] for item in found(admin) if item["active"]}
    assert active & made == set()
    assert {leaked["id"], kept["accessKey"]} <= active


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"owner": {"kind": "user", "id": "a"}, "createdBy": {}}, "createdBy.kind"),
        (
            {
                "owner": {"kind": "user", "id": "a"},
                "createdBy": {"kind": "cli", "id": "a"},
            },
            "body",
        ),
        ({"owner": {"kind": "operator", "id": "a"}}, "owner.kind"),
        ({"owner": {"kind": "user", "id": ""}}, "owner.id"),
        ({"owner": {"kind": "user", "id": "a\u0000"}}, "owner.id"),
        ({"owner": {"kind": "user", "id": 1}}, "owner.id"),
        ({"owner": "user:alice"}, "owner"),
        ({"createdBy": {"kind": "user", "id": "a"}}, "createdBy.kind"),
        ({"owner": {"kind": "user", "id": "a"}, "dryRun": 1}, "dryRun"),
        ({"owner": {"kind": "user", "id": "a"}, "dry": True}, "dry"),
    ],
)
def test_a_bad_group_is_named_and_nothing_is_switched_off(
    admin: Client, body: Any, field: str
) -> None:
    answer = admin.post(DEACTIVATE, json=body)
    assert problem(answer) == (422, "about:blank")
    assert field in told(answer)["errors"]
    assert all(item["active"] for item in found(admin))


def test_ids_are_the_ones_that_verification_tells(
    app: Flask, admin: Client, account: Any
) -> None:
    key = new_key(admin, account)
    verdict = good(admin.post("/v1/verify", json={"token": secret_of(key)}))
    assert verdict["id"] == ids(admin, kind="api_key")[0] == str(UUID(key["id"]))
