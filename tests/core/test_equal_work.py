"""Whoever is refused learns nothing from the work; whoever is let in writes nothing."""

import hmac
import threading
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from functools import partial
from typing import Any

import pytest

from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.secrets.tokens import checksum
from keysvc.core.secrets.tokens import mint_keypair
from keysvc.core.secrets.tokens import mint_token
from keysvc.core.secrets.vault import Vault
from keysvc.core.service import Service
from keysvc.core.verification import signing
from keysvc.core.verification.presented import Pair
from keysvc.core.verification.presented import Presented
from keysvc.core.verification.presented import Token
from keysvc.core.verification.signing import Signed
from keysvc.model import AccountDraft
from keysvc.model import Code
from keysvc.model import Demands
from keysvc.model import Draft
from keysvc.model import Head
from keysvc.model import Issued
from keysvc.model import KeyLogin
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store import lookup
from keysvc.store.connection import disconnect
from keysvc.store.connection import reading
from keysvc.store.tables import database

ALICE, BOB = Owner(OwnerKind.USER, "alice"), Owner(OwnerKind.USER, "bob")
NOON = datetime(2040, 1, 1, 12, tzinfo=UTC)
PAST = NOON - timedelta(days=1)


class Work:
    """What verifications have cost: statements, HMACs under a pepper, opened seals."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.said: object = None
        me = threading.current_thread()

        def counted(name: Callable[..., str], real: Any) -> Any:
            def count(*args: Any, **kwargs: Any) -> Any:
                # The reader of the feed has a thread, and a connection, of its own.
                if threading.current_thread() is me:
                    self.done.append(name(*args))
                return real(*args, **kwargs)

            return count

        def statement(sql: str, *args: Any) -> str:
            return f"{sql.lstrip('(').split()[0]}"

        for owner, name, told in (
            (database.obj, "execute_sql", statement),
            (Vault, "digest", lambda *args: f"HMAC of {len(args[2])}"),
            (Vault, "unseal", lambda *args: "unsealed"),
            (signing, "sign", lambda *args: "signed"),
        ):
            monkeypatch.setattr(owner, name, counted(told, getattr(owner, name)))
        real = hmac.compare_digest
        compared = counted(lambda a, b: f"compared {len(a)} with {len(b)}", real)
        monkeypatch.setattr(hmac, "compare_digest", compared)

    def of(self, ask: Callable[[], object]) -> list[str]:
        self.done = []
        self.said = ask()
        return [*self.done]


@dataclass
class House:
    """A service whose clock stands still; its feed is heard of when a test says so."""

    service: Service
    account: Owner = field(init=False)
    position: Head = Head(10**9, "f" * 64)
    issued: int = 0

    def __post_init__(self) -> None:
        draft = AccountDraft(name="ci")
        self.account = self.service.accounts.create(operator(), draft).owner

    def issue(self, kind: Kind, **draft: Any) -> Issued:
        owner = ALICE if kind is Kind.KEYPAIR else self.account
        self.issued += 1
        name = f"k{self.issued}"
        return self.service.credentials.issue(
            operator(), kind, owner, Draft(name=name, **draft)
        )

    def judge(self, presented: Presented, **demands: Any) -> Code:
        return self.service.verifier.judge(presented, Demands(**demands)).code

    def know(self, *public_ids: str) -> None:
        """Let the cache know these as they are in the database, good or not."""
        cache = self.service.verifier._cache
        cache.advance(self.position, None)
        for public_id in public_ids:
            found = lookup.find(public_id) or lookup.find_session(public_id)
            assert found is not None
            cache.keep(found, self.position)
        # Far from now, so that no test is too slow for it.
        cache.confirm(float("inf"))


@pytest.fixture
def house(config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    service = Service(Settings.from_mapping(config), lambda: NOON)
    service.installation.ensure_ready()
    # What the cache knows is for the test to say.
    monkeypatch.setattr(service.feed, "start", lambda: None)
    yield House(service)
    finish_all()
    disconnect()


Cases = dict[str, tuple[Presented, dict[str, Any], Code]]


def of_keypairs(house: House) -> Cases:
    def pair(issued: Issued) -> Pair:
        return Pair(issued.credential.public_id, issued.secret)

    def wrong(issued: Issued) -> Pair:
        access_key, body = issued.credential.public_id, "a" * 34
        return Pair(access_key, body + checksum(access_key + body))

    return cases(house, Kind.KEYPAIR, Pair(*mint_keypair()), pair, wrong)


def of_api_keys(house: House) -> Cases:
    return cases(
        house,
        Kind.API_KEY,
        Token(mint_token("ksa")[1]),
        lambda issued: Token(issued.secret),
        lambda issued: wrong_token(issued.secret),
    )


def wrong_token(text: str) -> Token:
    prefix_and_id = text[: text.index("_") + 17]
    body = prefix_and_id + "a" * 32
    return Token(body + checksum(body))


def of_signatures(house: House) -> Cases:
    def sign(issued: Issued) -> Signed:
        unsigned = request(issued.credential.public_id)
        signature = signing.sign(issued.secret, unsigned, NOON)
        return unsigned._replace(signature=signature)

    return cases(
        house,
        Kind.KEYPAIR,
        request(mint_keypair()[0]),
        sign,
        lambda issued: request(issued.credential.public_id),
    )


def request(access_key: str) -> Signed:
    return Signed(
        access_key=access_key,
        signature="0" * 64,
        method="GET",
        effective="GET",
        target="/x",
        date=NOON.isoformat(),
        host="localhost",
        content_type="application/json",
        version="v6.20220315",
        version_line="x-backendai-version",
        body=b"",
    )


def cases(
    house: House,
    kind: Kind,
    unknown: Presented,
    right: Callable[[Issued], Presented],
    wrong: Callable[[Issued], Presented],
) -> Cases:
    kept = house.issue(kind)
    off, expired = (
        house.issue(kind, is_active=False),
        house.issue(kind, expires_at=PAST),
    )
    return {
        "unknown": (unknown, {}, Code.UNKNOWN),
        "wrong": (wrong(kept), {}, Code.UNKNOWN),
        "inactive": (right(off), {}, Code.INACTIVE),
        "expired": (right(expired), {}, Code.EXPIRED),
        "inactive, wrong": (wrong(off), {}, Code.UNKNOWN),
        "expired, wrong": (wrong(expired), {}, Code.UNKNOWN),
        "foreign": (right(kept), {"realm": BOB}, Code.UNKNOWN),
        "foreign, off": (right(off), {"realm": BOB}, Code.UNKNOWN),
        "lacking a scope": (right(kept), {"scopes": ("x",)}, Code.FORBIDDEN),
    }


def of_sessions(house: House) -> Cases:
    def log_in() -> tuple[Token, Issued]:
        issued = house.issue(Kind.API_KEY)
        login = KeyLogin(issued.secret)
        return Token(house.service.sessions.log_in(login, Origin()).token), issued

    def change(issued: Issued, change: Any) -> None:
        house.service.credentials.change(
            operator(), Kind.API_KEY, house.account, str(issued.credential.id), change
        )

    (kept, _), (off, switched), (expired, ended) = log_in(), log_in(), log_in()
    rotated, renewed = log_in()
    change(switched, {"is_active": False})
    change(ended, {"expires_at": PAST})
    id_ = str(renewed.credential.id)
    house.service.credentials.rotate(
        operator(), Kind.API_KEY, house.account, id_, retain_minutes=0
    )
    return {
        "unknown": (Token(mint_token("kss")[1]), {}, Code.UNKNOWN),
        "wrong": (wrong_token(kept.text), {}, Code.UNKNOWN),
        "parent inactive": (off, {}, Code.INACTIVE),
        "parent expired": (expired, {}, Code.EXPIRED),
        "parent inactive, wrong": (wrong_token(off.text), {}, Code.UNKNOWN),
        "parent rotated": (rotated, {}, Code.UNKNOWN),
        "foreign": (kept, {"realm": BOB}, Code.UNKNOWN),
        "lacking a scope": (kept, {"scopes": ("x",)}, Code.FORBIDDEN),
    }


def public_ids(asked: Cases) -> set[str]:
    """Return the public ids of all that there is of those who are asked of."""
    found = set()
    for presented, _, _ in asked.values():
        match presented:
            case Token(text):
                found.add(text[text.index("_") + 1 :][:16])
            case Pair(access_key):
                found.add(access_key)
            case Signed(access_key=access_key):
                found.add(access_key)
    return found


ONCE = {
    "keypairs": ["HMAC of 40", "compared 64 with 64"],
    "API keys": ["HMAC of 32", "compared 64 with 64"],
    "sessions": ["HMAC of 32", "compared 64 with 64"],
    # Within the seal lies the id, which is compared too.
    "signatures": ["unsealed", "compared 16 with 16", "signed", "compared 64 with 64"],
}
FAMILIES = {
    "keypairs": of_keypairs,
    "API keys": of_api_keys,
    "sessions": of_sessions,
    "signatures": of_signatures,
}


@pytest.mark.parametrize("knows", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_refusal_is_the_same_work(
    house: House, monkeypatch: pytest.MonkeyPatch, family: str, knows: bool
) -> None:
    asked = FAMILIES[family](house)
    with reading():
        there = [*lookup.find_all([*public_ids(asked)])]
    house.know(*(there if knows else ()))
    for presented, demands, _ in asked.values():
        # The first time statements are compiled and keys derived.
        house.judge(presented, **demands)
    work = Work(monkeypatch)

    done = {}
    for name, (presented, demands, code) in asked.items():
        house.know(*(there if knows else ()))
        done[name] = work.of(partial(house.judge, presented, **demands))
        assert work.said is code, name

    once = ONCE[family]
    assert done == dict.fromkeys(asked, [*once, "SELECT", *once])


# -- what is written ----------------------------------------------------------------


def used(house: House, issued: Issued, method: str | None = None) -> Presented:
    if method is None:
        return Pair(issued.credential.public_id, issued.secret)
    unsigned = request(issued.credential.public_id)
    unsigned = unsigned._replace(method=method, effective=method)
    return unsigned._replace(signature=signing.sign(issued.secret, unsigned, NOON))


@pytest.mark.parametrize("knows", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize(
    ("draft", "method", "written"),
    [
        ({}, None, []),
        ({}, "GET", []),
        ({}, "REPORT", []),
        ({}, "POST", ["INSERT"]),
        ({"rate_limit": 9}, None, ["INSERT"]),
        ({"remaining": 9}, None, ["UPDATE"]),
        ({"rate_limit": 9, "remaining": 9}, "GET", ["INSERT", "UPDATE"]),
        ({"rate_limit": 9}, "DELETE", ["INSERT", "INSERT"]),
        ({"allowed_ips": ("192.0.2.0/24",)}, None, []),
        ({"expires_at": NOON + timedelta(days=1)}, None, []),
    ],
    ids=str,
)
def test_nothing_is_written_but_limits_quotas_and_signatures(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    knows: bool,
    draft: dict[str, Any],
    method: str | None,
    written: list[str],
) -> None:
    issued = house.issue(Kind.KEYPAIR, **draft)
    limited = issued.credential.rate_limit or issued.credential.remaining
    house.know(*([issued.credential.public_id] if knows and not limited else ()))
    presented = used(house, issued, method)
    work = Work(monkeypatch)

    def ask() -> None:
        assert house.judge(presented, address="192.0.2.1") is Code.VALID

    done = [word for word in work.of(ask) if word in {"INSERT", "UPDATE", "DELETE"}]
    assert done == written


def test_a_wrong_secret_writes_nothing_of_a_limit(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = house.issue(Kind.KEYPAIR, rate_limit=1, remaining=1)
    work = Work(monkeypatch)
    presented = request(issued.credential.public_id)._replace(effective="POST")
    done = work.of(lambda: house.judge(presented))
    assert "SELECT" in done
    assert not {"INSERT", "UPDATE", "DELETE", "BEGIN"} & {*done}
