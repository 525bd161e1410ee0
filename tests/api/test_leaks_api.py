"""``POST /v1/leaks``: what each token was, what ends, and what is on record of it."""

import json
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from keysvc.core.secrets.tokens import mint_keypair
from keysvc.core.secrets.tokens import mint_token
from keysvc.core.secrets.tokens import renew_token
from keysvc.core.service import Service
from keysvc.model import AccountDraft
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import KeyLogin
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import ServiceAccountRow
from tests.api.accounts import good
from tests.api.accounts import hire
from tests.api.accounts import log_in
from tests.api.accounts import PASSWORD
from tests.api.answers import problem
from tests.api.answers import told
from tests.api.organizations import CLI
from tests.api.organizations import issue_key
from tests.api.organizations import LONG_AGO
from tests.conftest import Client
from tests.conftest import Tenant

LEAKS = "/v1/leaks"

Issue = Callable[..., Issued]
Result = dict[str, Any]

UNKNOWN: Result = {"code": "UNKNOWN", "id": None, "revoked": False}


def report(client: Client, *tokens: str) -> list[Result]:
    results: list[Result] = good(client.post(LEAKS, json={"tokens": tokens}))["results"]
    assert all(list(result) == ["code", "id", "revoked"] for result in results)
    return results


def codes(client: Client, *tokens: str) -> list[tuple[str, bool]]:
    return [(one["code"], one["revoked"]) for one in report(client, *tokens)]


def pair(issued: Issued) -> str:
    return f"{issued.credential.public_id}:{issued.secret}"


def judged(client: Client, token: str) -> str:
    """What a verification says of a token, or of a pair with a colon."""
    access_key, _, secret_key = token.partition(":")
    question = {"accessKey": access_key, "secretKey": secret_key}
    asked = question if secret_key else {"token": token}
    code: str = good(client.post("/v1/verify", json=asked))["code"]
    return code


def records(admin: Client, action: str) -> list[Any]:
    items = told(admin.get("/v1/audit?limit=100"))["items"]
    return [item for item in items if item["action"] == action]


class Account:
    """A service account whose keys leak."""

    def __init__(self, service: Service) -> None:
        self.service, self._made = service, 0
        self.owner = service.accounts.create(CLI, AccountDraft(name="ci")).owner

    def key(self, **draft: Any) -> Issued:
        self._made += 1
        made = Draft(**{"name": f"k{self._made}", **draft})
        return self.service.credentials.issue(CLI, Kind.API_KEY, self.owner, made)

    def rotate(self, key: Issued, minutes: int) -> Issued:
        id_ = str(key.credential.id)
        return self.service.credentials.rotate(
            CLI, Kind.API_KEY, self.owner, id_, minutes
        )

    def session(self, key: Issued) -> str:
        login = KeyLogin(key.secret)
        return self.service.sessions.log_in(login, Origin("127.0.0.1")).token


@pytest.fixture
def account(service: Service) -> Account:
    service.installation.ensure_ready()
    return Account(service)


@pytest.fixture
def scanner(tenant: Tenant) -> Client:
    """Whoever may report leaks of anyone's, and nothing else but look."""
    return tenant("scanner", "leaks:write", "realm:any", "verify")


# -- what ends ----------------------------------------------------------------------


def test_credentials_of_every_family_are_switched_off(
    scanner: Client, service: Service, issue: Issue, account: Account
) -> None:
    keypair, api_key, access_key = issue(), account.key(), issue_key(service)
    tokens = [pair(keypair), api_key.secret, access_key.secret]
    ids = [issued.credential.wire_id for issued in (keypair, api_key, access_key)]

    first, again = report(scanner, *tokens), report(scanner, *tokens)

    assert first == [{"code": "VALID", "id": id_, "revoked": True} for id_ in ids]
    assert again == [{"code": "INACTIVE", "id": id_, "revoked": False} for id_ in ids]
    assert [judged(scanner, token) for token in tokens] == ["INACTIVE"] * 3


