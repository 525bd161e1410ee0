"""The API keys of a service account, endpoint by endpoint."""

import re
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from typing import Any
from unicodedata import normalize
from urllib.parse import quote
from uuid import UUID
from uuid import uuid4

import pytest
from flask import Flask

from tests.api.accounts import ACCOUNTS
from tests.api.accounts import bearer
from tests.api.accounts import good
from tests.api.accounts import keys_of
from tests.api.accounts import new_account
from tests.api.accounts import new_key
from tests.api.accounts import refusal
from tests.api.accounts import secret_of
from tests.api.accounts import USER
from tests.api.clocks import on_clock
from tests.conftest import Client
from tests.conftest import Tenant

BODY = {"created", "updated", "key", "active", "service_account"}
NOTHING = {
    "description": "",
    "retain_period_minutes": 0,
    "last_login": None,
    "last_rotated": None,
    "expires_at": None,
    "scopes": [],
    "allowed_ips": [],
    "rate_limit": None,
    "remaining": None,
}
LIMITS: dict[str, Any] = {
    "description": "Zürich\n😀",
    "scopes": ["b:read", "a:*"],
    "allowed_ips": ["192.0.2.0/24", "2001:db8::/32"],
    "rate_limit": 3000,
    "remaining": 5,
}
ID = "5f0c35b1-8c6b-4a3e-9d7f-0a1b2c3d4e5f"
FORBIDDEN = (403, "IllegalOperationError")


@pytest.fixture
def account(admin: Client) -> Any:
    return new_account(admin)


@pytest.fixture
def path(account: Any) -> str:
    return keys_of(account)


def names(client: Client, path: str, **query: Any) -> list[str]:
    page = good(client.get(path, query_string=query))
    return [item["name"] for item in page["items"]]


def test_a_new_key_is_an_envelope_and_has_no_scopes(
    admin: Client, account: Any
) -> None:
    key = new_key(admin, account)
    assert UUID(key["id"]) and key["name"] == "runner"
    assert key["resources"] is None and key["permission_denied"] is False
    assert set(key["body"]) == BODY and key["body"]["active"] is True
    assert key["body"]["service_account"] == account | {"metadata": None}
    assert NOTHING.items() <= key["metadata"].items()
    assert len(key["body"]["created"]) == 26


def test_the_key_has_its_form_and_works_at_once(
    app: Flask, admin: Client, account: Any
) -> None:
    secret = secret_of(new_key(admin, account))
    assert re.fullmatch(r"ksa_[0-9A-Za-z]{16}[0-9A-Za-z]{32}[0-9A-Za-z]{6}", secret)
    user = good(bearer(app, secret).get(USER))
    assert user["id"] == account["id"]


def test_the_key_is_shown_once(admin: Client, account: Any, path: str) -> None:
    secret = secret_of(new_key(admin, account))
    for answer in (
        admin.get(path, query_string={"hydrate": "true"}),
        admin.get(f"{path}/runner"),
        admin.put(f"{path}/runner", json={"description": "x"}),
        admin.get("/v1/audit"),
    ):
        assert answer.status_code == 200
        assert secret not in answer.text and secret[20:52] not in answer.text
    assert good(admin.get(f"{path}/runner"))["body"]["key"] is None


def test_limits_are_given_at_birth(admin: Client, account: Any) -> None:
    moment = "2040-01-02T04:04:05.000006+01:00"
    key = new_key(admin, account, expires_at=moment, **LIMITS)
    told = {**LIMITS, "expires_at": "2040-01-02T03:04:05.000006"}
    assert told.items() <= key["metadata"].items()


def test_null_is_no_limit_at_birth(admin: Client, account: Any) -> None:
    nulls: dict[str, Any] = dict.fromkeys([*LIMITS, "expires_at"])
    key = new_key(admin, account, **nulls)
    assert NOTHING.items() <= key["metadata"].items()


