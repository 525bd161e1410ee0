"""``/v1/verify``: somebody asks whether what he was shown is good."""

import json
import threading
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from keysvc.commands.group import operator
from keysvc.core.secrets.tokens import checksum
from keysvc.core.secrets.tokens import mint_token
from keysvc.core.service import Service
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store.connection import reading
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import database
from tests.api.accounts import good
from tests.api.accounts import hire
from tests.api.accounts import key_login
from tests.api.accounts import log_in
from tests.api.accounts import new_account
from tests.api.accounts import new_key
from tests.api.accounts import PASSWORD
from tests.api.accounts import secret_of
from tests.api.answers import problem
from tests.api.answers import told
from tests.api.signer import signer_of
from tests.conftest import Client
from tests.conftest import Tenant

VERIFY, BATCH = "/v1/verify", "/v1/verify/batch"

UNKNOWN = {
    "valid": False,
    "code": "UNKNOWN",
    "kind": None,
    "id": None,
    "owner": None,
    "name": None,
    "scopes": [],
    "roleIds": [],
    "expiresAt": None,
    "remaining": None,
    "resetAt": None,
}

Issue = Callable[..., Issued]
Question = dict[str, Any]


@pytest.fixture
def guard(tenant: Tenant) -> Client:
    """Return a client that may verify anyone's."""
    return tenant("guard", "verify", "realm:any")


def pair(issued: Issued, **more: Any) -> Question:
    public_id = issued.credential.public_id
    return {"accessKey": public_id, "secretKey": issued.secret, **more}


def wrong(issued: Issued, **more: Any) -> Question:
    access_key, body = issued.credential.public_id, "a" * 34
    secret = body + checksum(access_key + body)
    return {"accessKey": access_key, "secretKey": secret, **more}


def ask(client: Client, question: Question) -> Any:
    return good(client.post(VERIFY, json=question))


def code(client: Client, question: Question) -> str:
    answer = ask(client, question)
    assert answer["valid"] is (answer["code"] == "VALID")
    return str(answer["code"])


def signed(
    issued: Issued, date: str, method: str = "GET", target: str = "/x", **changed: Any
) -> Question:
    headers = signer_of(issued, date).headers(method, target)
    request = {"method": method, "target": target, "headers": headers}
    return {"signed": request | changed}


@pytest.fixture
def now(service: Service) -> str:
    """Return the date of a request that is signed now."""
    return service.now().isoformat()


# -- what is said -------------------------------------------------------------------


def test_a_keypair(guard: Client, issue: Issue) -> None:
    issued = issue(name="laptop", scopes=("jobs:run",), remaining=5)
    assert ask(guard, pair(issued)) == {
        "valid": True,
        "code": "VALID",
        "kind": "keypair",
        "id": issued.credential.public_id,
        "owner": {"kind": "user", "id": "alice"},
        "name": issued.credential.name,
        "scopes": ["jobs:run"],
        "roleIds": [],
        "expiresAt": None,
        "remaining": 4,
        "resetAt": None,
    }


def test_an_api_key_and_its_session(guard: Client, admin: Client) -> None:
    account = new_account(admin)
    key = new_key(admin, account)
    for token, kind in (
        (secret_of(key), "api_key"),
        (key_login(admin, secret_of(key)), "session"),
    ):
        answer = ask(guard, {"token": token})
        assert (answer["code"], answer["kind"]) == ("VALID", kind)
        assert answer["owner"] == {"kind": "service_account", "id": account["id"]}
        assert (answer["id"] == key["id"]) is (kind == "api_key")
        assert (answer["expiresAt"] is None) is (kind == "api_key")


def test_a_session_of_an_operator(
    guard: Client, stranger: Client, service: Service
) -> None:
    olga = hire(service, "olga", "audit:read")
    login = good(log_in(stranger, username="olga", password=PASSWORD))
    answer = ask(guard, {"token": login["access_token"]})
    assert (answer["code"], answer["kind"]) == ("VALID", "session")
    assert answer["owner"] == {"kind": "operator", "id": str(olga.id)}
    assert answer["scopes"] == ["audit:read"]


def test_a_signed_request(guard: Client, issue: Issue, now: str) -> None:
    issued = issue()
    assert code(guard, signed(issued, now)) == "VALID"
    assert code(guard, signed(issued, now, target="/y")) == "VALID"
    tampered = signed(issued, now)
    tampered["signed"]["target"] = "/z"
    assert ask(guard, tampered) == UNKNOWN


