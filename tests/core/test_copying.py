"""A copy is the same to the last digit, on either engine, and works like the first."""

import os
import signal
import stat
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from keysvc import create_app
from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.clock import utcnow
from keysvc.core.lifecycle.idempotency import Once
from keysvc.core.moving.copying import Copying
from keysvc.core.moving.copying import copying
from keysvc.core.service import Service
from keysvc.core.verification.presented import Pair
from keysvc.core.verification.presented import Token
from keysvc.errors import Conflict
from keysvc.errors import Misconfigured
from keysvc.errors import Unavailable
from keysvc.model import AccountDraft
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import PasswordLogin
from keysvc.store import rates
from keysvc.store import replay
from keysvc.store import transfer
from keysvc.store.connection import disconnect
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.tables import AuditRow
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import RateRow
from keysvc.store.tables import TABLES
from tests import databases
from tests.api.signer import signer_of
from tests.conftest import Client
from tests.store.processes import apart

CLI = operator()
ALICE = Owner(OwnerKind.USER, "alice")
BIRD = Owner(OwnerKind.ORGANIZATION, "b1f4a7d2-9c1e-4b7a-8f00-3f1d7c2a9e55")
HERS = PasswordLogin("ann", "a password of hers")
ONCE = Once("a key of the client's", "h" * 64)


@dataclass
class House:
    """What was issued, before the database moved."""

    settings: Settings
    keypair: Issued
    old: Issued
    new: Issued
    access_key: Issued
    session: str
    repeated: Issued
    signed: tuple[dict[str, str], str]


def at(settings: Settings, url: str) -> Service:
    """Return a service over the database at *url*, as in a process of its own."""
    finish_all()
    disconnect()
    return Service(
        Settings.from_mapping({**settings.environment(), "KEYSVC_DATABASE_URL": url})
    )


def ask(house: House, url: str, headers: dict[str, str], path: str) -> int:
    """Return how a DELETE is answered by an application over the database at *url*."""
    finish_all()
    disconnect()
    app = create_app({**house.settings.environment(), "KEYSVC_DATABASE_URL": url})
    app.test_client_class = Client
    return app.test_client().delete(path, headers=headers).status_code


@pytest.fixture
def house(config: dict[str, Any]) -> Iterator[House]:
    """Make one of everything, keys that were replaced among them; then leave."""
    del config["KEYSVC_SECRET_KEYS"]
    settings = Settings.from_mapping(config)
    service = Service(settings)
    service.installation.prepare()
    yield build(service, settings)
    finish_all()
    disconnect()


def build(service: Service, settings: Settings) -> House:
    def issue(kind: Kind, owner: Owner, **draft: Any) -> Issued:
        return service.credentials.issue(CLI, kind, owner, Draft(**draft))

    first = issue(Kind.KEYPAIR, ALICE, name="of the first ring key")
    service.credentials.delete(CLI, Kind.KEYPAIR, ALICE, first.credential.public_id)
    service.retention.purge(CLI, utcnow())
    (oldest,) = (state.key_id for state in service.rekeying.states())
    service.rekeying.rotate(CLI)
    service.rekeying.drop(CLI, oldest)
    keypair = issue(
        Kind.KEYPAIR,
        ALICE,
        name="é 鍵 🔑",
        description='"quoted" \\ %s ?\n',
        scopes=("*",),
        allowed_ips=("192.0.2.0/24", "127.0.0.1"),
        rate_limit=2**40,
        remaining=2**62,
        expires_at=datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    )
    account = service.accounts.create(CLI, AccountDraft(name="robot", full_name="R"))
    old = issue(Kind.API_KEY, account.owner, name="k", scopes=("verify",))
    new = service.credentials.rotate(CLI, Kind.API_KEY, account.owner, "k", 600)
    service.credentials.change(
        CLI, Kind.KEYPAIR, ALICE, keypair.credential.public_id, {"description": "d\t"}
    )
    repeated = service.credentials.issue(CLI, Kind.KEYPAIR, ALICE, Draft(), ONCE)
    service.operators.add(CLI, HERS.name, HERS.password, ("audit:read",))
    login = service.sessions.log_in(HERS, Origin())
    path = "/v2/admin/keypairs/alice/KPAAAAAAAAAAAAAAAAAA"
    signer = signer_of(keypair, format_datetime(utcnow(), usegmt=True))
    headers = signer.headers("DELETE", path)
    made = House(
        settings,
        keypair,
        old,
        new,
        issue(Kind.ACCESS_KEY, BIRD, name="bird", is_active=True),
        login.token,
        repeated,
        (headers, path),
    )
    assert ask(made, settings.database, headers, path) == 404
    assert ask(made, settings.database, headers, path) == 401, "it is used up"
    with writing():
        rates.take("somebody", 1_900_000_000.1234567, rates.pace(7, 900))
    finish_all()
    disconnect()
    return made


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return where a database may be made, of either engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'moved.db'}"
        return
    with databases.fresh(request.getfixturevalue("postgres")) as url:
        yield url
        finish_all()
        disconnect()