def test_unknown_fields_are_ignored_and_change_nothing(
    app: Flask, admin: Client, account: Any, path: str
) -> None:
    odd: dict[str, Any] = {
        "key": "ksa_mine",
        "id": ID,
        "retain_period_minutes": 5,
        "owner": "x",
    }
    odd |= {"is_active": False, "last_login": "2001-01-01T00:00:00"}
    odd |= {"attributes": {"a": 1}, "created_at": None, "service_account": ID}
    key = new_key(admin, account, active=False, **odd)
    assert key["body"]["active"] is True and key["id"] != ID
    assert secret_of(key) != "ksa_mine"
    assert NOTHING.items() <= key["metadata"].items()
    after = good(admin.put(f"{path}/runner", json=odd))
    key["body"]["key"] = None
    assert after == key


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "a/b"},
        {"name": ID},
        {"name": "x" * 256},
        {"name": "a\nb"},
        {"name": 1},
        {"description": "x" * 65536},
        {"description": 1},
        {"expires_at": "2030-01-01T00:00:00"},
        {"expires_at": "soon"},
        {"scopes": ["Ä"]},
        {"scopes": "verify"},
        {"scopes": [f"s{n}" for n in range(101)]},
        {"allowed_ips": ["everywhere"]},
        {"rate_limit": -1},
        {"rate_limit": "5"},
        {"remaining": 1.5},
        {"remaining": True},
    ],
)
def test_a_wrong_field_is_422(
    admin: Client, account: Any, path: str, body: dict[str, Any]
) -> None:
    new_key(admin, account, "kept")
    answer = admin.post(path, json={"name": "runner", **body})
    # 64 KiB of description and the rest are no readable body any more.
    expected = {413} if len(str(body)) > 65536 else {422}
    assert answer.status_code in expected
    answer = admin.put(f"{path}/kept", json=body)
    assert answer.status_code in expected
    assert names(admin, path) == ["kept"]


def test_a_key_needs_a_name(admin: Client, path: str) -> None:
    for body in ({}, {"name": None}):
        assert refusal(admin.post(path, json=body)) == (422, "ValueError")


def test_names_are_taken_within_the_account(
    admin: Client, account: Any, path: str
) -> None:
    new_key(admin, account, "Ä")
    new_key(admin, account, "b")
    new_key(admin, new_account(admin, "other"), "Ä")
    for body in ({"name": "Ä"}, {"name": normalize("NFD", "Ä")}):
        assert refusal(admin.post(path, json=body)) == (409, "EntityExistsError")
        answer = admin.put(f"{path}/b", json=body)
        assert refusal(answer) == (409, "EntityExistsError")
    assert names(admin, path) == ["Ä", "b"]


def test_the_account_is_given_by_id_alone(
    admin: Client, account: Any, path: str
) -> None:
    new_key(admin, account)
    assert refusal(admin.get(f"{ACCOUNTS}/ci/api_keys")) == (422, "ValueError")
    assert refusal(admin.get(f"{ACCOUNTS}/ci/api_keys/runner")) == (422, "ValueError")
    id_ = UUID(account["id"])
    for spelling in (id_.hex, str(id_).upper(), id_.hex.upper()):
        assert names(admin, f"{ACCOUNTS}/{spelling}/api_keys") == ["runner"]


def test_a_key_is_found_by_name_and_id_in_its_own_account_only(
    admin: Client, account: Any, path: str
) -> None:
    other = keys_of(new_account(admin, "other"))
    name = "Zürich 50% ?#+&"
    key = new_key(admin, account, name)
    id_ = UUID(key["id"])
    for reference in (name, str(id_), id_.hex, str(id_).upper()):
        found = good(admin.get(f"{path}/{quote(reference)}"))
        assert found["id"] == key["id"]
        for method, tail in (("GET", ""), ("PUT", ""), ("DELETE", "")):
            answer = admin.open(f"{other}/{quote(reference)}{tail}", method=method)
            assert refusal(answer)[0] in {404, 422}
        answer = admin.put(f"{other}/{quote(reference)}/rotate", json={})
        assert refusal(answer) == (404, "KeyError")


def test_an_update_changes_what_is_given(
    admin: Client, account: Any, path: str
) -> None:
    before = new_key(admin, account, expires_at="2040-01-01T00:00:00Z", **LIMITS)
    before["body"]["key"] = None
    one = f"{path}/{before['id']}"
    kept = ("name", "description", "active", "scopes", "allowed_ips")
    for body in ({}, dict.fromkeys(kept)):
        assert good(admin.put(one, json=body)) == before

    cleared = dict.fromkeys(("expires_at", "rate_limit", "remaining"))
    after = good(admin.put(one, json=cleared))
    assert cleared.items() <= after["metadata"].items()
    assert after["metadata"]["scopes"] == LIMITS["scopes"]
    assert after["body"]["updated"] > before["body"]["updated"]

    empty: dict[str, Any] = {"description": "", "scopes": [], "allowed_ips": []}
    after = good(admin.put(one, json={**empty, "name": "new", "active": False}))
    assert empty.items() <= after["metadata"].items()
    assert (after["name"], after["body"]["active"]) == ("new", False)
    assert good(admin.get(f"{path}/new")) == after


