"""Nobody becomes more than he is: what a limited caller may make, and may change."""

from collections.abc import Callable
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from typing import Any

import pytest
from werkzeug.test import TestResponse

from keysvc.commands.group import operator
from keysvc.core.service import Service
from keysvc.model import Credential
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from tests.conftest import Client
from tests.conftest import Tenant

ALICE = Owner(OwnerKind.USER, "alice")
KEYPAIRS = "/v2/admin/keypairs/alice"
END = datetime(2090, 6, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)

Row = tuple[dict[str, Any], int]


def iso(moment: datetime) -> str:
    return moment.isoformat()


#: The caller: alice, who may do a few things, and within limits.
HELD = ("keypairs:read", "keypairs:write", "jobs:*", "verify")
LIMITS: dict[str, Any] = {
    "expires_at": END,
    "allowed_ips": ("127.0.0.0/8", "2001:db8::/32"),
    "rate_limit": 1000,
    "remaining": 1000,
}

#: What she may just make: all her limits, and nothing else.
WITHIN: dict[str, Any] = {
    "expiresAt": iso(END),
    "allowedIps": ["127.0.0.0/8", "2001:db8::/32"],
    "rateLimit": 1000,
    "remaining": 500,
}

# what is otherwise in a keypair that she makes, or that becomes of a weak one
BEYOND: list[dict[str, Any]] = [
    {"scopes": ["*"]},
    {"scopes": ["realm:any"]},
    {"scopes": ["keypairs:*"]},
    {"scopes": ["keypairs:read", "keypairs:write", "audit:read"]},
    {"scopes": ["jobs:run", "job:run"]},
    {"scopes": ["verify:*"]},
    {"scopes": ["*:*"]},
    {"scopes": ["jobs*"]},
    {"scopes": ["jobs"]},
    {"expiresAt": None},
    {"expiresAt": iso(END + MOMENT)},
    {"expiresAt": "2090-06-01T00:00:00-00:01"},
    {"allowedIps": []},
    {"allowedIps": ["0.0.0.0/0"]},
    {"allowedIps": ["0.0.0.0/0", "::/0"]},
    {"allowedIps": ["126.0.0.0/7"]},
    {"allowedIps": ["127.0.0.1", "128.0.0.1"]},
    {"allowedIps": ["192.0.2.1"]},
    {"allowedIps": ["::/0"]},
    {"allowedIps": ["::1"]},
    {"allowedIps": ["2001:db8::/31"]},
    {"allowedIps": ["2001:db8::/32", "127.0.0.0/8", "2001:db9::/32"]},
    {"allowedIps": ["::ffff:10.0.0.0/104"]},
    {"allowedIps": ["::127.0.0.1"]},
    {"rateLimit": None},
    {"rateLimit": 1001},
    {"remaining": None},
    {"remaining": 1001},
    {"remaining": 2**53 - 1},
]

INSIDE: list[dict[str, Any]] = [
    {},
    {"scopes": []},
    {"scopes": list(HELD)},
    {"scopes": ["jobs:run", "jobs:a:b", "jobs:a:*", "keypairs:read"]},
    {"expiresAt": iso(END - MOMENT)},
    {"expiresAt": "2020-01-01T00:00:00Z"},
    {"expiresAt": "2090-06-01T00:00:00+00:01"},
    {"allowedIps": ["127.0.0.1"]},
    {"allowedIps": ["127.128.0.0/9", "127.0.0.0/9"]},
    {"allowedIps": ["2001:db8:1::/48"]},
    {"rateLimit": 0},
    {"rateLimit": 999},
    {"remaining": 0},
    {"remaining": 499},
    {"isActive": False},
    {"description": "told", "concurrency": 10**6, "cost.dailyLimit": "1000000"},
]


@pytest.fixture
def alice(tenant: Tenant) -> Client:
    return tenant("alice", *HELD, **LIMITS)


@pytest.fixture
def stored(service: Service) -> Callable[[str], Credential]:
    """Return a function that reads what is kept of a keypair of alice."""

    def stored(key: str) -> Credential:
        return service.credentials.get(operator(), Kind.KEYPAIR, ALICE, key)

    return stored


@pytest.fixture
def records(service: Service) -> Callable[[], int]:
    """Return a function that tells how many records the audit has."""
    return lambda: service.ledger.verify().good


Stored = Callable[[str], Credential]
Records = Callable[[], int]


def patch(client: Client, key: str, props: dict[str, Any]) -> TestResponse:
    return client.patch(f"{KEYPAIRS}/{key}", json={"props": props})