def move(settings: Settings, target: str) -> Copying:
    """Copy all, as the command does."""
    with copying(settings, settings.database, target) as under_way:
        total = under_way.total
        assert sum(under_way.bring()) == total
        assert sum(under_way.prove()) == total
        return under_way


def content(settings: Settings, url: str) -> dict[str, list[Any]]:
    """Return all that a database holds, as the models read it."""
    at(settings, url)
    with reading():
        return {
            table._meta.table_name: sorted(table.select().tuples(), key=repr)
            for table in TABLES
        }


def test_everything_is_the_same_and_works(
    house: House, target: str, tmp_path: Path
) -> None:
    source = house.settings.database
    before = content(house.settings, source)
    assert all(before.values()), "an empty table proves nothing"

    moved = move(house.settings, target)

    for file in tmp_path.glob("moved.db"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert moved.good == at(house.settings, source).ledger.verify().good > 5
    assert content(house.settings, target) == before
    assert content(house.settings, source) == before
    # Used up there is used up here.
    assert ask(house, target, *house.signed) == 401
    works(at(house.settings, target), house)


def works(service: Service, house: House) -> None:
    service.ensure_ready()
    here = Origin("127.0.0.1")
    pair = Pair(house.keypair.credential.public_id, house.keypair.secret)
    assert service.verifier.admit(pair, here).remaining
    for token in (house.old.secret, house.new.secret, house.access_key.secret):
        service.verifier.admit(Token(token), here)
    assert service.verifier.admit(Token(house.session), here).scopes == ("audit:read",)
    service.sessions.log_in(HERS, here)
    again = service.credentials.issue(CLI, Kind.KEYPAIR, ALICE, Draft(), ONCE)
    assert again.secret == house.repeated.secret
    owner = house.new.credential.owner
    newest = service.credentials.rotate(CLI, Kind.API_KEY, owner, "k", 0)
    service.verifier.admit(Token(newest.secret), here)
    fresh = service.credentials.issue(CLI, Kind.KEYPAIR, ALICE, Draft())
    service.verifier.admit(Pair(fresh.credential.public_id, fresh.secret), here)
    service.rekeying.rotate(CLI)
    assert service.rekeying.reseal(CLI) >= 3
    service.verifier.admit(pair, here)
    assert service.ledger.verify().flaw is None
    assert service.ledger.verify().purged == 2
    service.check()


def many(settings: Settings, count: int = 12) -> None:
    """Add more, so that there are several batches."""
    service = at(settings, settings.database)
    for number in range(count):
        service.credentials.issue(CLI, Kind.KEYPAIR, ALICE, Draft(name=f"{number}"))
    finish_all()
    disconnect()


on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
across = pytest.mark.parametrize(
    ("engine", "target"),
    [("sqlite", "postgres"), ("postgres", "sqlite")],
    indirect=True,
)


@across
@pytest.mark.parametrize("batches", [0, 9, "prove"])
def test_killed_anywhere_it_goes_on(
    house: House, target: str, monkeypatch: pytest.MonkeyPatch, batches: int | str
) -> None:
    many(house.settings)
    ended = apart(_move_and_die, house.settings.environment(), target, batches)
    assert ended == -signal.SIGKILL
    with pytest.raises(Unavailable, match="not complete"):
        at(house.settings, target).installation.ensure_ready()
    with pytest.raises(Unavailable, match="not complete"):
        at(house.settings, target).installation.prepare()

    move(house.settings, target)

    source = house.settings.database
    assert content(house.settings, target) == content(house.settings, source)
    at(house.settings, target).installation.ensure_ready()


def _move_and_die(environment: dict[str, str], target: str, batches: int | str) -> None:
    transfer.BATCH = 3
    settings = Settings.from_mapping(environment)
    with copying(settings, settings.database, target) as under_way:
        for number, _ in enumerate(under_way.bring()):
            if number == batches:
                os.kill(os.getpid(), signal.SIGKILL)
        next(under_way.prove())
        os.kill(os.getpid(), signal.SIGKILL)


@across
def test_what_is_written_meanwhile_is_found_and_brought_later(
    house: House, target: str
) -> None:
    with copying(house.settings, house.settings.database, target) as under_way:
        list(under_way.bring())
        elsewhere(house, _write)
        with pytest.raises(Conflict, match="keysvc_credential: 2.*run this again"):
            list(under_way.prove())

    move(house.settings, target)

    source = house.settings.database
    assert content(house.settings, target) == content(house.settings, source)


def _write(environment: dict[str, str], keys: list[str]) -> None:
    """Change one, add one, delete one, and give a taken name to another."""
    service = Service(Settings.from_mapping(environment))
    account = service.accounts.get(CLI, "robot").owner
    service.credentials.delete(CLI, Kind.API_KEY, account, "k")
    service.credentials.issue(CLI, Kind.API_KEY, account, Draft(name="k"))
    service.credentials.change(CLI, Kind.KEYPAIR, ALICE, keys[0], {"name": "x"})


@across
def test_what_no_record_tells_of_is_found_too(house: House, target: str) -> None:
    with copying(house.settings, house.settings.database, target) as under_way:
        list(under_way.bring())
        elsewhere(house, _use)
        with pytest.raises(Conflict, match="written to meanwhile") as told:
            list(under_way.prove())
    for table in ("credential", "used_signature", "rate"):
        assert f"keysvc_{table}: 1" in str(told.value)
    assert "audit" not in str(told.value)


def _use(environment: dict[str, str], keys: list[str]) -> None:
    Service(Settings.from_mapping(environment))
    with writing():
        replay.add("f" * 64, utcnow() + timedelta(hours=1))
        RateRow.update(arrival=RateRow.arrival + 1).execute()
        used = CredentialRow.public_id == keys[0]
        CredentialRow.update(total_queries=7).where(used).execute()


@on_sqlite
def test_a_record_at_the_last_moment_is_found(house: House, tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'moved.db'}"
    with copying(house.settings, house.settings.database, target) as under_way:
        list(under_way.bring())
        steps = under_way.prove()
        next(steps)
        elsewhere(house, _write)
        with pytest.raises(Conflict, match="its audit has grown"):
            list(steps)


def elsewhere(house: House, work: Callable[..., None], *more: Any) -> None:
    """Do *work* with the source, in another process."""
    names = [house.keypair.credential.public_id]
    assert apart(work, house.settings.environment(), names, *more) == 0


@across
def test_a_database_that_is_in_use_is_no_target(house: House, target: str) -> None:
    move(house.settings, target)
    complete = content(house.settings, target)

    with pytest.raises(Conflict, match="not empty"):
        move(house.settings, target)
    with pytest.raises(Conflict, match="not empty"):
        move(house.settings, house.settings.database)
    assert content(house.settings, target) == complete


@across
def test_a_new_database_may_have_been_migrated(house: House, target: str) -> None:
    at(house.settings, target).installation.prepare()

    move(house.settings, target)


@on_sqlite
def test_an_unfinished_copy_of_another_database_is_refused(
    house: House, tmp_path: Path
) -> None:
    other = f"sqlite:///{tmp_path / 'other.db'}"
    at(house.settings, other).installation.prepare()
    target = f"sqlite:///{tmp_path / 'moved.db'}"
    with copying(house.settings, house.settings.database, target) as under_way:
        next(under_way.bring())

    with pytest.raises(Conflict, match="of another database"):
        with copying(house.settings, other, target):
            pass


@on_sqlite
def test_the_ring_must_be_that_of_the_source(house: House, tmp_path: Path) -> None:
    target = tmp_path / "moved.db"
    environment = house.settings.environment() | {
        "KEYSVC_SECRET_KEYS": "x" * 32,
        "KEYSVC_SECRET_KEYS_FILE": "",
    }
    with pytest.raises(Misconfigured, match="another ring"):
        move(Settings.from_mapping(environment), f"sqlite:///{target}")
    assert not target.exists()


@on_sqlite
def test_what_is_no_database_of_ours_is_no_source(
    config: dict[str, Any], tmp_path: Path
) -> None:
    settings = Settings.from_mapping(config)
    missing = tmp_path / "missing.db"
    target = f"sqlite:///{tmp_path / 'moved.db'}"
    with pytest.raises(Misconfigured, match="There is no"):
        with copying(settings, f"sqlite:///{missing}", target):
            pass
    assert not missing.exists()
    missing.touch()
    with pytest.raises(Misconfigured, match="keysvc migrate"):
        with copying(settings, f"sqlite:///{missing}", target):
            pass


@on_sqlite
def test_a_broken_audit_moves_as_it_is_and_is_told(
    house: House, tmp_path: Path
) -> None:
    at(house.settings, house.settings.database)
    with writing():
        AuditRow.update(actor_id="mallory").where(AuditRow.seq == 5).execute()
    target = f"sqlite:///{tmp_path / 'moved.db'}"

    with pytest.raises(Conflict, match="record 5 was changed"):
        move(house.settings, target)

    source = house.settings.database
    assert content(house.settings, target) == content(house.settings, source)
    at(house.settings, target).installation.ensure_ready()
