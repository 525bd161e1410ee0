"""A caller touches its own realm: of any other it learns nothing, not even a name."""

from collections.abc import Callable
from typing import Any

from werkzeug.test import TestResponse

from keysvc.model import Issued
from tests.conftest import Client
from tests.conftest import Tenant

KEYPAIRS = "/v2/admin/keypairs"
ABSENT = "KPAAAAAAAAAAAAAAAAAA"

#: Every route of the family: method, what follows the user, body.
ROUTES: list[tuple[str, str, Any]] = [
    ("REPORT", "", {}),
    ("REPORT", "", {"paging": {"size": 1, "index": 0}}),
    ("POST", "/create", {}),
    ("POST", "/create", {"props": {"scopes": ["keypairs:read"]}}),
    ("GET", "/{key}?keys=isActive", None),
    ("PATCH", "/{key}", {"props": {"description": "told"}}),
    ("PATCH", "/{key}", {"props": {"isActive": False}}),
    ("PATCH", "/{key}", {"props": {}}),
    ("DELETE", "/{key}", None),
]
OF_ONE = [route for route in ROUTES if "{key}" in route[1]]

Route = tuple[str, str, Any]


def ask(client: Client, user: str, route: Route, key: str = ABSENT) -> TestResponse:
    method, rest, body = route
    path = f"{KEYPAIRS}/{user}{rest.format(key=key)}"
    return client.open(path, method=method, json=body)


def told(answer: TestResponse) -> tuple[Any, ...]:
    """All that an answer tells, but the name of the request."""
    headers = [h for h in answer.headers if h[0] != "X-Request-ID"]
    return answer.status, answer.data, headers


def keys_of(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200
    assert answer.json is not None
    return [item["accessKey"] for item in answer.json["items"]]


def test_a_user_lists_his_own_keypairs_and_no_others(
    tenant: Tenant, issue: Callable[..., Issued]
) -> None:
    alice = tenant("alice", "keypairs:read")
    second = issue("alice").credential.public_id
    bobs = issue("bob").credential.public_id

    listed = keys_of(alice.report(f"{KEYPAIRS}/alice"))

    assert len(listed) == 2
    assert listed[1] == second
    assert bobs not in listed
    assert alice.report(f"{KEYPAIRS}/bob").status_code == 404


def test_a_user_reads_each_of_his_own(
    tenant: Tenant, issue: Callable[..., Issued]
) -> None:
    alice = tenant("alice", "keypairs:read")
    key = issue("alice", description="second").credential.public_id
    answer = alice.get(f"{KEYPAIRS}/alice/{key}?keys=description,accessKey")
    assert answer.json == {"values": ["second", key]}


def test_anyone_elses_is_absent_on_every_route(
    tenant: Tenant, issue: Callable[..., Issued]
) -> None:
    alice = tenant("alice", "keypairs:*", "audit:read", "verify")
    bobs = issue("bob").credential.public_id

    for route in ROUTES:
        existing = ask(alice, "bob", route, bobs)
        assert existing.status_code == 404, route
        assert existing.json is not None
        assert existing.json["type"].endswith("/keypair-not-found")
        # Neither the user nor the keypair need be there to get the same answer.
        assert told(ask(alice, "bob", route)) == told(existing)
        assert told(ask(alice, "nobody", route)) == told(existing)


def test_anyone_elses_look_like_what_is_absent_at_home(
    tenant: Tenant, issue: Callable[..., Issued]
) -> None:
    alice = tenant("alice", "keypairs:*")
    bobs = issue("bob").credential.public_id
    for route in OF_ONE:
        absent = ask(alice, "alice", route)
        assert absent.status_code == 404
        assert told(ask(alice, "bob", route, bobs)) == told(absent)
        # Nor is it found under one's own name.
        assert told(ask(alice, "alice", route, bobs)) == told(absent)


def test_nothing_was_changed_from_outside(
    tenant: Tenant, issue: Callable[..., Issued], admin: Client
) -> None:
    alice = tenant("alice", "keypairs:*")
    bobs = issue("bob", description="his").credential.public_id

    for route in ROUTES:
        ask(alice, "bob", route, bobs)

    assert keys_of(admin.report(f"{KEYPAIRS}/bob")) == [bobs]
    answer = admin.get(f"{KEYPAIRS}/bob/{bobs}?keys=description,isActive")
    assert answer.json == {"values": ["his", True]}


def test_the_realm_is_judged_before_the_scope(
    tenant: Tenant, issue: Callable[..., Issued]
) -> None:
    alice = tenant("alice")
    own = issue("alice").credential.public_id
    bobs = issue("bob").credential.public_id
    for route in ROUTES:
        assert ask(alice, "bob", route, bobs).status_code == 404, route
        assert ask(alice, "alice", route, own).status_code == 403, route


def test_without_the_scope_own_and_absent_look_the_same(
    tenant: Tenant, issue: Callable[..., Issued]
) -> None:
    alice = tenant("alice")
    own = issue("alice").credential.public_id
    for route in OF_ONE:
        assert told(ask(alice, "alice", route, own)) == told(ask(alice, "alice", route))


def test_any_realm_is_entered_with_its_scope(
    tenant: Tenant, issue: Callable[..., Issued]
) -> None:
    statuses = {"REPORT": 200, "POST": 200, "GET": 200, "PATCH": 204, "DELETE": 204}
    for scope in ("realm:any", "realm:*"):
        support = tenant("support", "keypairs:*", scope)
        bobs = issue("bob").credential.public_id
        for route in ROUTES:
            answer = ask(support, "bob", route, bobs)
            assert answer.status_code == statuses[route[0]], route


def test_any_realm_is_not_any_scope(
    tenant: Tenant, issue: Callable[..., Issued]
) -> None:
    support = tenant("support", "realm:any", "keypairs:read")
    bobs = issue("bob").credential.public_id
    for route in ROUTES:
        expected = 200 if route[0] in {"REPORT", "GET"} else 403
        assert ask(support, "bob", route, bobs).status_code == expected, route


def test_a_keypair_is_found_only_under_its_own_user(
    admin: Client, issue: Callable[..., Issued]
) -> None:
    bobs = issue("bob").credential.public_id
    for route in OF_ONE:
        absent = ask(admin, "alice", route)
        assert absent.status_code == 404
        assert told(ask(admin, "alice", route, bobs)) == told(absent)
    assert keys_of(admin.report(f"{KEYPAIRS}/bob")) == [bobs]


def test_names_that_look_alike_are_other_realms(tenant: Tenant) -> None:
    alice = tenant("alice", "keypairs:*")
    for name in ("Alice", "ALICE", "alice%20", "%20alice", "al%C4%B1ce", "alice%25"):
        assert ask(alice, name, ROUTES[0]).status_code == 404, name


def test_a_user_named_create_is_a_user_like_any(tenant: Tenant) -> None:
    create = tenant("create", "keypairs:*")
    assert len(keys_of(create.report(f"{KEYPAIRS}/create"))) == 1
    assert create.post(f"{KEYPAIRS}/create/create").status_code == 200
    assert len(keys_of(create.report(f"{KEYPAIRS}/create"))) == 2
