"""The keypairs of a user, endpoint by endpoint."""

import re
from collections.abc import Callable
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from typing import Any
from urllib.parse import quote

import pytest

from keysvc.core.service import Service
from keysvc.model import Issued
from tests.api.answers import problem
from tests.api.answers import told
from tests.conftest import Client
from tests.conftest import Tenant

FAMILY = "/v2/admin/keypairs"
USER = f"{FAMILY}/u1"
BIGGEST = 2**53 - 1

DEFAULTS = {
    "isActive": True,
    "concurrency": 5,
    "concurrecy": 5,
    "ML.clusterSize": 1,
    "ML.instanceMemory": 8,
    "cost.automatic": False,
    "cost.dailyLimit": "50.00",
    "rateLimit": None,
    "remaining": None,
    "expiresAt": None,
    "scopes": [],
    "description": "",
    "allowedIps": [],
    "totalQueries": 0,
    "lastUsedAt": None,
}
CHANGED = {
    "isActive": False,
    "concurrency": 0,
    "ML.clusterSize": 4,
    "ML.instanceMemory": 16,
    "cost.automatic": True,
    "cost.dailyLimit": "0.10",
    "rateLimit": 3000,
    "remaining": BIGGEST,
    "expiresAt": "2040-01-02T03:04:05.000006+00:00",
    "scopes": ["b:read", "a:*"],
    "description": "Zürich\n😀 ' \" \\ %s {}",
    "allowedIps": ["192.0.2.0/24", "2001:db8::/32"],
}


def created(client: Client, user: str = USER, **body: Any) -> str:
    """Create a keypair and return its path."""
    answer = client.post(f"{user}/create", json=body)
    assert answer.status_code == 200, answer.text
    return f"{user}/{told(answer)['accessKey']}"


def properties(client: Client, path: str, *names: str) -> dict[str, Any]:
    """Return properties of the keypair at *path*, by default all that have one."""
    names = names or tuple(DEFAULTS)
    answer = client.open(path, method="GET", json={"keys": names})
    assert answer.status_code == 200, answer.text
    return dict(zip(names, told(answer)["values"], strict=True))


def listed(client: Client, user: str = USER, **paging: Any) -> Any:
    answer = client.report(user, json={"paging": paging})
    assert answer.status_code == 200, answer.text
    return told(answer)


def access_keys(client: Client, user: str = USER, **paging: Any) -> list[str]:
    return [item["accessKey"] for item in listed(client, user, **paging)["items"]]


def test_a_created_keypair_is_listed_without_its_secret(admin: Client) -> None:
    created = admin.post(f"{USER}/create", json={})
    assert created.status_code == 200
    assert created.json is not None
    assert set(created.json) == {"accessKey", "secretKey"}

    listed = admin.report(USER, json={})

    assert listed.status_code == 200
    assert listed.json is not None
    assert listed.json["paging"] == {"pages": 1, "count": 1}
    assert listed.json["items"][0]["accessKey"] == created.json["accessKey"]
    assert created.json["secretKey"] not in listed.text


def test_a_new_keypair_has_a_slug_and_a_long_secret(admin: Client) -> None:
    pair = told(admin.post(f"{USER}/create"))
    assert re.fullmatch(r"KP[A-Z2-7]{18}", pair["accessKey"])
    assert re.fullmatch(r"[0-9A-Za-z]{40}", pair["secretKey"])


def test_an_item_of_the_list_has_four_members(admin: Client, tenant: Tenant) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    path = created(admin)

    (item,) = listed(admin)["items"]

    assert list(item) == ["accessKey", "isActive", "totalQueries", "created"]
    assert (item["isActive"], item["totalQueries"]) == (True, 0)
    assert path.endswith(item["accessKey"])
    moment = datetime.fromisoformat(item["created"])
    assert moment.utcoffset() == timedelta(0)
    assert before < moment < datetime.now(UTC) + timedelta(seconds=1)
    assert properties(admin, path, "created") == {"created": item["created"]}


def test_every_property_has_its_default(admin: Client) -> None:
    assert properties(admin, created(admin)) == DEFAULTS


