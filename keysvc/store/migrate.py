"""Bring the database up to date, one process at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import peewee
from playhouse import migrations

from keysvc.errors import Misconfigured
from keysvc.store.connection import is_memory
from keysvc.store.connection import is_postgres
from keysvc.store.connection import reading
from keysvc.store.tables import database

#: Any number will do, as long as no other program on the server takes it.
_ADVISORY_LOCK = 0x6B657973


def migrate() -> list[str]:
    """Apply the migrations that have not been applied yet, and name them."""
    with reading():
        applied: list[str] = _runner().up()
    return applied


def pending() -> list[str]:
    """Name the migrations that have not been applied yet."""
    with reading():
        return pending_in(database.obj)


def pending_in(of: peewee.Database) -> list[str]:
    """Name those of any database; its connection must be at hand."""
    return [m.name for m in _runner(of).status() if m.path and not m.applied]


@contextmanager
def exclusive() -> Iterator[None]:
    """Hold the lock under which a database is made, migrated, given a first ring."""
    if is_memory():
        raise Misconfigured("A key store in memory is made by keysvc.testing alone.")
    with _advisory_lock() if is_postgres() else _file_lock():
        yield


def _runner(of: peewee.Database | None = None) -> migrations.Runner:
    directory = str(Path(__file__).parent / "migrations")
    return migrations.Runner(
        of or database.obj, directory=directory, table_name="keysvc_migration"
    )


@contextmanager
def _advisory_lock() -> Iterator[None]:
    with reading():
        database.execute_sql("SELECT pg_advisory_lock(%s)", (_ADVISORY_LOCK,))
        try:
            yield
        finally:
            database.execute_sql("SELECT pg_advisory_unlock(%s)", (_ADVISORY_LOCK,))


@contextmanager
def _file_lock() -> Iterator[None]:
    path = Path(f"{database.obj.database}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
