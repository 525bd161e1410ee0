"""SQLite's online backup: a whole database in one file, while others write to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keysvc.errors import Invalid
from keysvc.errors import Unavailable
from keysvc.model import Head
from keysvc.store.connection import alone
from keysvc.store.connection import is_postgres
from keysvc.store.tables import AuditHeadRow
from keysvc.store.tables import database

_NO_BACKUP = "{file} is damaged, or no backup of keysvc."


def path() -> Path | None:
    """Return where the database of this process lies; None if that is no file."""
    return None if is_postgres() else Path(database.obj.database)


def keep_private() -> None:
    """Make the file for its owner alone, if the database is one and not there yet."""
    file = path()
    if file is not None and not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)


def save(file: Path) -> None:
    """Write what the database is at this moment to the empty *file*."""
    with closing(alone()) as source, closing(sqlite3.connect(file)) as target:
        # All pages in one step: by parts, every write of another process would make
        # it begin anew.
        source.backup(target)
        # One file, which needs no journal beside it.
        target.execute("PRAGMA journal_mode = delete")


def load(file: Path) -> None:
    """
    Make the database what *file* holds, in one transaction.

    Not by a new file in its place: who has the old one open would go on with that, and
    what it acknowledges would be lost.
    """
    with _opened(file) as source:
        try:
            with closing(alone()) as target:
                source.backup(target)
        except sqlite3.Error as error:
            raise Unavailable(
                f"The database cannot be replaced: {error}. Stop the service, move the"
                " database away with what lies beside it, and run this again."
            ) from error


def copy(file: Path, other: Path) -> None:
    """Write what *file* holds to the empty file *other*."""
    with _opened(file) as source, closing(sqlite3.connect(other)) as target:
        source.backup(target)


def examine(file: Path) -> Head:
    """
    Make sure that *file* is a database of keysvc, every page of it.

    Returns:
        The newest record of its audit.

    Raises:
        Invalid: If it is not.
    """
    with _opened(file) as found:
        flaws = found.execute("PRAGMA integrity_check").fetchall()
        query = AuditHeadRow.select(AuditHeadRow.seq, AuditHeadRow.mac)
        row = found.execute(*query.sql()).fetchone()
    if flaws != [("ok",)] or row is None:
        raise Invalid(_NO_BACKUP.format(file=file))
    return Head(*row)


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    # Read only: what is not there is not made, and a backup stays as it is.
    address = f"{file.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            yield connection
    except sqlite3.DatabaseError as error:
        if not file.exists():
            raise Invalid(f"There is no {file}.") from error
        raise Invalid(_NO_BACKUP.format(file=file)) from error