def test_a_session_ends_and_what_has_logged_in_stays(
    scanner: Client, service: Service, account: Account, stranger: Client
) -> None:
    key = account.key()
    mine, other = account.session(key), account.session(key)
    hire(service, "olga", "audit:read")
    login = good(log_in(stranger, username="olga", password=PASSWORD))

    results = report(scanner, mine, login["access_token"])

    assert [(one["code"], one["revoked"]) for one in results] == [("VALID", True)] * 2
    assert results[0]["id"] not in (None, key.credential.wire_id)
    assert report(scanner, mine) == [UNKNOWN]
    assert judged(scanner, other) == judged(scanner, key.secret) == "VALID"
    assert log_in(stranger, username="olga", password=PASSWORD).status_code == 200


def test_of_a_rotated_secret_the_grace_ends_and_the_new_one_stays(
    scanner: Client, service: Service, account: Account
) -> None:
    old = account.key()
    session = account.session(old)
    new = account.rotate(old, 60)
    assert judged(scanner, old.secret) == judged(scanner, session) == "VALID"

    [result] = report(scanner, old.secret)

    assert result == {"code": "VALID", "id": old.credential.wire_id, "revoked": True}
    assert judged(scanner, old.secret) == judged(scanner, session) == "UNKNOWN"
    assert judged(scanner, new.secret) == "VALID"
    assert report(scanner, old.secret) == [UNKNOWN]


def test_of_both_secrets_both_end(scanner: Client, account: Account) -> None:
    old = account.key()
    new = account.rotate(old, 60)

    assert codes(scanner, old.secret, new.secret) == [("VALID", True)] * 2
    assert judged(scanner, old.secret) == "UNKNOWN"
    assert judged(scanner, new.secret) == "INACTIVE"


def test_a_secret_whose_grace_is_over_is_unknown(
    scanner: Client, account: Account
) -> None:
    old = account.key()
    new = account.rotate(old, 0)

    assert report(scanner, old.secret) == [UNKNOWN]
    assert judged(scanner, new.secret) == "VALID"


def test_what_sleeps_does_not_wake_again(
    scanner: Client, service: Service, issue: Issue, account: Account
) -> None:
    """Expired, or its account switched off: somebody may undo that."""
    expired, key = issue(expires_at=LONG_AGO), account.key()
    ours = account.service.accounts
    ours.change(CLI, "ci", {"is_active": False})

    assert codes(scanner, pair(expired), key.secret) == [
        ("EXPIRED", True),
        ("INACTIVE", True),
    ]
    assert codes(scanner, pair(expired), key.secret) == [("INACTIVE", False)] * 2
    ours.change(CLI, "ci", {"is_active": True})
    assert judged(scanner, key.secret) == "INACTIVE"


def test_a_session_that_sleeps_does_not_wake_again(
    scanner: Client, service: Service, stranger: Client
) -> None:
    hire(service, "olga", "audit:read")
    login = good(log_in(stranger, username="olga", password=PASSWORD))
    service.operators.change(CLI, "olga", is_active=False)

    assert codes(scanner, login["access_token"]) == [("INACTIVE", True)]
    service.operators.change(CLI, "olga", is_active=True)
    assert judged(scanner, login["access_token"]) == "UNKNOWN"


def test_what_is_off_and_in_its_grace_loses_that(
    scanner: Client, service: Service, account: Account
) -> None:
    old = account.key()
    new = account.rotate(old, 60)
    service.credentials.change(
        CLI,
        Kind.API_KEY,
        account.owner,
        str(new.credential.id),
        {"is_active": False},
    )

    assert codes(scanner, old.secret) == [("INACTIVE", True)]
    assert codes(scanner, old.secret, new.secret) == [
        ("UNKNOWN", False),
        ("INACTIVE", False),
    ]


