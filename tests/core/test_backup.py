"""A backup is of one moment; and after a restore nobody goes on as before it."""

import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.ledger.feed import Feed
from keysvc.core.moving.backup import back_up
from keysvc.core.moving.backup import restore
from keysvc.core.service import Service
from keysvc.core.verification.cache import Cache
from keysvc.core.verification.presented import Pair
from keysvc.errors import Conflict
from keysvc.errors import Invalid
from keysvc.errors import KeysvcError
from keysvc.errors import Misconfigured
from keysvc.errors import Unavailable
from keysvc.errors import UnknownCredential
from keysvc.model import Draft
from keysvc.model import Head
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store import audit
from keysvc.store.connection import disconnect
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.tables import AuditRow
from tests.core.test_cache import keypair

CLI = operator()
ALICE = Owner(OwnerKind.USER, "alice")

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def settings(config: dict[str, Any]) -> Iterator[Settings]:
    """Return settings of a service whose ring is in a file; it is prepared."""
    del config["KEYSVC_SECRET_KEYS"]
    settings = Settings.from_mapping(config)
    Service(settings).installation.prepare()
    yield settings
    finish_all()
    disconnect()


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "backup.db"


@pytest.fixture(autouse=True)
def elsewhere(backup: Path) -> None:
    backup.parent.mkdir()


def again(settings: Settings) -> Service:
    """Return a service, as a process makes one that has just begun."""
    finish_all()
    disconnect()
    return Service(settings)


def issue(service: Service) -> Issued:
    return service.credentials.issue(CLI, Kind.KEYPAIR, ALICE, Draft())


def admit(service: Service, issued: Issued) -> None:
    pair = Pair(issued.credential.public_id, issued.secret)
    service.verifier.admit(pair, Origin())


def head() -> Head:
    with reading():
        return Head(*audit.head())


# -- backed up ----------------------------------------------------------------------


@on_sqlite
def test_it_is_one_file_for_its_owner_without_the_ring(
    settings: Settings, backup: Path
) -> None:
    issued = issue(again(settings))

    assert back_up(settings, backup, force=False) == head()

    assert os.listdir(backup.parent) == ["backup.db"]
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    content = backup.read_bytes()
    assert settings.ring_file.read_text().strip().encode() not in content
    assert issued.secret.encode() not in content
    with closing(sqlite3.connect(backup)) as found:
        assert found.execute("PRAGMA journal_mode").fetchone() == ("delete",)


@on_sqlite
def test_it_is_of_one_moment_while_others_write(
    settings: Settings, backup: Path
) -> None:
    service, over = again(settings), threading.Event()

    def write() -> None:
        while not over.is_set():
            issue(service)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        heads = [Head(0, "")]
        for _ in range(5):
            while head().seq == heads[-1].seq:
                pass
            heads.append(back_up(settings, backup, force=True))
            other = Settings(home=settings.home, database_url=f"sqlite:///{backup}")
            # Another process would look; this one is bound.
            with closing(sqlite3.connect(backup)) as found:
                sql = "SELECT count(*), max(seq) FROM keysvc_audit"
                records = found.execute(sql).fetchone()
                keys = found.execute("SELECT count(*) FROM keysvc_credential")
                assert records == (heads[-1].seq, heads[-1].seq)
                assert keys.fetchone() == (heads[-1].seq,)
    finally:
        over.set()
        writer.join()
    assert again(other).ledger.verify(heads[-1]).flaw is None


@on_sqlite
def test_a_file_that_is_there_is_kept(settings: Settings, backup: Path) -> None:
    again(settings)
    backup.write_text("of somebody else's")

    with pytest.raises(Conflict, match="--force"):
        back_up(settings, backup, force=False)
    assert backup.read_text() == "of somebody else's"

    back_up(settings, backup, force=True)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


@on_sqlite
def test_what_is_backed_up_is_never_replaced_by_it(
    settings: Settings, tmp_path: Path
) -> None:
    service = again(settings)
    issued = issue(service)
    live, ring = Path(settings.database[10:]), settings.ring_file.read_text()
    (tmp_path / "link").symlink_to(live)
    for path in (live, tmp_path / "link", settings.ring_file):
        with pytest.raises(Conflict, match="in use"):
            back_up(settings, path, force=True)
    assert settings.ring_file.read_text() == ring
    admit(again(settings), issued)


