"""Access keys over HTTP, as Bird's clients know them."""

import json
import re
import unicodedata
from datetime import datetime
from typing import Any
from uuid import UUID
from uuid import uuid4

import pytest
from flask import Flask

from keysvc.core.service import Service
from keysvc.store.connection import reading
from keysvc.store.tables import CredentialRow
from tests.api.answers import allowed
from tests.api.answers import told
from tests.api.organizations import carrying
from tests.api.organizations import everything
from tests.api.organizations import issue_key
from tests.api.organizations import keys_of
from tests.api.organizations import manager
from tests.api.organizations import NEW
from tests.api.organizations import refusal
from tests.api.organizations import wrong_fields
from tests.conftest import Client

KEYS = keys_of("acme")

ROLES = [f"0d9a6a0e-8f9e-4d0a-8c55-6a3e2f1b7c{n:02}" for n in range(6)]

RECORD = [
    *("id", "organizationId", "name", "type", "description", "suffix", "lastUsedAt"),
    *("createdAt", "updatedAt", "roleIds", "roleRefs", "active", "expiresAt"),
    *("scopes", "allowedIps", "rateLimit", "remaining"),
]


def refs(*roles: str) -> list[dict[str, str]]:
    return [{"id": role, "type": "organization"} for role in roles]


@pytest.fixture
def acme(app: Flask) -> Client:
    """Return whoever may do everything with the keys of ``acme``, and no more."""
    return manager(app, "acme", "access-keys:*", "jobs:*")


def create(client: Client, **body: Any) -> Any:
    answer = client.post(KEYS, json={**NEW, **body})
    assert answer.status_code == 201, answer.text
    return told(answer)


def one(made: Any) -> str:
    return f"{KEYS}/{made['accessKey']['id']}"


def get(client: Client, made: Any) -> Any:
    answer = client.get(one(made))
    assert answer.status_code == 200
    return told(answer)


# -- create -------------------------------------------------------------------------


def test_a_new_key_is_told_whole_and_its_token_this_one_time(acme: Client) -> None:
    answer = acme.post(KEYS, json=NEW)
    assert answer.status_code == 201
    assert answer.mimetype == "application/json"
    made = told(answer)
    assert list(made) == ["accessKey", "token"]
    assert re.fullmatch(r"kso_[0-9A-Za-z]{54}", made["token"])
    key = made["accessKey"]
    assert list(key) == RECORD
    assert str(UUID(key["id"])) == key["id"]
    assert datetime.fromisoformat(key["createdAt"]).utcoffset() is not None
    assert key["updatedAt"] == key["createdAt"]
    assert key["suffix"] == made["token"][-6:]
    assert key == {
        **key,
        **{"organizationId": "acme", "name": "deploy", "type": "user"},
        **{"description": "for the pipeline", "lastUsedAt": None},
        **{"roleIds": [], "roleRefs": [], "active": True, "expiresAt": None},
        **{"scopes": [], "allowedIps": [], "rateLimit": None, "remaining": None},
    }
    assert get(acme, made) == key
    token = made["token"]
    path = one(made)
    for told_again in (acme.get(path), acme.get(KEYS), acme.patch(path, json={})):
        assert told_again.status_code == 200
        assert token not in told_again.text and token[4:-6] not in told_again.text


def test_the_core_additions_are_taken_and_told(admin: Client, app: Flask) -> None:
    given = {
        "active": False,
        "expiresAt": "2099-01-31T13:00:00+01:00",
        "scopes": ["access-keys:read", "jobs:run"],
        "allowedIps": ["192.0.2.1", "2001:db8::/32"],
        "rateLimit": 10,
        "remaining": 0,
    }
    key = create(admin, **given)["accessKey"]
    assert {name: key[name] for name in given} == {
        **given,
        "expiresAt": "2099-01-31T12:00:00.000000+00:00",
        "allowedIps": ["192.0.2.1/32", "2001:db8::/32"],
    }


