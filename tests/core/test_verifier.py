"""A secret is found good or not; and whoever guesses learns nothing from the work."""

import hmac
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from typing import Any
from uuid import UUID

import peewee
import pytest

from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.secrets import ring
from keysvc.core.secrets.tokens import checksum
from keysvc.core.secrets.tokens import mint_keypair
from keysvc.core.secrets.vault import Vault
from keysvc.core.service import Service
from keysvc.core.verification.presented import Pair
from keysvc.errors import AddressNotAllowed
from keysvc.errors import ExpiredCredential
from keysvc.errors import InactiveCredential
from keysvc.errors import Unauthenticated
from keysvc.errors import Unavailable
from keysvc.errors import UnknownCredential
from keysvc.model import Caller
from keysvc.model import Change
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store.connection import disconnect
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import database

ALICE = Owner(OwnerKind.USER, "alice")
NOON = datetime(2040, 1, 1, 12, tzinfo=UTC)
HOME = Origin("192.0.2.1", "r1")
AWAY = Origin("198.51.100.1", "r2")

Keys = tuple[str, str]


@dataclass
class House:
    """A service whose clock stands still until it is moved."""

    service: Service
    time: list[datetime]

    def issue(self, **draft: Any) -> Issued:
        return self.service.credentials.issue(
            operator(), Kind.KEYPAIR, ALICE, Draft(**draft)
        )

    def change(self, issued: Issued, change: Change) -> None:
        self.service.credentials.change(
            operator(), Kind.KEYPAIR, ALICE, issued.credential.public_id, change
        )

    def verify(self, pair: Issued | Keys, origin: Origin = HOME) -> Caller:
        if isinstance(pair, Issued):
            pair = pair.credential.public_id, pair.secret
        return self.service.verifier.admit(Pair(*pair), origin)


@pytest.fixture
def house(config: dict[str, Any]) -> Iterator[House]:
    clock = [NOON]
    service = Service(Settings.from_mapping(config), lambda: clock[0])
    service.installation.ensure_ready()
    yield House(service, clock)
    finish_all()
    disconnect()


@dataclass
class Work:
    """What a verification did: statements of SQL, lengths of what was hashed."""

    statements: list[str] = field(default_factory=list)
    digests: list[int] = field(default_factory=list)
    comparisons: list[tuple[int, int]] = field(default_factory=list)