def test_a_signed_request_with_a_body(guard: Client, issue: Issue, now: str) -> None:
    issued, body = issue(), b'{"a": 1}'
    signer = signer_of(issued, now).but(body_counts=True, version="v3.20170101")
    request = {"method": "POST", "target": "/x"}
    headers = signer.headers("POST", "/x", body)
    other = b64encode(b'{"a": 2}').decode()
    refused = {"signed": {**request, "headers": headers, "body": other}}
    assert ask(guard, refused) == UNKNOWN
    right = b64encode(body).decode()
    asked = {"signed": {**request, "headers": headers, "body": right}}
    assert code(guard, asked) == "VALID"
    assert code(guard, asked) == "REPLAYED"


def test_every_code(guard: Client, issue: Issue, now: str) -> None:
    here = {"allowed_ips": ("192.0.2.0/24", "2001:db8::/32")}
    past = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
    limited, spent = issue(rate_limit=1), issue(remaining=2)
    once = signed(issue(), now, "DELETE")
    for question, said in [
        (pair(issue(scopes=("jobs:*",)), scopes=["jobs:run"]), "VALID"),
        (wrong(issue()), "UNKNOWN"),
        (pair(issue(is_active=False)), "INACTIVE"),
        (pair(issue(expires_at=past)), "EXPIRED"),
        (pair(issue(scopes=("jobs:run",)), scopes=["jobs:run", "x"]), "FORBIDDEN"),
        (pair(issue(**here)), "IP_NOT_ALLOWED"),
        (pair(issue(**here), ip=None), "IP_NOT_ALLOWED"),
        (pair(issue(**here), ip="192.0.3.1"), "IP_NOT_ALLOWED"),
        (pair(issue(**here), ip="2001:db9::1"), "IP_NOT_ALLOWED"),
        (pair(issue(**here), ip="192.0.2.1"), "VALID"),
        (pair(issue(**here), ip="::ffff:192.0.2.1"), "VALID"),
        (pair(issue(**here), ip="2001:db8::1"), "VALID"),
        (pair(limited), "VALID"),
        (pair(limited), "RATE_LIMITED"),
        (pair(spent, cost=3), "QUOTA_EXCEEDED"),
        (pair(spent, cost=2), "VALID"),
        (pair(spent), "QUOTA_EXCEEDED"),
        (pair(spent, cost=0), "VALID"),
        (once, "VALID"),
        (once, "REPLAYED"),
    ]:
        assert code(guard, question) == said, (question, said)


def test_a_refusal_of_the_proven_tells_who_it_was(guard: Client, issue: Issue) -> None:
    issued = issue(is_active=False, scopes=("a", "b"), remaining=7)
    answer = ask(guard, pair(issued))
    assert (answer["valid"], answer["code"]) == (False, "INACTIVE")
    assert answer["id"] == issued.credential.public_id
    assert answer["owner"] == {"kind": "user", "id": "alice"}


def test_a_rate_that_is_used_up_says_when(guard: Client, issue: Issue) -> None:
    limited = pair(issue(rate_limit=1))
    let, refused = ask(guard, limited), ask(guard, limited)
    assert let["resetAt"] and refused["resetAt"]
    assert refused["code"] == "RATE_LIMITED"


# -- what is not said ---------------------------------------------------------------


def test_without_the_secret_nothing_is_said(guard: Client, issue: Issue) -> None:
    for draft in ({}, {"is_active": False}, {"rate_limit": 0}, {"remaining": 0}):
        assert ask(guard, wrong(issue(**draft), scopes=["x"])) == UNKNOWN


def test_a_foreign_credential_is_an_unknown_one_to_the_letter(
    app: Flask, admin: Client, tenant: Tenant, issue: Issue, now: str
) -> None:
    mine = tenant("bob", "verify")
    account = new_account(admin)
    key = secret_of(new_key(admin, account))
    foreign = issue(user="alice")
    token, nobodys = mint_token("ksa")
    assert token
    unknown = mine.post(VERIFY, json={"token": nobodys}).data
    assert json.loads(unknown) == UNKNOWN
    for question in (
        pair(foreign),
        wrong(foreign),
        pair(issue(user="alice", is_active=False)),
        pair(issue(user="alice", rate_limit=0)),
        signed(foreign, now),
        {"token": key},
        {"token": key_login(admin, key)},
        {"token": "nonsense"},
        {"token": ""},
        {"accessKey": "", "secretKey": ""},
    ):
        # Twice: what is known by then is told no sooner.
        for _ in range(2):
            assert mine.post(VERIFY, json=question).data == unknown, question
    assert code(mine, pair(issue(user="bob"))) == "VALID"