def test_a_keypair_is_created_without_a_body(admin: Client) -> None:
    for headers in ({}, {"Content-Type": "text/plain", "Content-Length": "0"}):
        answer = admin.post(f"{USER}/create", headers=headers)
        assert answer.status_code == 200
        path = f"{USER}/{told(answer)['accessKey']}"
        assert properties(admin, path) == DEFAULTS


@pytest.mark.parametrize("body", [{"isActive": False}, {"props": {"isActive": False}}])
def test_a_keypair_may_be_born_inactive(admin: Client, body: dict[str, Any]) -> None:
    path = created(admin, **body)
    assert properties(admin, path) == {**DEFAULTS, "isActive": False}


def test_properties_are_set_at_birth_in_either_notation(admin: Client) -> None:
    expected = {**DEFAULTS, **CHANGED, "concurrecy": 0}
    assert properties(admin, created(admin, props=CHANGED)) == expected
    assert properties(admin, created(admin, props=as_groups(CHANGED))) == expected


def as_groups(props: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in props.items():
        group, dot, member = name.partition(".")
        inner = result.setdefault(group, {}) if dot else result
        inner[member or group] = value
    return result


@pytest.mark.parametrize("notation", [dict, as_groups])
def test_a_patch_touches_nothing_else(
    admin: Client, notation: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    path = created(admin)
    expected = dict(DEFAULTS)
    for name, value in CHANGED.items():
        answer = admin.patch(path, json={"props": notation({name: value})})
        assert (answer.status_code, answer.data) == (204, b""), name
        expected[name] = value
        if name == "concurrency":
            expected["concurrecy"] = value
        assert properties(admin, path) == expected, name


def test_a_patch_of_several_properties_is_one(admin: Client) -> None:
    path = created(admin)
    assert admin.patch(path, json={"props": CHANGED}).status_code == 204
    assert properties(admin, path) == {**DEFAULTS, **CHANGED, "concurrecy": 0}


def test_a_refused_patch_changes_nothing_at_all(admin: Client) -> None:
    path = created(admin)
    answer = admin.patch(path, json={"props": {"remaining": 3, "scopes": ["NO"]}})
    assert problem(answer) == (400, "invalid-api-params")
    assert told(answer)["errors"].keys() == {"props.scopes.0"}
    assert properties(admin, path) == DEFAULTS


def test_a_patch_of_nothing_is_fine(admin: Client) -> None:
    path = created(admin, props=CHANGED)
    before = properties(admin, path)
    nothings: list[dict[str, Any]] = [
        {},
        {"ML": {}},
        {"ML": None},
        {"concurrecy": None},
    ]
    for props in nothings:
        assert admin.patch(path, json={"props": props}).status_code == 204, props
        assert properties(admin, path) == before


def test_null_clears_exactly_three_properties(admin: Client) -> None:
    path = created(admin, props=CHANGED)
    before = properties(admin, path)

    answer = admin.patch(path, json={"props": dict.fromkeys(CHANGED)})

    assert answer.status_code == 204
    cleared = dict.fromkeys(("expiresAt", "rateLimit", "remaining"))
    assert properties(admin, path) == before | cleared


def test_null_at_birth_means_not_given(admin: Client) -> None:
    props = dict.fromkeys(CHANGED)
    assert properties(admin, created(admin, isActive=None, props=props)) == DEFAULTS
    assert properties(admin, created(admin, props=None)) == DEFAULTS


def test_the_historical_spelling_is_the_same_property(admin: Client) -> None:
    path = created(admin, props={"concurrecy": 7})
    names = ("concurrecy", "concurrency")
    assert properties(admin, path, *names) == dict.fromkeys(names, 7)
    admin.patch(path, json={"props": {"concurrecy": 8}})
    assert properties(admin, path, *names) == dict.fromkeys(names, 8)

    answer = admin.patch(path, json={"props": {"concurrecy": 1, "concurrency": 2}})
    assert problem(answer) == (400, "invalid-api-params")
    assert properties(admin, path, *names) == dict.fromkeys(names, 8)


def test_read_only_and_unknown_properties_are_refused(admin: Client) -> None:
    path = created(admin)
    names = ("accessKey", "created", "lastUsedAt", "totalQueries", "nix", "ML.nix")
    for name in names:
        for answer in (
            admin.patch(path, json={"props": {name: 1}}),
            admin.post(f"{USER}/create", json={"props": {name: 1}}),
        ):
            assert problem(answer) == (400, "invalid-api-params"), name
            assert told(answer)["errors"].keys() == {f"props.{name}"}
    assert listed(admin)["paging"]["count"] == 1


def test_limits_are_named_by_the_path_of_the_field(admin: Client) -> None:
    path = created(admin)
    for name, value in (
        ("concurrency", -1),
        ("ML.clusterSize", 0),
        ("ML.instanceMemory", 0),
        ("cost.dailyLimit", 50),
        ("rateLimit", "1"),
        ("remaining", -1),
        ("expiresAt", "2030-01-01"),
        ("scopes", "a"),
        ("description", "x" * 1025),
        ("allowedIps", {}),
        ("isActive", 1),
    ):
        answer = admin.patch(path, json={"props": as_groups({name: value})})
        assert problem(answer) == (400, "invalid-api-params"), name
        assert told(answer)["errors"].keys() == {f"props.{name}"}


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "2030-01-01T00:00:00.1234567Z",
        "2030-01-01T00:00:00+23:59",
    ],
)
def test_no_date_is_too_odd_to_answer(admin: Client, moment: str) -> None:
    path = created(admin)
    status = admin.patch(path, json={"props": {"expiresAt": moment}}).status_code
    assert status in {204, 400}
    kept = properties(admin, path, "expiresAt")["expiresAt"]
    assert (kept is None) == (status == 400)
    assert admin.report(USER).status_code == 200