@on_sqlite
def test_where_nothing_can_be_written(settings: Settings, tmp_path: Path) -> None:
    again(settings)
    with pytest.raises(Misconfigured, match="cannot be written"):
        back_up(settings, tmp_path / "no" / "such" / "directory", force=False)


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_postgresql_has_its_own_tools(settings: Settings, backup: Path) -> None:
    again(settings)
    works: list[Callable[[], object]] = [
        lambda: back_up(settings, backup, force=False),
        lambda: restore(settings, CLI, backup, force=False),
    ]
    for work in works:
        with pytest.raises(Misconfigured) as told:
            work()
        assert "pg_dump" in str(told.value) and "pg_restore" in str(told.value)
        assert str(settings.ring_file) in str(told.value)


# -- restored -----------------------------------------------------------------------


@on_sqlite
def test_what_was_is_again_and_what_came_later_is_not(
    settings: Settings, backup: Path
) -> None:
    service = again(settings)
    kept, lost = issue(service), issue(service)
    service.credentials.delete(CLI, Kind.KEYPAIR, ALICE, lost.credential.public_id)
    saved = back_up(settings, backup, force=False)
    later = issue(service)
    service.credentials.delete(CLI, Kind.KEYPAIR, ALICE, kept.credential.public_id)

    assert restore(settings, CLI, backup, force=True) == saved

    service = again(settings)
    service.ensure_ready()
    admit(service, kept)
    for gone in (lost, later):
        with pytest.raises(UnknownCredential):
            admit(service, gone)
    with reading():
        last = AuditRow.select().order_by(AuditRow.seq.desc()).get()
    assert (last.seq, last.action) == (saved.seq + 1, "database.restore")
    assert last.after == {"seq": saved.seq}
    assert service.ledger.verify(saved).flaw is None
    assert set(os.listdir(backup.parent)) == {"backup.db"}
    left = {path.name for path in Path(settings.database[10:]).parent.iterdir()}
    assert not [name for name in left if ".new" in name]


@on_sqlite
def test_into_a_new_home(settings: Settings, backup: Path, tmp_path: Path) -> None:
    issued = issue(again(settings))
    back_up(settings, backup, force=False)
    home = tmp_path / "another" / "home"
    there = Settings(home=home, secret_keys_file=str(settings.ring_file))
    again(there)

    restore(there, CLI, backup, force=False)

    admit(again(there), issued)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert set(os.listdir(home)) <= {
        *("keysvc.db", "keysvc.db-wal", "keysvc.db-shm", "keysvc.db.lock")
    }


@on_sqlite
def test_what_is_there_is_kept(settings: Settings, backup: Path) -> None:
    service = again(settings)
    issue(service)
    back_up(settings, backup, force=False)
    later = issue(service)

    with pytest.raises(Conflict, match="not empty"):
        restore(settings, CLI, backup, force=False)

    admit(again(settings), later)


def _of_somebody_else(backup: Path) -> None:
    backup.unlink()
    with closing(sqlite3.connect(backup)) as other:
        other.execute("CREATE TABLE bookmarks (id INTEGER)")
        other.commit()