def test_a_foreign_question_uses_nothing_up(
    guard: Client, tenant: Tenant, issue: Issue, now: str
) -> None:
    bob = tenant("bob", "verify")
    limited, once = issue(rate_limit=1, remaining=1), signed(issue(), now, "POST")
    for question in (pair(limited), once):
        assert ask(bob, question) == UNKNOWN
        assert code(guard, question) == "VALID"


def test_who_asks_must_be_allowed_to(
    stranger: Client, tenant: Tenant, issue: Issue
) -> None:
    question = pair(issue())
    for path, body in ((VERIFY, question), (BATCH, {"questions": [question]})):
        refused = stranger.post(path, json=body)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        assert tenant("bob", "keypairs:*").post(path, json=body).status_code == 403


# -- malformed questions ------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({}, "body"),
        ({"ip": "192.0.2.1"}, "body"),
        ({"accessKey": "a"}, "body"),
        ({"secretKey": "a"}, "body"),
        ({"token": "a", "accessKey": "a", "secretKey": "b"}, "body"),
        ({"token": "a", "signed": {}}, "signed.method"),
        ({"token": None}, "token"),
        ({"token": 5}, "token"),
        ({"token": "a" * 513}, "token"),
        ({"token": "a\n"}, "token"),
        ({"accessKey": ["a"], "secretKey": "b"}, "accessKey"),
        ({"token": "a", "scopes": "jobs"}, "scopes"),
        ({"token": "a", "scopes": ["Jobs"]}, "scopes.0"),
        ({"token": "a", "scopes": [f"s{n}" for n in range(101)]}, "scopes"),
        ({"token": "a", "ip": "nowhere"}, "ip"),
        ({"token": "a", "ip": "192.0.2.0/24"}, "ip"),
        ({"token": "a", "ip": 5}, "ip"),
        ({"token": "a", "cost": -1}, "cost"),
        ({"token": "a", "cost": 1_000_001}, "cost"),
        ({"token": "a", "cost": 1.5}, "cost"),
        ({"token": "a", "cost": True}, "cost"),
        ({"token": "a", "cost": "1"}, "cost"),
        ({"token": "a", "cost": None}, "cost"),
        ({"token": "a", "more": 1}, "more"),
        ({"signed": {"method": "GET", "target": "/"}}, "signed.headers"),
        ({"signed": {"method": "GET", "target": "/", "headers": {}}}, "signed"),
        (
            {"signed": {"method": "G", "target": "/", "headers": {}, "body": "?"}},
            "signed.body",
        ),
    ],
)
def test_a_malformed_question_names_its_field(
    guard: Client, question: Question, field: str
) -> None:
    answer = guard.post(VERIFY, json=question)
    assert problem(answer)[0] == 422
    assert field in told(answer)["errors"]

    among = {"questions": [{"token": "a"}, question]}
    answer = guard.post(BATCH, json=among)
    assert problem(answer)[0] == 422
    path = "questions.1" if field == "body" else f"questions.1.{field}"
    assert path in told(answer)["errors"]


@pytest.mark.parametrize(
    "changed",
    [
        {"Date": "yesterday"},
        {"Date": ""},
        {"X-BackendAI-Version": "6"},
        {"X-BackendAI-Version": ""},
        {"Authorization": "BackendAI credential=x"},
        {"Authorization": "Basic x"},
    ],
)
def test_a_malformed_signature_names_it_and_uses_nothing_up(
    guard: Client, issue: Issue, now: str, changed: dict[str, str]
) -> None:
    issued = issue(remaining=1)
    bad = signed(issued, now)
    bad["signed"]["headers"] |= changed
    assert told(guard.post(VERIFY, json=bad))["errors"].keys() == {"signed"}
    answer = guard.post(BATCH, json={"questions": [pair(issued), bad]})
    assert problem(answer)[0] == 422
    assert told(answer)["errors"].keys() == {"questions.1.signed"}
    assert ask(guard, pair(issued))["remaining"] == 0


# -- batches ------------------------------------------------------------------------


def batch(client: Client, *questions: Question) -> list[Any]:
    answers = good(client.post(BATCH, json={"questions": [*questions]}))["answers"]
    assert isinstance(answers, list) and len(answers) == len(questions)
    return answers