def test_a_new_key_works_at_once_in_both_schemes(admin: Client, app: Flask) -> None:
    made = create(admin, scopes=["access-keys:read"])
    for scheme in ("AccessKey", "Bearer"):
        client = carrying(app, made["token"], scheme)
        assert client.get(KEYS).status_code == 200
        assert refusal(client.post(KEYS, json=NEW)) == (403, "Forbidden")


def test_keys_of_one_name_are_as_many_as_you_like(acme: Client) -> None:
    ids = {create(acme)["accessKey"]["id"] for _ in range(3)}
    assert len(ids) == 3
    # Its name is not what a key is called by.
    assert refusal(acme.get(f"{KEYS}/deploy")) == (404, "ResourceNotFound")


NAMES = {
    "x": "x",
    "x" * 256: "x" * 256,
    "a/b ü 홍 +%": "a/b ü 홍 +%",
    "e\u0301": "\u00e9",
    str(UUID(int=5)): str(UUID(int=5)),
    "\U0001f600": "\U0001f600",
}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_is_kept_in_nfc(acme: Client, name: str) -> None:
    made = create(acme, name=name)
    assert made["accessKey"]["name"] == NAMES[name]
    assert unicodedata.is_normalized("NFC", get(acme, made)["name"])


NOT_NAMES: tuple[Any, ...] = ("", "x" * 257, 1, True, [], {}, "a\0", "\u202ex")
NOT_IDS: tuple[Any, ...] = ("x", 5, None, "", {})

#: What is refused, by the field that the answer names.
NOT_BOOLEANS: tuple[Any, ...] = (0, 1, "true", "yes", [])

BAD: list[tuple[str, Any]] = [
    *[("name", v) for v in (*NOT_NAMES, "a\nb")],
    ("name", "\u0958" * 200),
    *[("description", v) for v in NOT_NAMES],
    *[("active", v) for v in (0, 1, "true", "yes", "")],
    *[("expiresAt", v) for v in ("soon", "2030-01-01", "2030-01-01T00:00:00", 5, "")],
    ("scopes", "verify"),
    ("scopes", {"a": 1}),
    ("scopes", [f"s{n}" for n in range(101)]),
    ("scopes.0", ["READ"]),
    ("allowedIps.0", ["localhost"]),
    ("allowedIps", "192.0.2.1"),
    *[("rateLimit", v) for v in (-1, 1.5, "5", True, 2**53)],
    *[("remaining", v) for v in (-1, 1.5, "5", True, 2**53)],
    *[("roleIds", v) for v in ([], ROLES, [ROLES[0]] * 6, "x", ROLES[0])],
    *[("roleIds.0", [v]) for v in NOT_IDS],
    *[("roleRefs", v) for v in ([], refs(*ROLES), refs(ROLES[0])[0])],
    ("roleRefs.0.id", [{"id": "x", "type": "organization"}]),
    ("roleRefs.0.id", [{"type": "organization"}]),
    ("roleRefs.0.type", [{"id": ROLES[0]}]),
    ("roleRefs.0.type", [{"id": ROLES[0], "type": "project"}]),
    ("roleRefs.0.name", [{"id": ROLES[0], "type": "organization", "name": "x"}]),
    *[(n, "x") for n in ("id", "type", "suffix", "token", "createdAt", "is_active")],
    *[(n, "x") for n in ("organizationId", "lastUsedAt", "isActive", "attributes")],
    ("managed", True),
]


def test_what_is_wrong_is_told_by_field(acme: Client) -> None:
    made = create(acme)
    before = get(acme, made)
    for field, value in BAD:
        body = {field.partition(".")[0]: value}
        for answer in (
            acme.post(KEYS, json={**NEW, **body}),
            acme.patch(one(made), json=body),
        ):
            assert wrong_fields(answer) == {field}, body
    assert get(acme, made) == before
    assert len(everything(acme, KEYS)) == 2