def create(client: Client, props: dict[str, Any]) -> TestResponse:
    return client.post(f"{KEYPAIRS}/create", json={"props": props})


def test_what_a_limited_caller_may_make(alice: Client) -> None:
    wrong = [
        (props, answer.status_code)
        for props in INSIDE
        if (answer := create(alice, WITHIN | props)).status_code != 200
    ]
    assert not wrong


def test_what_a_limited_caller_may_not_make(alice: Client, records: Records) -> None:
    before = records()
    for props in BEYOND:
        answer = create(alice, WITHIN | props)
        assert answer.status_code == 403, props
        assert answer.json is not None
        assert answer.json["type"].endswith("/generic-forbidden")
        assert answer.json["detail"].startswith(f"{next(iter(props))}: ")
    assert records() == before


def test_a_refused_keypair_is_not_there(alice: Client) -> None:
    for props in BEYOND[:3]:
        assert create(alice, WITHIN | props).status_code == 403
    listed = alice.report(KEYPAIRS).json
    assert listed is not None
    assert listed["paging"]["count"] == 1


def test_leaving_a_limit_out_is_having_none(alice: Client) -> None:
    for name in WITHIN:
        props = {n: v for n, v in WITHIN.items() if n != name}
        answer = create(alice, props)
        assert answer.status_code == 403, name
        assert answer.json is not None
        assert answer.json["detail"].startswith(f"{name}: ")
    assert create(alice, WITHIN).status_code == 200
    assert alice.post(f"{KEYPAIRS}/create").status_code == 403


def test_switched_off_is_no_excuse(alice: Client) -> None:
    props = WITHIN | {"scopes": ["*"]}
    off = {"isActive": False, "props": props}
    assert alice.post(f"{KEYPAIRS}/create", json=off).status_code == 403


WEAK: dict[str, Any] = {
    "scopes": ("jobs:run",),
    "expires_at": datetime(2050, 1, 1, tzinfo=UTC),
    "allowed_ips": ("127.0.0.1/32",),
    "rate_limit": 10,
    "remaining": 10,
}


def test_what_may_become_of_a_weaker_one(
    alice: Client, issue: Callable[..., Issued]
) -> None:
    for props in INSIDE:
        weak = issue("alice", **WEAK).credential.public_id
        assert patch(alice, weak, WITHIN | props).status_code == 204, props


def test_what_may_not_become_of_a_weaker_one(
    alice: Client, issue: Callable[..., Issued], stored: Stored, records: Records
) -> None:
    weak = issue("alice", **WEAK).credential.public_id
    kept, before = stored(weak), records()

    for props in BEYOND:
        # Alone, and among changes that would be fine.
        assert patch(alice, weak, props).status_code == 403, props
        answer = patch(alice, weak, WITHIN | props | {"description": "told"})
        assert answer.status_code == 403, props

    assert stored(weak) == kept
    assert records() == before


STRONG: dict[str, Any] = {"scopes": ("*",), "rate_limit": 5000, "remaining": 5000}

# of a stronger one: what she changes, and what comes of it
OF_STRONGER: list[Row] = [
    ({}, 204),
    ({"description": "alice's"}, 204),
    ({"concurrency": 9, "ML.clusterSize": 4}, 204),
    ({"isActive": True}, 204),
    ({"isActive": False}, 204),
    ({"scopes": ["jobs:run"]}, 204),
    ({"scopes": ["audit:read", "realm:any"]}, 204),
    ({"scopes": []}, 204),
    ({"expiresAt": "2095-01-01T00:00:00Z"}, 204),
    ({"expiresAt": "2020-01-01T00:00:00Z"}, 204),
    ({"allowedIps": ["192.0.2.0/24"]}, 204),
    ({"rateLimit": 4999}, 204),
    ({"remaining": 4999}, 204),
    ({"rateLimit": 5001}, 403),
    ({"rateLimit": None}, 403),
    ({"remaining": 5001}, 403),
    ({"remaining": None}, 403),
    ({"scopes": [], "remaining": 5001}, 403),
    ({"scopes": ["jobs:run"], **WITHIN, "rateLimit": 5001}, 403),
]


def test_what_may_become_of_a_stronger_one(
    alice: Client, issue: Callable[..., Issued], stored: Stored, records: Records
) -> None:
    for props, status in OF_STRONGER:
        strong = issue("alice", **STRONG).credential.public_id
        kept, before = stored(strong), records()
        assert patch(alice, strong, props).status_code == status, props
        if status == 403:
            assert stored(strong) == kept
            assert records() == before