def test_a_key_is_switched_off_and_on(
    app: Flask, admin: Client, account: Any, path: str
) -> None:
    holder = bearer(app, secret_of(new_key(admin, account)))
    for owner in (f"{path}/runner", f"{ACCOUNTS}/ci"):
        good(admin.put(owner, json={"active": False}))
        assert refusal(holder.get(USER)) == (401, "CredentialsNotValid")
        good(admin.put(owner, json={"active": True}))
        assert holder.get(USER).status_code == 200


def test_an_address_or_an_expiry_keeps_a_key_out(
    app: Flask, admin: Client, account: Any, path: str
) -> None:
    holder = bearer(app, secret_of(new_key(admin, account)))
    good(admin.put(f"{path}/runner", json={"allowed_ips": ["192.0.2.0/24"]}))
    assert refusal(holder.get(USER)) == FORBIDDEN
    moment = "2001-01-01T00:00:00Z"
    good(admin.put(f"{path}/runner", json={"expires_at": moment}))
    assert refusal(holder.get(USER)) == (401, "CredentialsNotValid")


def test_a_deleted_key_is_gone(
    app: Flask, admin: Client, account: Any, path: str
) -> None:
    holder = bearer(app, secret_of(new_key(admin, account)))
    answer = admin.delete(f"{path}/runner")
    assert (answer.status_code, answer.text.strip()) == (200, "null")
    assert refusal(holder.get(USER)) == (401, "CredentialsNotValid")
    for method in ("GET", "DELETE"):
        answer = admin.open(f"{path}/runner", method=method)
        assert refusal(answer) == (404, "KeyError")
    new_key(admin, account)


@pytest.mark.parametrize("body", [None, {}, {"retain_period_minutes": 0}, {"x": 1}])
def test_a_rotation_retains_nothing_unless_told(
    app: Flask, admin: Client, account: Any, path: str, body: Any
) -> None:
    before = new_key(admin, account, scopes=["verify"])
    rotated = good(admin.put(f"{path}/runner/rotate", json=body))

    assert rotated["metadata"] is None
    assert {k: rotated[k] for k in ("id", "name")} == {
        k: before[k] for k in ("id", "name")
    }
    old, new = secret_of(before), secret_of(rotated)
    assert old != new and old[:20] == new[:20]
    assert bearer(app, new).get(USER).status_code == 200
    assert refusal(bearer(app, old).get(USER)) == (401, "CredentialsNotValid")
    shown = good(admin.get(f"{path}/runner"))
    assert shown["metadata"]["scopes"] == ["verify"]
    assert shown["metadata"]["retain_period_minutes"] == 0
    assert shown["metadata"]["last_rotated"] == shown["body"]["updated"]
    assert shown["body"]["created"] == before["body"]["created"]


def test_a_retained_secret_works_until_its_period_ends(
    app: Flask, admin: Client, account: Any, path: str
) -> None:
    service, clock = on_clock(app)
    old = secret_of(new_key(admin, account))
    retain = {"retain_period_minutes": 525600}
    good(admin.put(f"{path}/runner/rotate", json=retain))
    shown = good(admin.get(f"{path}/runner"))["metadata"]
    assert shown["retain_period_minutes"] == 525600
    assert shown["retained_last_used"] is None
    clock.move(days=365, seconds=-1)
    assert bearer(app, old).get(USER).status_code == 200
    service.counters.flush()
    used = good(admin.get(f"{path}/runner"))["metadata"]["retained_last_used"]
    assert used == clock.time.replace(tzinfo=None).isoformat("T", "microseconds")
    clock.move(seconds=1)
    assert refusal(bearer(app, old).get(USER)) == (401, "CredentialsNotValid")