@pytest.mark.parametrize("count", [0, 101])
def test_a_batch_has_1_to_100_questions(guard: Client, count: int) -> None:
    answer = guard.post(BATCH, json={"questions": [{"token": "a"}] * count})
    assert problem(answer)[0] == 422
    assert "questions" in told(answer)["errors"]


def test_answers_come_in_the_order_of_questions(
    guard: Client, admin: Client, issue: Issue, now: str
) -> None:
    account = new_account(admin)
    key = new_key(admin, account)
    kept, off = issue(), issue(is_active=False)
    once = signed(issue(), now, "POST")
    questions = [
        wrong(kept),
        pair(kept),
        {"token": key_login(admin, secret_of(key))},
        {"token": "nonsense"},
        pair(off),
        {"token": secret_of(key)},
        once,
        once,
        pair(kept, scopes=["x"]),
        signed(kept, now),
    ]
    expected = ["UNKNOWN", "VALID", "VALID", "UNKNOWN", "INACTIVE", "VALID"]
    expected += ["VALID", "REPLAYED", "FORBIDDEN", "VALID"]
    answers = batch(guard, *questions)
    assert [answer["code"] for answer in answers] == expected
    assert [answer["kind"] for answer in answers[1:6]] == [
        "keypair",
        "session",
        None,
        "keypair",
        "api_key",
    ]


def test_a_batch_of_a_hundred(guard: Client, issue: Issue) -> None:
    made = [issue() for _ in range(3)]
    questions = [pair(made[n % 3]) for n in range(100)]
    answers = batch(guard, *questions)
    assert [a["id"] for a in answers] == [q["accessKey"] for q in questions]


def test_a_batch_takes_each_of_its_uses(guard: Client, issue: Issue) -> None:
    limited, spent = issue(rate_limit=3), issue(remaining=5)
    codes = [a["code"] for a in batch(guard, *[pair(limited)] * 5)]
    assert codes == ["VALID"] * 3 + ["RATE_LIMITED"] * 2
    left = [a["remaining"] for a in batch(guard, *[pair(spent, cost=2)] * 3)]
    assert left == [3, 1, 1]


def test_what_is_not_known_is_looked_up_at_once(
    guard: Client, admin: Client, issue: Issue, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = key_login(admin, secret_of(new_key(admin, new_account(admin))))
    questions = [*(pair(issue()) for _ in range(5)), wrong(issue()), {"token": session}]
    batch(guard, questions[0])
    asked: list[str] = []
    execute, me = database.obj.execute_sql, threading.current_thread()

    def count(sql: str, *args: Any, **kwargs: Any) -> Any:
        if threading.current_thread() is me:
            asked.append(sql)
        return execute(sql, *args, **kwargs)

    ask(guard, questions[1])
    monkeypatch.setattr(database.obj, "execute_sql", count)
    batch(guard, *questions)
    looked_up = [sql for sql in asked if "keysvc_session" in sql]
    assert len(looked_up) == 1
    # The other one, if any, is the caller's own.
    assert len(asked) <= 2
    assert all(sql.startswith(("SELECT", "(SELECT")) for sql in asked)


def test_a_verification_is_counted_once(
    guard: Client, issue: Issue, service: Service
) -> None:
    issued = issue()
    ask(guard, pair(issued))
    batch(guard, pair(issued), pair(issued), wrong(issued))
    service.counters.flush()
    with reading():
        row = CredentialRow.get(CredentialRow.id == issued.credential.id)
    assert row.total_queries == 3


def test_no_secret_is_told_or_logged(
    guard: Client, issue: Issue, now: str, caplog: pytest.LogCaptureFixture
) -> None:
    issued = issue()
    caplog.set_level("DEBUG")
    question = signed(issued, now)
    signature = question["signed"]["headers"]["Authorization"].rpartition(":")[2]
    texts = [guard.post(VERIFY, json=q).text for q in (pair(issued), question)]
    texts += [guard.post(VERIFY, json=pair(issued, cost=-1)).text]
    for text in (*texts, caplog.text):
        assert issued.secret not in text and signature not in text


def test_owners_of_other_kinds_are_realms_too(
    admin: Client, app: Flask, service: Service, issue: Issue
) -> None:
    account = new_account(admin, "watch")
    owner = Owner(OwnerKind.SERVICE_ACCOUNT, account["id"])
    key = service.credentials.issue(
        operator(), Kind.API_KEY, owner, Draft(name="k", scopes=("verify",))
    )
    client = app.test_client()
    assert isinstance(client, Client)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key.secret}"
    assert code(client, {"token": key.secret}) == "VALID"
    assert ask(client, pair(issue())) == UNKNOWN
