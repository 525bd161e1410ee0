"""Nobody becomes more than he is: what an access key may make of access keys."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from keysvc.core.service import Service
from tests.api.answers import told
from tests.api.organizations import carrying
from tests.api.organizations import issue_key
from tests.api.organizations import keys_of
from tests.api.organizations import manager
from tests.api.organizations import NEW
from tests.api.organizations import refusal
from tests.api.test_nobody_becomes_more import BEYOND
from tests.api.test_nobody_becomes_more import INSIDE
from tests.api.test_nobody_becomes_more import LIMITS
from tests.api.test_nobody_becomes_more import STRONG
from tests.api.test_nobody_becomes_more import WEAK
from tests.api.test_nobody_becomes_more import WITHIN
from tests.conftest import Client

KEYS = keys_of("acme")

HELD = ("access-keys:read", "access-keys:write", "jobs:*", "verify")

#: What both families spell alike; what only keypairs have is left out.
OURS = {"scopes", "expiresAt", "allowedIps", "rateLimit", "remaining"}


def ours(body: dict[str, Any]) -> dict[str, Any]:
    """Spell *body*, of a keypair, as one of an access key."""
    scopes = [s.replace("keypairs", "access-keys") for s in body.get("scopes", [])]
    named = {n: v for n, v in body.items() if n in OURS}
    return named | ({"scopes": scopes} if "scopes" in body else {})


TOO_MUCH = [ours(body) for body in BEYOND]
FINE = [ours(body) for body in INSIDE] + [{"active": False}, {"name": "told"}]


@pytest.fixture
def acme(app: Flask) -> Client:
    return manager(app, "acme", *HELD, **LIMITS)


@pytest.fixture
def records(service: Service) -> Callable[[], int]:
    return lambda: service.ledger.verify().good


def code(client: Client, method: str, path: str, body: dict[str, Any]) -> Any:
    answer = client.open(path, method=method, json=body)
    return answer.status_code if answer.status_code < 400 else refusal(answer)


def weaker(service: Service, **draft: Any) -> str:
    draft = {**WEAK, **draft}
    scopes = draft.pop("scopes")
    issued = issue_key(service, "acme", *scopes, **draft)
    return f"{KEYS}/{issued.credential.id}"


FORBIDDEN = (403, "Forbidden")


def test_what_a_limited_key_may_make(acme: Client) -> None:
    for body in FINE:
        assert code(acme, "POST", KEYS, {**NEW, **WITHIN, **body}) == 201, body


def test_what_a_limited_key_may_not_make(
    acme: Client, records: Callable[[], int]
) -> None:
    before = records()
    for body in TOO_MUCH:
        assert code(acme, "POST", KEYS, {**NEW, **WITHIN, **body}) == FORBIDDEN, body
        off = {**NEW, **WITHIN, **body, "active": False}
        assert code(acme, "POST", KEYS, off) == FORBIDDEN, body
    for name in WITHIN:
        rest = {n: v for n, v in WITHIN.items() if n != name}
        assert code(acme, "POST", KEYS, {**NEW, **rest}) == FORBIDDEN, name
    assert records() == before


def test_what_may_and_may_not_become_of_a_weaker_one(
    acme: Client, service: Service
) -> None:
    for body in FINE:
        assert code(acme, "PATCH", weaker(service), {**WITHIN, **body}) == 200, body
    path = weaker(service)
    before = acme.get(path).data
    for body in TOO_MUCH:
        assert code(acme, "PATCH", path, body) == FORBIDDEN, body
        assert code(acme, "PATCH", path, {**WITHIN, **body, "name": "x"}) == FORBIDDEN
    assert acme.get(path).data == before


def test_a_stronger_one_may_be_weakened_but_not_woken(
    acme: Client, service: Service
) -> None:
    strong = weaker(service, **STRONG, expires_at=None, allowed_ips=())
    for body, expected in (
        ({"rateLimit": 5001}, FORBIDDEN),
        ({"remaining": None}, FORBIDDEN),
        ({"description": "told"}, 200),
        ({"active": False}, 200),
        ({"active": True}, FORBIDDEN),
        ({"active": True, "scopes": []}, FORBIDDEN),
        ({**WITHIN, "scopes": ["jobs:run"]}, 200),
        ({"active": True}, 200),
    ):
        assert code(acme, "PATCH", strong, body) == expected, body


def test_no_key_loosens_itself(app: Flask, service: Service) -> None:
    issued = issue_key(service, "acme", *HELD, **LIMITS)
    itself = carrying(app, issued.secret)
    path = f"{KEYS}/{issued.credential.id}"
    for body in TOO_MUCH:
        assert code(itself, "PATCH", path, body) == FORBIDDEN, body
    assert code(itself, "PATCH", path, {"scopes": ["access-keys:write"]}) == 200
    assert code(itself, "PATCH", path, {"scopes": list(HELD)}) == FORBIDDEN
    assert code(itself, "PATCH", path, {"active": False}) == 200
    assert itself.patch(path, json={"active": True}).status_code == 401


def test_the_limits_hold_for_generations(app: Flask, acme: Client) -> None:
    body = {**NEW, **WITHIN, "scopes": ["access-keys:write", "jobs:run"]}
    child = carrying(app, told(acme.post(KEYS, json=body))["token"])
    assert code(child, "POST", KEYS, {**body, "scopes": ["jobs:run"]}) == 201
    assert code(child, "POST", KEYS, {**body, "scopes": ["jobs:*"]}) == FORBIDDEN
    assert code(child, "POST", KEYS, {**body, "remaining": 501}) == FORBIDDEN


def test_whoever_may_act_anywhere_becomes_no_more_there(app: Flask) -> None:
    support = manager(app, "support", "access-keys:write", "realm:any")
    for scopes, expected in (
        (["*"], FORBIDDEN),
        (["access-keys:read"], FORBIDDEN),
        (["access-keys:write"], 201),
        (["realm:any"], 201),
    ):
        assert code(support, "POST", KEYS, {**NEW, "scopes": scopes}) == expected