@pytest.fixture
def work(house: House, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Return what counts the work from now on."""
    work = Work()
    execute, digest = database.obj.execute_sql, Vault.digest
    compare = hmac.compare_digest

    me = threading.current_thread()

    def count_statement(sql: str, *args: Any, **kwargs: Any) -> Any:
        # The reader of the feed has a thread of its own.
        if threading.current_thread() is me:
            work.statements.append(sql)
        return execute(sql, *args, **kwargs)

    def count_digest(vault: Vault, id_: UUID, secret: str, key_id: str) -> str:
        work.digests.append(len(secret))
        return digest(vault, id_, secret, key_id)

    def count_comparison(a: Any, b: Any) -> bool:
        work.comparisons.append((len(a), len(b)))
        return compare(a, b)

    # The first verification compiles its statement and derives its keys.
    with pytest.raises(UnknownCredential):
        house.verify(mint_keypair())
    monkeypatch.setattr(database.obj, "execute_sql", count_statement)
    monkeypatch.setattr(Vault, "digest", count_digest)
    monkeypatch.setattr(hmac, "compare_digest", count_comparison)
    return work


def wrong_secret_of(issued: Issued) -> Keys:
    """A pair whose checksum is right: only the database can tell."""
    access_key = issued.credential.public_id
    return access_key, "a" * 34 + checksum(access_key + "a" * 34)


def refused(house: House, pair: Issued | Keys, origin: Origin = HOME) -> type:
    with pytest.raises((Unauthenticated, AddressNotAllowed)) as caught:
        house.verify(pair, origin)
    return caught.type


def cases(house: House) -> dict[str, tuple[Issued | Keys, type | None]]:
    past = NOON - timedelta(days=1)
    off = house.issue(is_active=False)
    expired = house.issue(expires_at=past)
    return {
        "unknown": (mint_keypair(), UnknownCredential),
        "wrong": (wrong_secret_of(house.issue()), UnknownCredential),
        "inactive": (off, InactiveCredential),
        "expired": (expired, ExpiredCredential),
        "both": (house.issue(is_active=False, expires_at=past), InactiveCredential),
        "inactive, wrong": (wrong_secret_of(off), UnknownCredential),
        "expired, wrong": (wrong_secret_of(expired), UnknownCredential),
        "good": (house.issue(), None),
    }


def test_every_refusal_is_the_same_work(house: House, work: Work) -> None:
    asked = cases(house)
    done = {}
    for name, (pair, outcome) in asked.items():
        work.statements, work.digests, work.comparisons = [], [], []
        if name == "good":
            house.verify(pair)
        else:
            assert refused(house, pair) is outcome, name
        done[name] = work.statements, work.digests, work.comparisons

    statements, digests, comparisons = done["unknown"]
    assert len(statements) == 1
    # With nobody, or what the cache knows; then with what the row says.
    assert digests == [40, 40]
    assert comparisons == [(64, 64)] * 2
    assert done == dict.fromkeys(asked, done["unknown"])


def test_a_wrong_checksum_is_no_work_at_all(house: House, work: Work) -> None:
    issued = house.issue()
    access_key, secret = issued.credential.public_id, issued.secret
    last = "a" if secret[-1] != "a" else "b"
    work.statements, work.digests = [], []
    for pair in (
        (access_key, secret[:-1] + last),
        (access_key, secret[1:]),
        (access_key, ""),
        (access_key, "a" * 40),
        ("KPAAAAAAAAAAAAAAAAAA", "a" * 40),
        ("", ""),
        ("\0", secret),
        ("\udcff", "\udcff"),
    ):
        assert refused(house, pair) is UnknownCredential
    assert work.statements == []
    assert work.digests == []


def test_a_verification_only_reads(house: House, work: Work) -> None:
    issued = house.issue()
    work.statements = []
    house.verify(issued)
    assert [s.split()[0] for s in work.statements] == ["SELECT"]


def test_what_is_known_is_not_read_again(house: House, work: Work) -> None:
    issued = house.issue()
    end = time.monotonic() + 5
    while True:
        # Not before the feed is heard of, and has come past the issue itself.
        work.statements, work.digests = [], []
        house.verify(issued)
        if not work.statements or time.monotonic() > end:
            break
    assert work.statements == []
    assert work.digests == [40]


def test_the_caller_is_what_the_credential_is(house: House) -> None:
    issued = house.issue(
        scopes=("verify", "jobs:*"),
        allowed_ips=("192.0.2.0/24",),
        rate_limit=100,
        remaining=7,
        expires_at=NOON + timedelta(days=1),
    )
    assert house.verify(issued) == Caller(
        kind="keypair",
        id=issued.credential.public_id,
        owner=ALICE,
        scopes=("verify", "jobs:*"),
        expires_at=NOON + timedelta(days=1),
        allowed_ips=("192.0.2.0/24",),
        rate_limit=100,
        remaining=7,
        credential_id=issued.credential.id,
        origin=HOME,
    )


def test_switched_off_and_on(house: House) -> None:
    issued = house.issue()
    assert house.verify(issued).owner == ALICE
    house.change(issued, {"is_active": False})
    assert refused(house, issued) is InactiveCredential
    house.change(issued, {"is_active": True})
    assert house.verify(issued).owner == ALICE


def test_an_expiry_takes_effect_on_the_dot(house: House) -> None:
    end = NOON + timedelta(hours=1)
    issued = house.issue(expires_at=end)
    house.time[0] = end - timedelta(microseconds=1)
    assert house.verify(issued).expires_at == end
    house.time[0] = end
    assert refused(house, issued) is ExpiredCredential
    house.change(issued, {"expires_at": None})
    assert house.verify(issued).expires_at is None


def test_an_expiry_in_another_zone_is_the_same_moment(house: House) -> None:
    end = datetime.fromisoformat("2040-01-01T14:00:00+02:00")
    issued = house.issue(expires_at=end)
    house.time[0] = NOON - timedelta(seconds=1)
    assert house.verify(issued)
    house.time[0] = NOON
    assert refused(house, issued) is ExpiredCredential


def test_narrowed_scopes_hold_at_once(house: House) -> None:
    issued = house.issue(scopes=("*",))
    assert house.verify(issued).scopes == ("*",)
    house.change(issued, {"scopes": ("verify",)})
    assert house.verify(issued).scopes == ("verify",)


def test_the_deleted_are_unknown(house: House) -> None:
    issued = house.issue()
    house.service.credentials.delete(
        operator(), Kind.KEYPAIR, ALICE, issued.credential.public_id
    )
    assert refused(house, issued) is UnknownCredential


@pytest.mark.parametrize("address", ["192.0.2.1", "::ffff:192.0.2.255"])
def test_an_allowed_address_may(house: House, address: str) -> None:
    issued = house.issue(allowed_ips=("192.0.2.0/24",))
    assert house.verify(issued, Origin(address)).origin == Origin(address)


def test_another_address_may_not(house: House) -> None:
    issued = house.issue(allowed_ips=("192.0.2.0/24", "2001:db8::/32"))
    for address in ("192.0.3.1", "2001:db9::1", "::1", "", None, "garbage"):
        assert refused(house, issued, Origin(address)) is AddressNotAllowed
    house.change(issued, {"allowed_ips": ()})
    assert house.verify(issued, Origin(None)).owner == ALICE


def test_the_address_is_judged_last(house: House) -> None:
    only: dict[str, Any] = {"allowed_ips": ("192.0.2.0/24",)}
    good = house.issue(**only)
    off = house.issue(**only, is_active=False)
    expired = house.issue(**only, expires_at=NOON)

    assert refused(house, good, AWAY) is AddressNotAllowed
    assert refused(house, wrong_secret_of(good), AWAY) is UnknownCredential
    assert refused(house, off, AWAY) is InactiveCredential
    assert refused(house, expired, AWAY) is ExpiredCredential


def test_a_secret_is_its_own_keypairs_alone(house: House) -> None:
    one, two = house.issue(), house.issue()
    assert refused(house, (one.credential.public_id, two.secret)) is UnknownCredential
    lower = one.credential.public_id.lower()
    body = one.secret[:34]
    assert refused(house, (lower, body + checksum(lower + body))) is UnknownCredential


def test_a_digest_holds_in_its_own_row_alone(
    house: House, config: dict[str, Any]
) -> None:
    one, two = house.issue(), house.issue()
    vault = Vault(lambda: ring.load(Settings.from_mapping(config)))
    # The right secret and the right pepper, but the id of the other row.
    for id_, right in ((two.credential.id, False), (one.credential.id, True)):
        digest = vault.digest(id_, one.secret, vault.ring.maker)
        with database.connection_context():
            CredentialRow.update(digest=digest).where(
                CredentialRow.id == one.credential.id
            ).execute()
        if right:
            assert house.verify(one).owner == ALICE
        else:
            assert refused(house, one) is UnknownCredential


def test_without_a_digest_there_is_no_secret(house: House, work: Work) -> None:
    issued = house.issue()
    with database.connection_context():
        database.execute_sql("UPDATE keysvc_credential SET digest = ''")
    work.statements, work.digests = [], []
    assert refused(house, issued) is UnknownCredential
    assert len(work.statements) == 1
    assert work.digests == [40, 40]


def test_without_a_database_nobody_is_let_in(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = house.issue()

    def away(*args: Any, **kwargs: Any) -> Any:
        raise peewee.OperationalError("away")

    monkeypatch.setattr(database.obj, "execute_sql", away)
    with pytest.raises(Unavailable):
        house.verify(issued)


def test_a_digest_of_an_unknown_key_lets_nobody_in(house: House) -> None:
    issued = house.issue()
    with database.connection_context():
        database.execute_sql("UPDATE keysvc_credential SET digest_key = 'gone'")
    with pytest.raises(Unavailable):
        house.verify(issued)