def test_values_come_in_the_order_asked(admin: Client) -> None:
    path = created(admin, props=CHANGED)
    wanted = ["isActive", "concurrency", "isActive", "concurrecy", "ML.clusterSize"]
    values = {"values": [False, 0, False, 0, 4]}
    for query in (
        "?keys=" + ",".join(wanted),
        "?" + "&".join(f"keys={name}" for name in wanted),
        "?keys=isActive,concurrency&keys=isActive&keys=concurrecy,ML.clusterSize",
        "?keys=isActive%2Cconcurrency,isActive,concurrecy,ML%2EclusterSize",
    ):
        assert told(admin.get(path + query)) == values, query
    in_body = admin.open(path, method="GET", json={"keys": wanted})
    assert (in_body.status_code, told(in_body)) == (200, values)


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", None),
        ("", {}),
        ("", {"keys": None}),
        ("", {"keys": []}),
        ("", {"keys": "isActive"}),
        ("", {"keys": ["isActive", 1]}),
        ("", {"keys": ["isActive"], "nix": 1}),
        ("", ["isActive"]),
        ("?keys=", None),
        ("?keys=,,", None),
        ("?keys=&keys=", None),
        ("?key=isActive", None),
        ("?keys=isActive&nix=1", None),
        ("?keys=isActive", {"keys": ["isActive"]}),
        ("?keys=isActive%20", None),
    ],
)
def test_keys_that_are_not_told_apart_are_refused(
    admin: Client, query: str, body: Any
) -> None:
    given = {} if body is None else {"json": body}
    answer = admin.open(created(admin) + query, method="GET", **given)
    assert problem(answer) == (400, "invalid-api-params")


def test_an_unknown_key_is_named(admin: Client) -> None:
    path = created(admin)
    for name in ("nix", "secretKey", "ML", "isactive", "is_active", "owner"):
        asked = admin.open(path, method="GET", json={"keys": ["isActive", name]})
        for answer in (asked, admin.get(f"{path}?keys={name}")):
            assert problem(answer) == (400, "invalid-api-params"), name
            ((place, messages),) = told(answer)["errors"].items()
            assert place.startswith("keys")
            assert re.search(rf"(?<!\w){name}(?!\w)", messages[0]), name


def test_a_list_is_cut_into_pages(admin: Client) -> None:
    keys = [created(admin).rpartition("/")[2] for _ in range(5)]
    for paging, items, pages in (
        ({}, keys, 1),
        ({"size": 0}, keys, 1),
        ({"size": 0, "index": 3}, keys, 1),
        ({"index": 3}, keys, 1),
        ({"size": None, "index": None}, keys, 1),
        ({"size": 1}, keys[:1], 5),
        ({"size": 2}, keys[:2], 3),
        ({"size": 2, "index": 1}, keys[2:4], 3),
        ({"size": 2, "index": 2}, keys[4:], 3),
        ({"size": 2, "index": 3}, [], 3),
        ({"size": 5}, keys, 1),
        ({"size": 5, "index": 1}, [], 1),
        ({"size": 6}, keys, 1),
        ({"size": BIGGEST}, keys, 1),
        ({"size": BIGGEST, "index": BIGGEST}, [], 1),
        ({"size": 1, "index": BIGGEST}, [], 5),
        ({"size": 2**31}, keys, 1),
    ):
        answer = listed(admin, **paging)
        assert answer["paging"] == {"pages": pages, "count": 5}, paging
        assert [item["accessKey"] for item in answer["items"]] == items, paging


