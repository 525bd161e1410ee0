"""Every kind of credential at the gate: whom it names, and how it refuses."""

from collections.abc import Callable
from datetime import datetime
from datetime import UTC
from typing import Any

import peewee
import pytest

from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.secrets.tokens import checksum
from keysvc.core.secrets.tokens import mint_keypair
from keysvc.core.secrets.tokens import mint_token
from keysvc.core.secrets.tokens import read_token
from keysvc.core.secrets.tokens import renew_token
from keysvc.core.service import Service
from keysvc.gate.alone import Application
from keysvc.model import Issued
from keysvc.model import KeyLogin
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.model import PasswordLogin
from keysvc.store.tables import database
from tests.gate.doors import accesskey
from tests.gate.doors import basic
from tests.gate.doors import bearer
from tests.gate.doors import Door
from tests.gate.doors import Headers
from tests.gate.doors import HOME
from tests.gate.doors import identity
from tests.gate.doors import Knock
from tests.gate.doors import pair_of
from tests.gate.doors import refusal
from tests.gate.doors import said
from tests.gate.doors import x_api_key

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
ORIGIN = Origin(HOME, "r1")

#: How each kind of credential is issued, and how it can be shown.
SHOWN: list[tuple[Callable[..., Issued], Knock]] = [
    (Door.issue, basic),
    (Door.issue_key, bearer),
    (Door.issue_key, x_api_key),
    (Door.issue_access_key, accesskey),
    (Door.issue_access_key, bearer),
    (Door.issue_access_key, x_api_key),
]
WAYS = pytest.mark.parametrize(
    ("issue", "knock"),
    SHOWN,
    ids=[f"{issue.__name__}-{knock.__name__}" for issue, knock in SHOWN],
)


# Whom it lets in.


@WAYS
def test_the_good_are_named(
    door: Door, issue: Callable[..., Issued], knock: Knock
) -> None:
    issued = issue(door, scopes=("jobs:*", "verify"))

    named = identity(door.ask(knock(issued)))

    assert named == {
        "Kind": issued.credential.kind.value,
        "Id": issued.credential.wire_id,
        "Owner": issued.credential.owner.id,
        "Owner-Kind": issued.credential.owner.kind.value,
        "Scopes": "jobs:*,verify",
    }
    # What the cache says of it is the same.
    assert identity(door.ask(knock(issued))) == named


def test_a_session_of_an_api_key_is_named(door: Door) -> None:
    issued = door.issue_key(scopes=("jobs:run",))
    login = door.service.sessions.log_in(KeyLogin(issued.secret), ORIGIN)

    for header in (
        {"Authorization": f"Bearer {login.token}"},
        {"Authorization": f"bearer {login.token}"},
        {"X-API-Key": login.token},
    ):
        assert identity(door.ask(header)) == {
            "Kind": "session",
            "Id": str(login.session.id),
            "Owner": issued.credential.owner.id,
            "Owner-Kind": "service_account",
            "Scopes": "jobs:run",
        }


def test_a_session_of_an_operator_is_named(door: Door) -> None:
    olga = door.service.operators.add(operator(), "olga", PASSWORD, ("audit:read",))
    login = door.service.sessions.log_in(PasswordLogin("olga", PASSWORD), ORIGIN)

    assert identity(door.ask({"Authorization": f"Bearer {login.token}"})) == {
        "Kind": "session",
        "Id": str(login.session.id),
        "Owner": str(olga.id),
        "Owner-Kind": "operator",
        "Scopes": "audit:read",
    }


@pytest.mark.parametrize(
    ("user", "told"),
    [
        ("älice", "%C3%A4lice"),
        ("王 小明", "%E7%8E%8B%20%E5%B0%8F%E6%98%8E"),
        ("a,b", "a%2Cb"),
        ("100%", "100%25"),
        ("bob@example.org", "bob%40example.org"),
    ],
)
def test_an_owner_of_any_language_fits_in_a_header(
    door: Door, user: str, told: str
) -> None:
    assert identity(door.ask(basic(door.issue(user))))["Owner"] == told


def test_who_holds_nothing_is_told_so(door: Door) -> None:
    assert identity(door.ask(basic(door.issue())))["Scopes"] == ""


def test_an_unknown_scheme_leaves_the_word_to_the_api_key(door: Door) -> None:
    key = x_api_key(door.issue_key())

    assert identity(door.ask(key | {"Authorization": "Negotiate abc"}))
    assert refusal(door.ask(key | {"Authorization": "Basic abc"})) == 401
    assert refusal(door.ask(key | {"Authorization": "Bearer abc"})) == 401
    assert refusal(door.ask(key | {"Authorization": "BackendAI abc"})) == 401
    assert refusal(door.ask(key | {"Authorization": "AccessKey abc"})) == 401


def test_a_head_is_answered_like_a_get(door: Door) -> None:
    good = basic(door.issue())

    assert identity(door.ask(good, method="HEAD"))
    assert door.ask(method="HEAD").status_code == 401


# Whom it refuses.


def _unknown(door: Door) -> Headers:
    return pair_of(*mint_keypair())


def _wrong(door: Door) -> Headers:
    access_key = door.issue().credential.public_id
    return pair_of(access_key, "a" * 34 + checksum(access_key + "a" * 34))


def _wrong_key(door: Door) -> Headers:
    token = read_token(door.issue_key().secret)
    assert token is not None
    _, text = renew_token(token.prefix, token.public_id)
    return {"Authorization": f"Bearer {text}"}


def _deleted(door: Door) -> Headers:
    issued = door.issue()
    credential = issued.credential
    door.service.credentials.delete(
        operator(), Kind.KEYPAIR, credential.owner, credential.public_id
    )
    return basic(issued)