def test_no_limit_keeps_a_leak_from_being_one(
    scanner: Client, issue: Issue, service: Service
) -> None:
    """A key for one address only is leaked wherever it is found."""
    leaked = [
        issue(allowed_ips=("192.0.2.0/24",)),
        issue(rate_limit=0),
        issue(remaining=0),
        issue(rate_limit=5, remaining=5),
    ]

    assert codes(scanner, *map(pair, leaked)) == [("VALID", True)] * 4
    service.counters.flush()
    with reading():
        rows = [CredentialRow.get_by_id(one.credential.id) for one in leaked]
    assert [row.remaining for row in rows] == [None, None, 0, 5]
    assert [(row.total_queries, row.last_used_at) for row in rows] == [(0, None)] * 4


def test_whoever_it_is_and_whoever_manages_it_it_is_switched_off(
    scanner: Client, service: Service, issue: Issue, account: Account
) -> None:
    everything = issue(scopes=("*",))
    managed = issue_key(service, "acme", "*", attributes={"managed": True})
    outside = account.key(scopes=("*",))
    with writing():
        foreign = "00000000-0000-0000-0000-00000000000a"
        ServiceAccountRow.update(external_user_id=foreign).execute()

    tokens = [pair(everything), managed.secret, outside.secret]

    assert codes(scanner, *tokens) == [("VALID", True)] * 3


def test_a_scanner_may_report_itself(app: Flask, tenant: Tenant, issue: Issue) -> None:
    mine = issue("bob", scopes=("leaks:write",))
    client = app.test_client()
    assert isinstance(client, Client)
    client.carrying(mine.credential.public_id, mine.secret)

    assert codes(client, pair(mine)) == [("VALID", True)]
    assert client.post(LEAKS, json={"tokens": ["x"]}).status_code == 401


# -- what is unknown ----------------------------------------------------------------


def test_what_is_no_token_of_ours_is_unknown_and_the_others_count(
    scanner: Client, issue: Issue, account: Account
) -> None:
    leaked, key = issue(), account.key()
    [prefix, public_id] = key.secret[:20].split("_")
    nothing = [
        "",
        "x",
        "\0",
        "\u202e\n",
        "\u00e9" * 500,
        ":",
        ":" * 50,
        "KPAAAAAAAAAAAAAAAAAA:",
        f":{leaked.secret}",
        leaked.secret,
        leaked.credential.public_id,
        f"{leaked.credential.public_id}:{mint_keypair()[1]}",
        f"{pair(leaked)}\n",
        f" {pair(leaked)}",
        f"{pair(leaked)}:",
        ":".join(mint_keypair()),
        mint_token("ksa")[1],
        mint_token("kss")[1],
        mint_token("nix")[1],
        renew_token(prefix, public_id)[1],
        key.secret[:-1] + ("a" if key.secret[-1] != "a" else "b"),
        renew_token("kso", public_id)[1],
    ]

    assert report(scanner, *nothing) == [UNKNOWN] * len(nothing)
    assert judged(scanner, pair(leaked)) == judged(scanner, key.secret) == "VALID"
    *unknown, found = report(scanner, *nothing, pair(leaked))
    assert unknown == [UNKNOWN] * len(nothing)
    assert found["revoked"]


def test_results_come_in_order_and_what_comes_twice_is_told_twice(
    scanner: Client, issue: Issue, admin: Client
) -> None:
    one, two = issue(), issue(is_active=False)

    results = report(scanner, pair(one), "x", pair(two), pair(one), "x")

    assert results == [
        {"code": "VALID", "id": one.credential.public_id, "revoked": True},
        UNKNOWN,
        {"code": "INACTIVE", "id": two.credential.public_id, "revoked": False},
        {"code": "VALID", "id": one.credential.public_id, "revoked": True},
        UNKNOWN,
    ]
    assert len(records(admin, "credential.leak")) == 1


def test_a_hundred_at_once(scanner: Client, issue: Issue) -> None:
    leaked = [issue() for _ in range(3)]
    tokens = [pair(leaked[n % 3]) if n < 90 else str(n) for n in range(100)]

    results = report(scanner, *tokens)

    assert [one["revoked"] for one in results] == [True] * 90 + [False] * 10


# -- who may ------------------------------------------------------------------------