def test_paging_is_optional(admin: Client) -> None:
    keys = [created(admin).rpartition("/")[2] for _ in range(2)]
    ways: list[dict[str, Any]] = [
        {},
        {"json": {}},
        {"json": {"paging": None}},
        {"headers": {"Content-Type": "text/plain", "Content-Length": "0"}},
        {"headers": {"Content-Type": "application/json"}},
    ]
    for given in ways:
        answer = admin.report(USER, **given)
        assert answer.status_code == 200, given
        assert [item["accessKey"] for item in told(answer)["items"]] == keys


def test_paging_out_of_range_is_refused(admin: Client) -> None:
    for paging in (
        {"size": -1},
        {"index": -1},
        {"size": BIGGEST + 1},
        {"size": 1.5},
        {"size": "2"},
        {"size": True},
        {"limit": 1},
    ):
        answer = admin.report(USER, json={"paging": paging})
        assert problem(answer) == (400, "invalid-api-params"), paging
        (name,) = paging
        assert told(answer)["errors"].keys() == {f"paging.{name}"}


def test_a_user_without_keypairs_has_an_empty_list(admin: Client) -> None:
    for paging in ({}, {"size": 0}, {"size": 5}, {"size": 5, "index": 5}):
        answer = listed(admin, f"{FAMILY}/nobody", **paging)
        assert answer == {"paging": {"pages": 0, "count": 0}, "items": []}