def test_a_new_key_needs_a_name_and_a_description(acme: Client) -> None:
    for body, fields in (
        ({}, {"name", "description"}),
        ({"name": "x"}, {"description"}),
        ({"description": "x"}, {"name"}),
        ({"name": None, "description": None}, {"name", "description"}),
    ):
        assert wrong_fields(acme.post(KEYS, json=body)) == fields
    assert wrong_fields(acme.post(KEYS)) == {"name", "description"}
    strange: Any
    for strange in ([], "x", 5, None):
        assert refusal(acme.post(KEYS, json=strange)) == (422, "ValidationFailed")


# -- roles --------------------------------------------------------------------------

A, B, C, *_ = ROLES

#: What is given, and the roles that come of it; None is refused.
TOLD: list[tuple[dict[str, Any], list[str] | None]] = [
    ({"roleIds": [A]}, [A]),
    ({"roleIds": [B, A]}, [B, A]),
    ({"roleIds": ROLES[:5]}, ROLES[:5]),
    ({"roleIds": [A, B, A]}, [A, B]),
    ({"roleIds": [A.upper()]}, [A]),
    ({"roleRefs": refs(A)}, [A]),
    ({"roleRefs": refs(C, A)}, [C, A]),
    ({"roleRefs": refs(*ROLES[:5])}, ROLES[:5]),
    ({"roleIds": [A], "roleRefs": refs(A)}, [A]),
    ({"roleIds": [A.upper()], "roleRefs": refs(A)}, [A]),
    ({"roleIds": [A, B], "roleRefs": refs(B, A)}, [B, A]),
    ({"roleIds": None, "roleRefs": refs(B)}, [B]),
    ({"roleIds": [B], "roleRefs": None}, [B]),
    ({"roleIds": [A], "roleRefs": refs(B)}, None),
    ({"roleIds": [A], "roleRefs": refs(A, B)}, None),
    ({"roleIds": [A, B], "roleRefs": refs(A)}, None),
]


@pytest.mark.parametrize(("given", "roles"), TOLD, ids=range(len(TOLD)))
def test_both_ways_of_roles_tell_one_list(
    acme: Client, given: dict[str, Any], roles: list[str] | None
) -> None:
    other = create(acme, roleIds=[C])
    if roles is None:
        assert wrong_fields(acme.post(KEYS, json={**NEW, **given})) == {"roleRefs"}
        assert wrong_fields(acme.patch(one(other), json=given)) == {"roleRefs"}
        assert get(acme, other)["roleIds"] == [C]
        return
    made = create(acme, **given)["accessKey"]
    assert (made["roleIds"], made["roleRefs"]) == (roles, refs(*roles))
    changed = told(acme.patch(one(other), json=given))
    assert (changed["roleIds"], changed["roleRefs"]) == (roles, refs(*roles))
    assert get(acme, other) == changed


def test_roles_are_kept_where_verification_finds_them(
    acme: Client,
) -> None:
    made = create(acme, roleRefs=refs(A, B))
    with reading():
        row = CredentialRow.get(CredentialRow.public_id == made["token"][4:20])
    assert row.attributes["role_ids"] == [A, B]


# -- change -------------------------------------------------------------------------


def test_a_change_changes_what_it_names(acme: Client) -> None:
    made = create(acme, roleIds=[A], scopes=["jobs:run"], rateLimit=5, remaining=6)
    before = made["accessKey"]
    for body, changed in (
        ({"name": "other"}, {"name": "other"}),
        ({"description": "a\nb"}, {"description": "a\nb"}),
        ({"active": False}, {"active": False}),
        ({"active": True, "scopes": []}, {"active": True, "scopes": []}),
        ({"roleIds": [B]}, {"roleIds": [B], "roleRefs": refs(B)}),
        ({"remaining": 0}, {"remaining": 0}),
        ({"rateLimit": 4, "name": "x"}, {"rateLimit": 4, "name": "x"}),
    ):
        answer = acme.patch(one(made), json=body)
        assert answer.status_code == 200
        after = told(answer)
        assert list(after) == RECORD
        assert after["updatedAt"] > before["updatedAt"]
        assert after == {**before, **changed, "updatedAt": after["updatedAt"]}
        assert get(acme, made) == after
        before = after