def _damage(backup: Path) -> None:
    """Overwrite a page in the middle."""
    size = backup.stat().st_size
    with backup.open("r+b") as file:
        file.seek(size // 8192 * 4096)
        file.write(b"\xff" * 4096)


def _cut(backup: Path) -> None:
    os.truncate(backup, backup.stat().st_size - 4096)


def _text(backup: Path) -> None:
    backup.write_text("This is a shopping list: eggs, flour, milk. " * 100)


def _tamper(backup: Path) -> None:
    with closing(sqlite3.connect(backup)) as other:
        other.execute("UPDATE keysvc_audit SET actor_id = 'mallory' WHERE seq = 2")
        other.commit()


def _empty(backup: Path) -> None:
    backup.write_bytes(b"")


@on_sqlite
@pytest.mark.parametrize(
    "spoil", [_of_somebody_else, _damage, _cut, _text, _tamper, _empty, Path.unlink]
)
def test_what_is_no_good_backup_changes_nothing(
    settings: Settings, backup: Path, spoil: Any
) -> None:
    service = again(settings)
    for _ in range(3):
        issue(service)
    back_up(settings, backup, force=False)
    later = issue(service)
    before = head()
    spoil(backup)

    with pytest.raises((Invalid, Conflict)):
        restore(settings, CLI, backup, force=True)

    assert head() == before, "the process is bound to its own database again"
    admit(again(settings), later)
    assert not [*Path(settings.database[10:]).parent.glob("*.new*")]


@on_sqlite
def test_a_backup_of_another_ring_is_refused(
    settings: Settings, backup: Path, tmp_path: Path
) -> None:
    issue(again(settings))
    back_up(settings, backup, force=False)
    home = tmp_path / "another"
    for other in (
        Settings(home=home, secret_keys="x" * 32),
        Settings(home=home, secret_keys_file=str(tmp_path / "no-such-ring")),
    ):
        again(other)
        with pytest.raises(Misconfigured, match="another ring"):
            restore(other, CLI, backup, force=False)
        with pytest.raises(Unavailable):
            again(other).installation.ensure_ready()


@on_sqlite
def test_a_ring_that_was_rotated_since_goes_on(
    settings: Settings, backup: Path
) -> None:
    service = again(settings)
    issued = issue(service)
    back_up(settings, backup, force=False)
    service.rekeying.rotate(CLI)

    restore(settings, CLI, backup, force=True)

    service = again(settings)
    admit(service, issued)
    issue(service)
    assert service.ledger.verify().flaw is None


@on_sqlite
def test_what_cannot_be_replaced_is_told(settings: Settings, backup: Path) -> None:
    issue(again(settings))
    back_up(settings, backup, force=False)
    finish_all()
    disconnect()
    for path in Path(settings.database[10:]).parent.glob("keysvc.db*"):
        path.unlink()
    Path(settings.database[10:]).write_bytes(b"no database at all " * 1000)
    Service(settings)

    with pytest.raises(KeysvcError, match="move the database away"):
        restore(settings, CLI, backup, force=True)


# -- and those who run --------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize("since", [0, 1, 2, 5])
def test_who_has_read_another_history_drops_all(
    settings: Settings, backup: Path, since: int
) -> None:
    """Whether it was behind the backup, or just there, or the number comes again."""
    service = again(settings)
    issue(service)
    back_up(settings, backup, force=False)
    for _ in range(since):
        issue(service)
    cache = Cache(10)
    feed = Feed(cache)
    feed._read()
    cache.keep(keypair("KPA"), cache.position)
    # Opened before, and never again: as a process that runs.
    held = feed._watch._connection

    restore(settings, CLI, backup, force=True)
    feed._read()

    assert feed._watch._connection is held
    feed._watch.close()
    assert not cache._principals
    assert cache.position == head()


@on_sqlite
def test_what_is_acknowledged_after_it_is_kept(
    settings: Settings, backup: Path
) -> None:
    """Who had the database open writes into the one that is there, not a ghost."""
    service = again(settings)
    issue(service)
    back_up(settings, backup, force=False)
    path = settings.database[10:]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("SELECT count(*) FROM keysvc_audit").fetchall()

        restore(settings, CLI, backup, force=True)

        other.execute("UPDATE keysvc_deployment SET id = 'written later'")
    with closing(sqlite3.connect(path)) as found:
        assert found.execute("SELECT id FROM keysvc_deployment").fetchone() == (
            "written later",
        )


@on_sqlite
def test_a_backup_of_the_release_before_is_migrated(
    settings: Settings, backup: Path
) -> None:
    issued = issue(again(settings))
    back_up(settings, backup, force=False)
    with closing(sqlite3.connect(backup)) as old:
        old.execute("DROP TABLE keysvc_audit_checkpoint")
        old.execute("DELETE FROM keysvc_migration WHERE name LIKE '0005%'")
        old.commit()

    restore(settings, CLI, backup, force=True)

    service = again(settings)
    service.installation.ensure_ready()
    admit(service, issued)
    with writing():
        assert service.ledger.verify().flaw is None