def test_the_order_is_creation_then_access_key(
    admin: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = datetime(2030, 1, 1, tzinfo=UTC)
    keys = []
    for minute in (3, 1, 1, 1, 1, 2):
        moment = start + timedelta(minutes=minute)
        monkeypatch.setattr(service.credentials, "_now", lambda m=moment: m)
        keys.append((minute, created(admin).rpartition("/")[2]))
    assert access_keys(admin) == [key for _, key in sorted(keys)]
    assert access_keys(admin, size=2, index=1) == [key for _, key in sorted(keys)][2:4]


def test_a_deleted_keypair_is_gone(
    admin: Client, issue: Callable[..., Issued], stranger: Client
) -> None:
    issued = issue("u1", scopes=("keypairs:read",))
    path = f"{USER}/{issued.credential.public_id}"
    bearer = stranger.carrying(issued.credential.public_id, issued.secret)
    assert bearer.report(USER).status_code == 200

    answer = admin.delete(path)

    assert (answer.status_code, answer.data) == (204, b"")
    assert problem(admin.get(f"{path}?keys=isActive")) == (404, "keypair-not-found")
    assert problem(admin.patch(path, json={"props": {}})) == (404, "keypair-not-found")
    assert problem(admin.delete(path)) == (404, "keypair-not-found")
    assert listed(admin)["paging"]["count"] == 0
    assert problem(bearer.report(USER)) == (401, "auth-failed")


def test_a_keypair_is_found_below_its_own_user_only(admin: Client) -> None:
    path = created(admin)
    elsewhere = path.replace("u1", "u2")
    for answer in (
        admin.get(f"{elsewhere}?keys=isActive"),
        admin.patch(elsewhere, json={"props": {"isActive": False}}),
        admin.delete(elsewhere),
    ):
        assert problem(answer) == (404, "keypair-not-found")
    assert properties(admin, path) == DEFAULTS


@pytest.mark.parametrize(
    "user",
    [
        "Zoë",
        "用户",
        "😀" * 63,
        "a b+c&d=e?f#g;h,i",
        "100%",
        "'; DROP TABLE keysvc_credential; --",
        "create",
        "..",
        "x" * 255,
        "é" * 255,
    ],
)
def test_a_user_is_any_text(admin: Client, tenant: Tenant, user: str) -> None:
    own = tenant(user, "keypairs:*")
    path = f"{FAMILY}/{quote(user, safe='')}"
    keypair = created(own, path)

    assert properties(own, keypair) == DEFAULTS
    assert listed(own, path)["paging"]["count"] == 2
    assert access_keys(admin, path) == access_keys(own, path)
    assert own.patch(keypair, json={"props": {"isActive": False}}).status_code == 204
    assert own.delete(keypair).status_code == 204
    assert listed(own, path)["paging"]["count"] == 1


def test_a_user_has_at_most_255_characters(admin: Client) -> None:
    for user in ("x" * 256, quote("é" * 256), "x" * 3000):
        for answer in (
            admin.report(f"{FAMILY}/{user}"),
            admin.post(f"{FAMILY}/{user}/create"),
            admin.get(f"{FAMILY}/{user}/KP?keys=isActive"),
            admin.patch(f"{FAMILY}/{user}/KP", json={"props": {}}),
            admin.delete(f"{FAMILY}/{user}/KP"),
        ):
            assert problem(answer) == (400, "invalid-api-params")
            assert told(answer)["errors"].keys() == {"user"}


def test_users_are_told_apart_by_every_character(admin: Client) -> None:
    for user in ("u", "U", "u%20", "%20u", "%C3%BC", "u%CC%88"):
        created(admin, f"{FAMILY}/{user}")
    for user in ("u", "U", "u%20", "%20u", "%C3%BC", "u%CC%88"):
        assert listed(admin, f"{FAMILY}/{user}")["paging"]["count"] == 1, user


@pytest.mark.parametrize(
    "change", [{"isActive": False}, {"expiresAt": "2000-01-01T00:00:00Z"}]
)
def test_what_is_inactive_or_expired_lets_nobody_in(
    admin: Client, tenant: Tenant, change: dict[str, Any]
) -> None:
    own = tenant("u1", "keypairs:read")
    (key,) = access_keys(own)

    assert admin.patch(f"{USER}/{key}", json={"props": change}).status_code == 204
    assert problem(own.report(USER)) == (401, "auth-failed")

    back = {"isActive": True, "expiresAt": None}
    assert admin.patch(f"{USER}/{key}", json={"props": back}).status_code == 204
    assert own.report(USER).status_code == 200


def test_allowed_addresses_are_enforced(admin: Client, tenant: Tenant) -> None:
    own = tenant("u1", "keypairs:read", allowed_ips=("192.0.2.0/24",))
    for address, status in (
        ("192.0.2.7", 200),
        ("::ffff:192.0.2.7", 200),
        ("192.0.3.7", 403),
        ("2001:db8::1", 403),
        ("", 403),
    ):
        answer = own.report(USER, environ_overrides={"REMOTE_ADDR": address})
        assert answer.status_code == status, address
    answer = own.report(USER, headers={"X-Forwarded-For": "192.0.2.7"})
    assert problem(answer) == (403, "generic-forbidden")


def test_queries_are_counted_when_they_are_flushed(
    admin: Client, tenant: Tenant, service: Service
) -> None:
    own = tenant("u1", "keypairs:read")
    (key,) = access_keys(own)
    for _ in range(2):
        own.report(USER)

    service.counters.flush()

    assert listed(admin)["items"][0]["totalQueries"] == 3
    counted = properties(admin, f"{USER}/{key}", "totalQueries", "lastUsedAt")
    assert counted["totalQueries"] == 3
    last = datetime.fromisoformat(counted["lastUsedAt"])
    assert datetime.now(UTC) - last < timedelta(minutes=1)


def test_a_patch_does_not_count_back(
    admin: Client, tenant: Tenant, service: Service
) -> None:
    own = tenant("u1", "keypairs:*")
    (key,) = access_keys(own)
    service.counters.flush()
    before = properties(admin, f"{USER}/{key}", "totalQueries", "lastUsedAt")

    admin.patch(f"{USER}/{key}", json={"props": {"description": "x"}})

    assert before["totalQueries"] == 1
    assert properties(admin, f"{USER}/{key}", *before) == before


def test_a_foreign_realm_looks_like_an_empty_place(
    admin: Client, tenant: Tenant
) -> None:
    theirs, absent = created(admin, f"{FAMILY}/bob"), f"{FAMILY}/nobody/KPX"
    alice = tenant("alice", "keypairs:*")
    bodies = set()
    for path in (theirs, absent):
        user = path.rpartition("/")[0]
        for answer in (
            alice.report(user),
            alice.post(f"{user}/create"),
            alice.get(f"{path}?keys=isActive"),
            alice.patch(path, json={"props": {"isActive": False}}),
            alice.delete(path),
        ):
            assert problem(answer) == (404, "keypair-not-found")
            bodies.add(answer.text)
    own = alice.delete(f"{FAMILY}/alice/KPX")
    assert problem(own) == (404, "keypair-not-found")
    assert bodies == {own.text}
    assert properties(admin, theirs) == DEFAULTS


def test_in_its_own_realm_a_caller_needs_the_scope(tenant: Tenant) -> None:
    reader, writer = tenant("u1", "keypairs:read"), tenant("u1", "keypairs:write")
    nobody = tenant("u1", "other:*")
    path = created(writer)

    def answers(client: Client) -> list[int]:
        return [
            client.report(USER).status_code,
            client.get(f"{path}?keys=isActive").status_code,
            client.patch(path, json={"props": {}}).status_code,
            client.post(f"{USER}/create").status_code,
        ]

    assert answers(reader) == [200, 200, 403, 403]
    assert answers(writer) == [403, 403, 204, 200]
    assert answers(nobody) == [403] * 4
    assert problem(reader.delete(path)) == (403, "generic-forbidden")
    assert writer.delete(path).status_code == 204


def test_a_caller_with_any_realm_acts_everywhere(tenant: Tenant) -> None:
    client = tenant("root", "realm:any", "keypairs:*")
    path = created(client)
    assert properties(client, path) == DEFAULTS
    assert client.delete(path).status_code == 204


def test_nobody_makes_a_keypair_that_is_more_than_he_is(tenant: Tenant) -> None:
    own = tenant(
        "u1",
        "keypairs:*",
        "jobs:read",
        expires_at=datetime(2040, 1, 1, 0, 0, 0, 0, UTC),
    )
    within = {"scopes": ["jobs:read"], "expiresAt": "2039-01-01T00:00:00Z"}
    path = created(own, props=within)
    for props in (
        {**within, "scopes": ["jobs:write"]},
        {**within, "scopes": ["*"]},
        {**within, "expiresAt": None},
        {**within, "expiresAt": "2041-01-01T00:00:00Z"},
    ):
        answer = own.post(f"{USER}/create", json={"props": props})
        assert problem(answer) == (403, "generic-forbidden"), props
        answer = own.patch(path, json={"props": props})
        assert problem(answer) == (403, "generic-forbidden"), props
    assert listed(own)["paging"]["count"] == 2


def test_the_secret_is_in_no_other_answer_and_in_no_log(
    admin: Client, stranger: Client, caplog: pytest.LogCaptureFixture
) -> None:
    pair = told(admin.post(f"{USER}/create", json={"props": {"scopes": ["*"]}}))
    path = f"{USER}/{pair['accessKey']}"
    own = stranger.carrying(pair["accessKey"], pair["secretKey"])
    names = ",".join(DEFAULTS)
    answers = [
        own.report(USER),
        own.get(f"{path}?keys={names},accessKey,created"),
        own.get(f"{path}?keys={pair['secretKey'][:5]}"),
        own.patch(path, json={"props": {"description": "x"}}),
        own.patch(path, json={"props": {"secretKey": 1}}),
        own.get("/v1/audit"),
        own.get("/"),
        own.get("/nix"),
        own.delete(path),
        own.report(USER),
    ]
    assert [a.status_code for a in answers] == [
        *(200, 200, 400, 204, 400, 200, 200, 404, 204, 401)
    ]
    assert not [a for a in answers if pair["secretKey"] in f"{a.headers}{a.text}"]
    assert pair["secretKey"] not in caplog.text


def test_answers_with_credentials_are_kept_by_no_cache(admin: Client) -> None:
    path = created(admin)
    for answer in (
        admin.post(f"{USER}/create"),
        admin.report(USER),
        admin.get(f"{path}?keys=isActive"),
        admin.delete(path),
        admin.delete(path),
    ):
        assert answer.headers["Cache-Control"] == "no-store"