def test_a_change_of_nothing_changes_nothing(acme: Client) -> None:
    made = create(acme, roleIds=[A], expiresAt="2099-01-01T00:00:00Z", rateLimit=5)
    before = get(acme, made)
    same = {n: before[n] for n in ("name", "description", "roleIds", "roleRefs")}
    same |= {n: before[n] for n in ("active", "scopes", "allowedIps", "rateLimit")}
    stays = dict.fromkeys(("name", "description", "roleIds", "roleRefs", "active"))
    stays |= dict.fromkeys(("scopes", "allowedIps"))
    for body in ({}, same, stays):
        answer = acme.patch(one(made), json=body)
        assert answer.status_code == 200, body
        assert told(answer) == before


def test_null_clears_only_what_has_a_meaning_when_absent(admin: Client) -> None:
    limits = {"expiresAt": "2099-01-01T00:00:00Z", "rateLimit": 5, "remaining": 6}
    made = create(admin, **limits)
    for name in limits:
        assert told(admin.patch(one(made), json={name: None}))[name] is None
    assert get(admin, made)["description"] == NEW["description"]


# -- delete -------------------------------------------------------------------------


@pytest.mark.parametrize("body", [None, {}, {"name": "x"}, [1], "x"], ids=str)
def test_a_deleted_key_is_gone_whatever_the_body_says(
    admin: Client, app: Flask, body: Any
) -> None:
    made = create(admin, scopes=["access-keys:read"])
    answer = (
        admin.delete(one(made), json=body)
        if body is not None
        else admin.delete(one(made))
    )
    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Type" not in answer.headers
    absent = (404, "ResourceNotFound")
    assert refusal(admin.delete(one(made), json={})) == absent
    assert refusal(admin.get(one(made))) == absent
    assert refusal(admin.patch(one(made), json={})) == absent
    assert everything(admin, KEYS) == []
    assert carrying(app, made["token"]).get(KEYS).status_code == 401


# -- managed ------------------------------------------------------------------------


def test_a_managed_key_is_not_changed_here(
    admin: Client, service: Service, app: Flask
) -> None:
    issued = issue_key(service, "acme", "access-keys:*", attributes={"managed": True})
    path = f"{KEYS}/{issued.credential.id}"
    before = admin.get(path)
    assert told(before)["type"] == "managed"
    itself = carrying(app, issued.secret)
    assert itself.get(path).status_code == 200
    for client in (admin, itself):
        for body in ({}, {"name": "x"}, {"active": False}):
            assert refusal(client.patch(path, json=body)) == (409, "Conflict")
        assert refusal(client.delete(path)) == (409, "Conflict")
    after = told(admin.get(path))
    assert {**after, "lastUsedAt": None} == {**told(before), "lastUsedAt": None}


# -- paths, methods, bodies ---------------------------------------------------------


STRANGE = ["a b", "ü", "홍", "a+b", "a%25b", "..", "a;b", "a:b", "access-keys", "*"]


@pytest.mark.parametrize("organization", [*STRANGE, "x" * 128, "é" * 128], ids=ascii)
def test_an_organization_is_any_text(app: Flask, organization: str) -> None:
    name = organization.replace("%25", "%")
    client = manager(app, name, "access-keys:*")
    made = told(client.post(keys_of(organization), json=NEW))
    assert made["accessKey"]["organizationId"] == name
    assert len(everything(client, keys_of(organization))) == 2


ABSENT = [
    "/organizations/a%2Fb/access-keys",
    "/organizations/a/access-keys%2Fb",
    "/organizations/a%2fb/access-keys/{id}",
    "/organizations/acme/access-keys/{id}%2F",
    "/organizations/ac%00me/access-keys",
    "/organizations/ac%0Ame/access-keys",
    "/organizations/acme%E2%80%AE/access-keys",
    "/organizations/acme/access-keys/{id}%00",
    "/organizations/acme/access-keys/{id}x",
    "/organizations/acme/access-keys/no-uuid",
    "/organizations/acme/access-keys/",
    "/organizations//access-keys",
    "/organizations/acme/access-keys/{id}/rotate",
    "/organizations/acme",
    "/organizations/",
    "/organizations/" + "x" * 129 + "/access-keys",
    "/organizations/acme/access-keys/" + "a" * 3000,
]