def test_a_stronger_one_is_not_switched_on_again(
    alice: Client, issue: Callable[..., Issued], stored: Stored, records: Records
) -> None:
    strong = issue("alice", **STRONG, is_active=False).credential.public_id
    kept, before = stored(strong), records()
    for props in (
        {"isActive": True},
        {"isActive": True, "scopes": []},
        {"isActive": True, "scopes": ["jobs:run"], **WITHIN},
    ):
        assert patch(alice, strong, props).status_code == 403, props
    assert stored(strong) == kept
    assert records() == before


def test_what_was_made_weak_is_switched_on(
    alice: Client, issue: Callable[..., Issued]
) -> None:
    strong = issue("alice", **STRONG, is_active=False).credential.public_id
    assert patch(alice, strong, WITHIN | {"scopes": ["jobs:run"]}).status_code == 204
    assert patch(alice, strong, {"isActive": True}).status_code == 204


def test_a_weak_one_that_outlives_is_not_switched_on(
    alice: Client, issue: Callable[..., Issued]
) -> None:
    for loose in (
        {"expires_at": None},
        {"allowed_ips": ()},
        {"rate_limit": None},
        {"remaining": None},
    ):
        off: dict[str, Any] = {**WEAK, **loose, "is_active": False}
        key = issue("alice", **off).credential.public_id
        assert patch(alice, key, {"isActive": True}).status_code == 403, loose


def test_a_stronger_one_may_be_deleted(
    alice: Client, issue: Callable[..., Issued], records: Records
) -> None:
    strong = issue("alice", **STRONG).credential.public_id
    before = records()
    assert alice.delete(f"{KEYPAIRS}/{strong}").status_code == 204
    assert alice.delete(f"{KEYPAIRS}/{strong}").status_code == 404
    assert records() == before + 1


def test_nobody_loosens_himself(
    alice: Client, stored: Stored, records: Records
) -> None:
    listed = alice.report(KEYPAIRS).json
    assert listed is not None
    own = listed["items"][0]["accessKey"]
    kept, before = stored(own), records()

    for props in BEYOND:
        assert patch(alice, own, props).status_code == 403, props

    after = stored(own)
    assert (after.scopes, after.expires_at) == (kept.scopes, kept.expires_at)
    assert after.updated_at == kept.updated_at
    assert records() == before
    assert patch(alice, own, {"scopes": ["keypairs:write"]}).status_code == 204
    # From now on this is all she has.
    assert patch(alice, own, {"scopes": list(HELD)}).status_code == 403


def test_whoever_may_act_anywhere_becomes_no_more_there(
    tenant: Tenant, issue: Callable[..., Issued]
) -> None:
    support = tenant("support", "keypairs:write", "realm:any")
    off = issue("alice", scopes=("*",), is_active=False).credential.public_id

    assert create(support, {"scopes": ["*"]}).status_code == 403
    assert create(support, {"scopes": ["keypairs:read"]}).status_code == 403
    assert patch(support, off, {"isActive": True}).status_code == 403
    assert create(support, {"scopes": ["keypairs:write"]}).status_code == 200
    # As strong as itself: it may pass on its realms.
    assert create(support, {"scopes": ["realm:any"]}).status_code == 200


def test_without_limits_anything_is_made(admin: Client) -> None:
    for props in (*BEYOND, *INSIDE):
        assert create(admin, WITHIN | props).status_code == 200, props


def test_the_limits_hold_for_generations(alice: Client) -> None:
    made = create(alice, WITHIN | {"scopes": ["keypairs:write", "jobs:run"]}).json
    assert made is not None
    child = alice.application.test_client()
    assert isinstance(child, Client)
    child.carrying(made["accessKey"], made["secretKey"])

    assert create(child, WITHIN | {"scopes": ["jobs:run"]}).status_code == 200
    assert create(child, WITHIN | {"scopes": ["jobs:*"]}).status_code == 403
    assert create(child, WITHIN | {"remaining": 501}).status_code == 403


def test_a_limit_of_nothing_is_no_limit_left_out(tenant: Tenant) -> None:
    # 0 is the tightest limit there is, and not the absence of one.
    none = tenant("alice", "keypairs:write", rate_limit=1000, remaining=1000)
    assert create(none, {"rateLimit": 0, "remaining": 0}).status_code == 200
    assert create(none, {"rateLimit": 0}).status_code == 403
    assert create(none, {"remaining": 0}).status_code == 403