def test_of_a_foreign_realm_nothing_is_told_and_nothing_ends(
    tenant: Tenant, scanner: Client, issue: Issue, account: Account, service: Service
) -> None:
    bob = tenant("bob", "leaks:write")
    key, expired = account.key(), issue("alice", expires_at=LONG_AGO)
    theirs = [
        pair(issue("alice")),
        pair(issue("alice", is_active=False)),
        pair(expired),
        key.secret,
        account.session(key),
        issue_key(service, "bob").secret,
    ]
    unknown = bob.post(LEAKS, json={"tokens": [mint_token("ksa")[1]] * 6}).data

    assert bob.post(LEAKS, json={"tokens": theirs}).data == unknown
    assert codes(scanner, *theirs) == [
        ("VALID", True),
        ("INACTIVE", False),
        ("EXPIRED", True),
        ("VALID", True),
        ("VALID", True),
        ("VALID", True),
    ]


def test_in_ones_own_realm_the_scope_is_enough(tenant: Tenant, issue: Issue) -> None:
    bob = tenant("bob", "leaks:write")
    mine = issue("bob", scopes=("*",))

    assert codes(bob, pair(mine), pair(issue("alice"))) == [
        ("VALID", True),
        ("UNKNOWN", False),
    ]


def test_without_the_scope_nothing_is_told(
    tenant: Tenant, scanner: Client, issue: Issue
) -> None:
    leaked = pair(issue("bob"))
    bob = tenant("bob", "keypairs:*", "verify", "realm:any", "leaks:read")

    assert bob.post(LEAKS, json={"tokens": [leaked]}).status_code == 403
    assert judged(scanner, leaked) == "VALID"


# -- what cannot be read ------------------------------------------------------------


NO_REPORTS: list[tuple[Any, str]] = [
    ({}, "tokens"),
    ({"tokens": []}, "tokens"),
    ({"tokens": ["LEAKED"] * 101}, "tokens"),
    ({"tokens": "LEAKED"}, "tokens"),
    ({"tokens": None}, "tokens"),
    ({"tokens": {"0": "LEAKED"}}, "tokens"),
    ({"tokens": ["LEAKED", 5]}, "tokens.1"),
    ({"tokens": [None, "LEAKED"]}, "tokens.0"),
    ({"tokens": ["LEAKED", "x", ["x"]]}, "tokens.2"),
    ({"tokens": [{"token": "LEAKED"}]}, "tokens.0"),
    ({"tokens": [True]}, "tokens.0"),
    ({"tokens": ["LEAKED"], "revoke": True}, "revoke"),
]


def test_a_report_that_is_none_names_the_field_and_ends_nothing(
    scanner: Client, issue: Issue
) -> None:
    leaked = pair(issue())
    for body, field in NO_REPORTS:
        text = json.dumps(body).replace("LEAKED", leaked)

        answer = scanner.post(LEAKS, data=text, content_type="application/json")

        assert problem(answer) == (422, "about:blank"), body
        assert list(told(answer)["errors"]) == [field], body
        assert leaked not in answer.text
    assert judged(scanner, leaked) == "VALID"


# -- what is on record --------------------------------------------------------------


def test_each_end_is_on_record_with_who_has_reported_it(
    scanner: Client, admin: Client, service: Service, issue: Issue, account: Account
) -> None:
    keypair, old = issue(), account.key()
    session = account.session(account.rotate(old, 60))
    tokens = [pair(keypair), old.secret, session, "x"]
    headers = {"X-Request-ID": "the-scan"}
    answer = scanner.post(LEAKS, json={"tokens": tokens}, headers=headers)
    _, _, ended, _ = good(answer)["results"]

    leaks = records(admin, "credential.leak")
    [closed] = records(admin, "session.leak")

    header: str = scanner.environ_base["HTTP_AUTHORIZATION"]
    me = b64decode(header.removeprefix("Basic ")).decode().partition(":")[0]
    told_ = {one["credentialId"]: (one["before"], one["after"]) for one in leaks}
    assert told_ == {
        keypair.credential.public_id: ({"isActive": True}, {"isActive": False}),
        str(old.credential.id): ({"retainMinutes": 60}, {"retainMinutes": 0}),
    }
    assert closed["credentialId"] == ended["id"]
    for record in (*leaks, closed):
        assert record["actor"] == {"kind": "keypair", "id": me}
        assert (record["requestId"], record["ip"]) == ("the-scan", "127.0.0.1")
    assert service.ledger.verify().flaw is None