def test_what_no_path_can_be_is_absent(admin: Client, service: Service) -> None:
    id_ = str(issue_key(service).credential.id)
    seen = set()
    for path in ABSENT:
        path = path.replace("{id}", id_)
        raw = {"RAW_URI": path, "REQUEST_URI": path}
        answer = admin.get(path, environ_overrides=raw)
        assert refusal(answer) == (404, "ResourceNotFound"), path
        seen.add(answer.data)
    seen.add(admin.get(f"{KEYS}/{uuid4()}").data)
    assert len(seen) == 1


def test_a_method_that_is_none_is_told_which_are(admin: Client) -> None:
    made = create(admin)
    for path, methods in (
        (KEYS, {"GET", "POST"}),
        (one(made), {"GET", "PATCH", "DELETE"}),
    ):
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "REPORT"} - methods:
            answer = admin.open(path, method=method)
            assert refusal(answer) == (405, "MethodNotAllowed")
            assert allowed(answer) == methods | {"HEAD", "OPTIONS"}


BODIES: list[tuple[bytes, str, tuple[int, str]]] = [
    (b"{", "application/json", (400, "BadRequest")),
    (b'{"name": "a", "name": "b"}', "application/json", (400, "BadRequest")),
    (b'{"rateLimit": NaN}', "application/json", (400, "BadRequest")),
    (b"[" * 5000, "application/json", (400, "BadRequest")),
    (b"\xff", "application/json", (400, "BadRequest")),
    (b'{"name": "\\ud800"}', "application/json", (400, "BadRequest")),
    (b"name=x", "application/x-www-form-urlencoded", (415, "UnsupportedMediaType")),
    (b"{}", "text/plain", (415, "UnsupportedMediaType")),
    (b" " * 65537, "application/json", (413, "PayloadTooLarge")),
]


def test_what_cannot_be_read_is_refused_in_birds_shape(admin: Client) -> None:
    made = create(admin)
    for data, media_type, expected in BODIES:
        for method in ("POST", "PATCH", "DELETE"):
            path = KEYS if method == "POST" else one(made)
            answer = admin.open(path, method=method, data=data, content_type=media_type)
            assert refusal(answer) == expected, data[:40]
            assert "errors" not in told(answer)
    assert get(admin, made) == made["accessKey"]


def test_birds_own_media_type_is_read(admin: Client) -> None:
    media_type = "application/json; charset=UTF-8"
    answer = admin.post(KEYS, data=json.dumps(NEW), content_type=media_type)
    assert answer.status_code == 201
    assert admin.get(KEYS, content_type=media_type).status_code == 200


# -- use and record -----------------------------------------------------------------


def test_its_use_is_told(admin: Client, app: Flask, service: Service) -> None:
    made = create(admin, scopes=["access-keys:read"])
    assert carrying(app, made["token"]).get(KEYS).status_code == 200
    service.counters.flush()
    after = get(admin, made)
    assert after["lastUsedAt"] > made["accessKey"]["createdAt"]
    assert after["updatedAt"] == made["accessKey"]["updatedAt"]


def test_every_change_is_recorded_and_no_reading(admin: Client, app: Flask) -> None:
    made = create(admin, roleIds=[A])
    id_, token = made["accessKey"]["id"], made["token"]
    admin.patch(one(made), json={"name": "x", "roleIds": [B]})
    admin.get(one(made))
    admin.get(KEYS)
    admin.delete(one(made))
    items = told(admin.get("/v1/audit"))["items"]
    records = [record for record in items if record["credentialId"] == id_]
    assert [r["action"].partition(".")[2] for r in records] == [
        "create",
        "update",
        "delete",
    ]
    assert records[1]["before"] == {"name": "deploy", "roleIds": [A]}
    assert records[1]["after"] == {"name": "x", "roleIds": [B]}
    assert records[0]["after"]["suffix"] == token[-6:]
    assert token[4:-6] not in json.dumps(records)
