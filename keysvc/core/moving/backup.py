"""Back a database up into one file, without the ring, and restore it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from keysvc.config import Settings
from keysvc.core import files
from keysvc.core.background import finish_all
from keysvc.core.service import Service
from keysvc.errors import Conflict
from keysvc.errors import Misconfigured
from keysvc.model import Caller
from keysvc.model import Entry
from keysvc.model import Head
from keysvc.store import audit
from keysvc.store import migrate
from keysvc.store import sqlite_files
from keysvc.store import unfinished
from keysvc.store.connection import connect
from keysvc.store.connection import disconnect
from keysvc.store.connection import reading

_POSTGRES = (
    "PostgreSQL has its own tools: `pg_dump --format=custom --file=FILE URL`, and"
    " `pg_restore --clean --if-exists --single-transaction --dbname=URL FILE`. They"
    " take no ring along either: {ring}."
)


def whereabouts(settings: Settings) -> str:
    """Return where the ring is, which no backup holds."""
    if settings.secret_keys:
        return "it is in KEYSVC_SECRET_KEYS"
    return f"it is in {settings.ring_file}"


def back_up(settings: Settings, file: Path, *, force: bool) -> Head:
    """
    Write the database to *file*, whole and of one moment, for its owner alone.

    Returns:
        The newest record of the audit in it.

    Raises:
        Conflict: If there is such a file, and not *force*.
        Misconfigured: If the database is PostgreSQL, or the file cannot be written.
    """
    live = _require_sqlite(settings)
    with migrate.exclusive():
        if file.exists() and not force:
            raise Conflict(f"{file} exists: --force replaces it.")
        if file.resolve() in {live.resolve(), settings.ring_file.resolve()}:
            raise Conflict(f"{file} is in use: a backup needs another name.")
        with _writing(file), files.written(file, replacing=force) as fresh:
            sqlite_files.save(fresh)
            return sqlite_files.examine(fresh)


def restore(settings: Settings, caller: Caller, file: Path, *, force: bool) -> Head:
    """
    Make the database what it was when *file* was written.

    It is proven good first, and then replaced in one transaction, so that running
    processes see a change like any other: the feed meets a history that is not the one
    it has read, and nothing is left in their caches.

    Returns:
        The newest record of the audit in *file*; the restoring is recorded after it.

    Raises:
        Conflict: If the database is not empty, and not *force*; or the audit in *file*
            is broken.
        Invalid: If *file* is damaged.
        Misconfigured: If the database is PostgreSQL, or the ring is another one.
    """
    live = _require_sqlite(settings)
    sqlite_files.examine(file)
    with _writing(live):
        sqlite_files.keep_private()
    with migrate.exclusive():
        if not force and not unfinished.is_empty():
            raise Conflict(f"{live} is not empty: --force replaces what is there.")
        with _writing(live), _copy_of(file, live) as copy:
            try:
                head = _made_ready(settings, caller, copy)
            finally:
                _bind(settings)
            sqlite_files.load(copy)
    return head


def _made_ready(settings: Settings, caller: Caller, copy: Path) -> Head:
    """Bring *copy* up to date, check it, and record in it that it is restored."""
    disconnect()
    service = Service(replace(settings, database_url=f"sqlite:///{copy}"))
    service.installation.prepare()
    if flaw := service.ledger.verify().flaw:
        raise Conflict(f"The audit in the backup is broken: {flaw}.")
    with reading():
        head = Head(*audit.head())
    with service.ledger.unit() as record:
        record(
            Entry(
                actor=caller.actor,
                origin=caller.origin,
                action="database.restore",
                after={"seq": head.seq},
            )
        )
    # They would tell of the copy, as if it were the database.
    finish_all()
    return head


@contextmanager
def _copy_of(file: Path, live: Path) -> Iterator[Path]:
    """Yield a copy of *file* beside the database, and leave nothing of it."""
    copy = files.made(live)
    try:
        sqlite_files.copy(file, copy)
        yield copy
    finally:
        for suffix in ("", "-wal", "-shm", ".lock"):
            Path(f"{copy}{suffix}").unlink(missing_ok=True)


def _bind(settings: Settings) -> None:
    disconnect()
    connect(
        settings.database,
        pool_size=settings.pool_size,
        pool_timeout=settings.pool_timeout,
    )


def _require_sqlite(settings: Settings) -> Path:
    path = sqlite_files.path()
    if path is None:
        ring = whereabouts(settings)
        raise Misconfigured(_POSTGRES.format(ring=ring))
    return path


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Misconfigured(f"{file} cannot be written: {error.strerror}.") from error