def test_rotating_twice_drops_the_oldest_secret(
    app: Flask, admin: Client, account: Any, path: str
) -> None:
    retain = {"retain_period_minutes": 60}
    first = secret_of(new_key(admin, account))
    second, third = (
        secret_of(good(admin.put(f"{path}/runner/rotate", json=retain)))
        for _ in range(2)
    )
    statuses = [bearer(app, s).get(USER).status_code for s in (first, second, third)]
    assert statuses == [401, 200, 200]
    good(admin.put(f"{path}/runner/rotate", json={}))
    statuses = [bearer(app, s).get(USER).status_code for s in (second, third)]
    assert statuses == [401, 401]


@pytest.mark.parametrize("minutes", [-1, 525601, "1", 1.5, True, [1], None])
def test_a_wrong_retain_period_is_422(
    admin: Client, account: Any, path: str, minutes: Any
) -> None:
    new_key(admin, account)
    body = {"retain_period_minutes": minutes}
    answer = admin.put(f"{path}/runner/rotate", json=body)
    assert refusal(answer) == (422, "ValueError")


def test_nobody_rotates_or_changes_what_is_more_than_he_is(
    app: Flask, admin: Client, account: Any, path: str, tenant: Tenant
) -> None:
    strong = new_key(admin, account, "strong", scopes=["verify"])
    clerks = [
        tenant("clerk", "api-keys:*", "realm:any"),
        bearer(app, secret_of(new_key(admin, account, "own", scopes=["api-keys:*"]))),
    ]
    for clerk in clerks:
        for answer in (
            clerk.put(f"{path}/strong/rotate", json={}),
            clerk.post(path, json={"name": "x", "scopes": ["verify"]}),
            clerk.post(path, json={"name": "x", "scopes": ["*"]}),
            clerk.put(f"{path}/strong", json={"scopes": ["api-keys:read", "verify"]}),
            clerk.put(f"{path}/own", json={"scopes": ["*"]}),
        ):
            assert refusal(answer) == FORBIDDEN
        good(clerk.put(f"{path}/strong", json={"active": False}))
        answer = clerk.put(f"{path}/strong", json={"active": True})
        assert refusal(answer) == FORBIDDEN
        good(admin.put(f"{path}/strong", json={"active": True}))
        assert bearer(app, secret_of(strong)).get(USER).status_code == 200
        good(clerk.put(f"{path}/strong", json={"description": "seen"}))
    assert sorted(names(admin, path)) == ["own", "strong"]


def test_no_key_makes_one_that_outlives_it_or_accepts_more(
    app: Flask, admin: Client, account: Any, path: str
) -> None:
    end = datetime.now(UTC) + timedelta(days=1)
    limits: dict[str, Any] = {
        "allowed_ips": ["127.0.0.0/8"],
        "rate_limit": 500,
        "remaining": 1000,
    }
    limits |= {"expires_at": end.isoformat()}
    scopes = ["api-keys:*"]
    boss = bearer(app, secret_of(new_key(admin, account, "b", scopes=scopes, **limits)))
    looser = {
        "expires_at": (end + timedelta(seconds=1)).isoformat(),
        "allowed_ips": ["0.0.0.0/0"],
        "rate_limit": 501,
        "remaining": 1001,
    }
    for name, value in looser.items():
        for given in (value, None if name != "allowed_ips" else []):
            body = limits | {"name": "made", name: given}
            assert refusal(boss.post(path, json=body)) == FORBIDDEN
            assert refusal(boss.put(f"{path}/b", json={name: given})) == FORBIDDEN
    # What was asked so far has taken from its own quota.
    new_key(boss, account, "made", **{**limits, "remaining": 500})


def test_a_key_reaches_its_own_account_alone(
    app: Flask, admin: Client, account: Any
) -> None:
    other = keys_of(new_account(admin, "other"))
    scopes = ["api-keys:*", "service-accounts:*", "keypairs:*"]
    own = bearer(app, secret_of(new_key(admin, account, scopes=scopes)))
    assert refusal(own.get(other)) == (404, "KeyError")
    assert refusal(own.post(other, json={"name": "x"})) == (404, "KeyError")
    assert own.report("/v2/admin/keypairs/u1", json={}).status_code == 404