def test_what_ends_nothing_leaves_no_record(
    scanner: Client, admin: Client, issue: Issue
) -> None:
    before = len(told(admin.get("/v1/audit?limit=100"))["items"])
    report(scanner, "x", pair(issue(is_active=False)), mint_token("ksa")[1])

    after = told(admin.get("/v1/audit?limit=100"))["items"]

    assert [one["action"] for one in after[before:]] == ["credential.create"]


def test_whose_it_is_reads_of_it(tenant: Tenant, scanner: Client, issue: Issue) -> None:
    alice = tenant("alice", "audit:read")
    report(scanner, pair(issue("alice")))

    assert records(alice, "credential.leak")


def test_what_is_known_from_memory_is_forgotten(
    scanner: Client, service: Service, issue: Issue
) -> None:
    leaked = pair(issue())
    assert service.feed.wait_until_fresh(5)
    assert [judged(scanner, leaked) for _ in range(3)] == ["VALID"] * 3

    report(scanner, leaked)

    assert judged(scanner, leaked) == "INACTIVE"


def test_no_token_is_told_or_logged(
    scanner: Client,
    admin: Client,
    issue: Issue,
    account: Account,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    keypair, key = issue(), account.key()
    secrets = [keypair.secret, key.secret, account.session(key)]
    bodies: list[Any] = [
        {"tokens": [pair(keypair), *secrets]},
        {"tokens": [*secrets, 5]},
        {"tokens": secrets, "token": 1},
    ]

    texts = [scanner.post(LEAKS, json=body).text for body in bodies]

    texts += [admin.get("/v1/audit?limit=100").text, caplog.text]
    for text in texts:
        assert not [secret for secret in secrets if secret in text]


# -- at once ------------------------------------------------------------------------


def test_what_is_rotated_meanwhile_keeps_its_new_secret(
    scanner: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has read it before it is locked must look again."""
    old = account.key()
    unit = account.service.ledger.unit
    rotated: list[Issued] = []

    def late() -> Any:
        monkeypatch.undo()
        rotated.append(account.rotate(old, 0))
        return unit()

    monkeypatch.setattr(account.service.ledger, "unit", late)

    assert report(scanner, old.secret) == [UNKNOWN]
    assert judged(scanner, rotated[0].secret) == "VALID"


def test_what_is_deleted_meanwhile_is_unknown(
    scanner: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, other = account.key(), account.key()
    unit = account.service.ledger.unit

    def late() -> Any:
        monkeypatch.undo()
        id_ = str(key.credential.id)
        account.service.credentials.delete(CLI, Kind.API_KEY, account.owner, id_)
        return unit()

    monkeypatch.setattr(account.service.ledger, "unit", late)

    first, second = report(scanner, key.secret, other.secret)

    assert first == UNKNOWN
    assert second["revoked"]


def test_of_many_who_report_the_same_at_once_one_ends_it(
    service: Service, issue: Issue, account: Account
) -> None:
    leaked = [pair(issue()) for _ in range(4)] + [account.session(account.key())]
    draw, start = Random(5), Barrier(6)

    def report_all() -> list[str]:
        mine = draw.sample(leaked, len(leaked))
        start.wait(30)
        found = service.leaks.report(CLI, mine)
        return [token for token, leak in zip(mine, found, strict=True) if leak.revoked]

    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(report_all) for _ in range(6)]
        ended = [token for future in futures for token in future.result(60)]

    assert sorted(ended) == sorted(leaked)
    assert service.ledger.verify().flaw is None