def _switched_off(door: Door) -> Headers:
    issued = door.issue()
    assert door.ask(basic(issued)).status_code == 204
    credential = issued.credential
    door.service.credentials.change(
        operator(),
        Kind.KEYPAIR,
        credential.owner,
        credential.public_id,
        {"is_active": False},
    )
    return basic(issued)


def _ended(door: Door) -> Headers:
    issued = door.issue_key()
    login = door.service.sessions.log_in(KeyLogin(issued.secret), ORIGIN)
    door.service.sessions.end(operator(), str(login.session.id))
    return {"Authorization": f"Bearer {login.token}"}


def _raw(authorization: str) -> Callable[[Door], Headers]:
    return lambda door: {"Authorization": authorization}


REFUSED: dict[str, Callable[[Door], Headers]] = {
    "nobody": lambda door: {},
    "empty": _raw(""),
    "empty api key": lambda door: {"X-API-Key": ""},
    "unknown scheme": _raw("Digest username=alice"),
    "no base64": _raw("Basic %%%"),
    "no colon": _raw("Basic YWJj"),
    "no token": _raw("Bearer"),
    "garbage token": _raw("Bearer \xe9\xff\x7f"),
    "garbage key": lambda door: {"X-API-Key": "\xe9, "},
    "no signature": _raw("BackendAI"),
    "half a signature": _raw("BackendAI signMethod=HMAC-SHA256, credential=KP:"),
    "undated signature": _raw("BackendAI signMethod=HMAC-SHA256, credential=a:b"),
    "unknown": _unknown,
    "unknown key": lambda door: {"X-API-Key": mint_token("ksa")[1]},
    "unknown session": lambda door: {"X-API-Key": mint_token("kss")[1]},
    "wrong": _wrong,
    "wrong key": _wrong_key,
    "inactive": lambda door: basic(door.issue(is_active=False)),
    "no access key": lambda door: accesskey(door.issue_key()),
    "unknown access key": lambda door: {"X-API-Key": mint_token("kso")[1]},
    "inactive access key": lambda door: accesskey(
        door.issue_access_key(is_active=False)
    ),
    "inactive key": lambda door: bearer(door.issue_key(is_active=False)),
    "expired": lambda door: basic(door.issue(expires_at=LONG_AGO)),
    "deleted": _deleted,
    "switched off": _switched_off,
    "ended session": _ended,
}


def test_who_is_not_good_learns_nothing(door: Door) -> None:
    answers = {name: door.ask(who(door)) for name, who in REFUSED.items()}

    assert {name: refusal(answer) for name, answer in answers.items()} == dict.fromkeys(
        REFUSED, 401
    )
    everything = {name: said(answer) for name, answer in answers.items()}
    assert everything == dict.fromkeys(REFUSED, everything["nobody"])
    assert answers["nobody"].headers["WWW-Authenticate"] == "Bearer"


def test_scopes_and_addresses_hold_only_for_the_good(door: Door) -> None:
    for who in (_unknown, _wrong, _switched_off):
        assert refusal(door.ask(who(door), "scope=jobs:run")) == 401
    far = door.issue(allowed_ips=("203.0.113.0/24",), is_active=False)
    assert refusal(door.ask(basic(far))) == 401


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        (HOME, 204),
        (f"::ffff:{HOME}", 204),
        ("192.0.3.1", 403),
        ("::1", 403),
        ("", 403),
    ],
)
def test_an_address_that_is_not_allowed(door: Door, peer: str, status: int) -> None:
    issued = door.issue(allowed_ips=("192.0.2.0/24",))

    answer = door.ask(basic(issued), peer=peer)

    assert answer.status_code == status
    assert status == 204 or refusal(answer) == 403


# Limits.


def test_who_comes_too_often_is_told_when_to_come_again(door: Door) -> None:
    often = basic(door.issue(rate_limit=1))

    assert door.ask(often).status_code == 204
    answer = door.ask(often)

    assert refusal(answer) == 429
    assert 800 < int(answer.headers["Retry-After"]) <= 900


def test_who_may_never_come_is_told_no_moment_of_the_past(door: Door) -> None:
    answer = door.ask(basic(door.issue(rate_limit=0)))

    assert refusal(answer) == 429
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_spent_quota_does_not_come_back_by_itself(door: Door) -> None:
    few = basic(door.issue(remaining=2))

    assert [door.ask(few).status_code for _ in range(2)] == [204, 204]
    answer = door.ask(few)

    assert refusal(answer) == 429
    assert "Retry-After" not in answer.headers


def test_a_refusal_costs_nothing(door: Door) -> None:
    one = basic(door.issue(remaining=1, rate_limit=1))

    assert door.ask(one, "scope=other").status_code == 403
    assert door.ask(one).status_code == 204


# A store that is away.


def test_without_a_store_nobody_is_let_in(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = [basic(door.issue()), bearer(door.issue_key())]
    # The gate has made sure by now that the database is its own.
    door.ask()

    def away(*args: Any, **kwargs: Any) -> Any:
        raise peewee.OperationalError("password of the database")

    monkeypatch.setattr(database.obj, "execute_sql", away)
    for headers in good:
        answer = door.ask(headers)
        assert refusal(answer) == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert "password" not in answer.text
    # What no store needs to be asked about is refused as ever.
    assert refusal(door.ask()) == 401


def test_a_database_of_another_ring_lets_nobody_in(
    door: Door, config: dict[str, Any]
) -> None:
    good = basic(door.issue())
    foreign = Settings.from_mapping(config | {"KEYSVC_SECRET_KEYS": "x" * 40})
    gate = Door(door.service, Application(Service(foreign)))

    assert refusal(gate.ask(good)) == 503