def test_a_repeated_filter_is_a_further_condition(
    admin: Client, account: Any, path: str
) -> None:
    for name in ("alpha", "alpine", "beta"):
        new_key(admin, account, name)
    both = ["startswith:al", "contains:PH"]
    assert names(admin, path, name=both) == ["alpha"]
    either = ["equals:alpine", "beta"]
    assert names(admin, path, name=either, logical_operator="or") == ["alpine", "beta"]
    assert names(admin, path, name=either) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", ["a"]),
        ("equals:a", ["a"]),
        ("equals:", []),
        ("x:y", ["x:y"]),
        ("equals:x:y", ["x:y"]),
        ("Equals:a", []),
        ("notequals:a", ["A", "10", "9", "50%", "5_0", "x:y", "Straße"]),
        ("contains:A", ["a", "A", "Straße"]),
        ("contains:%", ["50%"]),
        ("contains:_", ["5_0"]),
        ("contains:\\", []),
        ("contains:STRASSE", ["Straße"]),
        ("notcontains:a", ["10", "9", "50%", "5_0", "x:y"]),
        ("startswith:5", ["50%", "5_0"]),
        ("endswith:0", ["10", "5_0"]),
        ("endswith:%", ["50%"]),
        ('oneof:["a", "9", "zz"]', ["a", "9"]),
        ("oneof:[9]", ["9"]),
        ('notoneof:["a", "9"]', ["A", "10", "50%", "5_0", "x:y", "Straße"]),
        ("oneof:[]", ["a", "A", "10", "9", "50%", "5_0", "x:y", "Straße"]),
        ("notoneof:[]", ["a", "A", "10", "9", "50%", "5_0", "x:y", "Straße"]),
        ("gt:9", ["10"]),
        ("gte:9", ["10", "9"]),
        ("lt:10", ["9"]),
        ("lte:1e1", ["10", "9"]),
        ("isnull:", []),
        ("isnotnull:", ["a", "A", "10", "9", "50%", "5_0", "x:y", "Straße"]),
    ],
)
def test_every_operator_on_text(
    admin: Client, account: Any, path: str, value: str, expected: list[str]
) -> None:
    for name in ("a", "A", "10", "9", "50%", "5_0", "x:y", "Straße"):
        new_key(admin, account, name, description=name)
    assert names(admin, path, name=value) == expected
    assert names(admin, path, description=value) == expected


def test_every_operator_on_ids(admin: Client, account: Any, path: str) -> None:
    one, two = (new_key(admin, account, name) for name in "ab")
    id_ = UUID(one["id"])
    for said in (str(id_), id_.hex, id_.hex.upper(), f"equals:{id_}"):
        assert names(admin, path, id=said) == ["a"]
        assert names(admin, path, id="notequals:" + said.split(":")[-1]) == ["b"]
        whole = said.split(":")[-1]
        assert names(admin, path, id=f'oneof:["{whole}"]') == ["a"]
        assert names(admin, path, id=f'notoneof:["{whole}"]') == ["b"]
    for cut in (f"startswith:{one['id'][:12]}", f"endswith:{one['id'][-16:]}"):
        assert names(admin, path, id=cut) == ["a"]
    assert names(admin, path, id=f"contains:{one['id'][6:20].upper()}") == ["a"]
    assert names(admin, path, id=f"notcontains:{one['id'][6:20]}") == ["b"]
    assert names(admin, path, id="contains:" + id_.hex[:12]) == [], "the dashed form"
    assert names(admin, path, id="contains:%") == []
    assert names(admin, path, id="no id") == []
    assert names(admin, path, id="gt:1") == [], "an unknown operator is a value"
    assert names(admin, path, id="isnotnull:") == ["a", "b"]


def test_every_operator_on_active(admin: Client, account: Any, path: str) -> None:
    for name in "ab":
        new_key(admin, account, name)
    good(admin.put(f"{path}/b", json={"active": False}))
    for said in ("true", "1", "YES", "On", "equals:true", "notequals:0"):
        assert names(admin, path, active=said) == ["a"]
    for said in ("false", "0", "no", "OFF", "equals:No", "notequals:yes"):
        assert names(admin, path, active=said) == ["b"]
    assert names(admin, path, active="isnull:") == []
    assert names(admin, path, active="isnotnull:") == ["a", "b"]


def test_every_operator_on_times(
    app: Flask, admin: Client, account: Any, path: str
) -> None:
    _, clock = on_clock(app)
    clock.time = datetime(2030, 1, 1, 12, tzinfo=UTC)
    for name in "abc":
        new_key(admin, account, name)
        clock.move(hours=1)
    at = "2030-01-01 13:00:00"
    for said in (at, f"equals:{at}", "2030-01-01T13:00:00.000", f'oneof:["{at}"]'):
        assert names(admin, path, created=said) == ["b"]
    for said in ("2030-01-01T14:00:00+01:00", "2030-01-01T13:00:00Z"):
        assert names(admin, path, created=said) == ["b"]
    for said, expected in (
        ("notequals", "ac"),
        ("gt", "c"),
        ("gte", "bc"),
        ("lt", "a"),
        ("lte", "ab"),
    ):
        assert names(admin, path, created=f"{said}:{at}") == list(expected)
        assert names(admin, path, updated=f"{said}:{at}") == list(expected)
    assert names(admin, path, created=f"in:{at},2030-01-01 14:00:00") == ["b", "c"]
    assert names(admin, path, last_login="isnull:") == ["a", "b", "c"]
    good(admin.put(f"{path}/b/rotate", json={}))
    assert names(admin, path, last_rotated="isnotnull:") == ["b"]
    assert names(admin, path, last_rotated="2030-01-01 15:00:00") == ["b"]
    # NULL first when ascending, last when descending.
    assert names(admin, path, sort_by="last_rotated")[2] == "b"
    assert names(admin, path, sort_by="desc:last_rotated")[0] == "b"


def test_the_account_as_a_filter_restricts_nothing_and_widens_nothing(
    admin: Client, account: Any, path: str
) -> None:
    new_key(admin, account)
    other = new_account(admin, "other")
    new_key(admin, other, "foreign")
    for id_ in (account["id"], other["id"]):
        for logic in ("and", "or"):
            query = {"service_account": id_, "logical_operator": logic}
            assert names(admin, path, **query) == ["runner"]
    wide = {"logical_operator": "or", "name": ["isnotnull:", "x"]}
    assert names(admin, path, **wide) == ["runner"]
    for odd in ("x", "equals:ci", f"equals:{account['id']}", ""):
        answer = admin.get(path, query_string={"service_account": odd})
        assert refusal(answer) == (422, "ValueError")


def test_ties_are_broken_by_id_in_the_same_direction(
    app: Flask, admin: Client, account: Any, path: str
) -> None:
    on_clock(app)
    made = sorted(new_key(admin, account, f"k{n}")["id"] for n in range(6))
    for sort in ("created", "active", "description", "last_login"):
        for prefix, expected in (("asc:", made), ("desc:", made[::-1]), ("", made)):
            query = {"sort_by": prefix + sort, "size": 4}
            found = [
                item["id"]
                for page in (1, 2)
                for item in good(admin.get(path, query_string={**query, "page": page}))[
                    "items"
                ]
            ]
            assert found == expected


@pytest.mark.parametrize(
    "query",
    [{"page": 0}, {"size": 0}, {"size": 10001}, {"sort_by": "key"}]
    + [{"sort_by": "asc:"}, {"scopes": "x"}, {"key": "x"}, {"owner": "x"}]
    + [{"hydrate": "x"}, {"last_login": "x"}, {"last_rotated": "contains:2"}]
    + [{"name": f"oneof:{said}"} for said in ("[true]", "[1.5]", "[null]", "[[]]")],
)
def test_a_wrong_query_is_422(admin: Client, path: str, query: dict[str, Any]) -> None:
    answer = admin.get(path, query_string=query)
    assert refusal(answer) == (422, "ValueError")


def test_a_page_past_the_end_is_400(admin: Client, account: Any, path: str) -> None:
    empty = good(admin.get(path))
    assert (empty["total_pages"], empty["total"], empty["items"]) == (1, 0, [])
    for query in ({"page": 2}, {"page": 2, "name": "zz"}):
        answer = admin.get(path, query_string=query)
        assert refusal(answer) == (400, "ValueError")
    new_key(admin, account)
    answer = admin.get(path, query_string={"page": 2, "size": 1})
    assert refusal(answer) == (400, "ValueError")


def test_an_absent_account_is_404(admin: Client) -> None:
    absent = f"{ACCOUNTS}/{uuid4()}/api_keys"
    assert refusal(admin.get(absent)) == (404, "KeyError")
    assert refusal(admin.post(absent, json={"name": "x"})) == (404, "KeyError")
