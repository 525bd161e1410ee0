"""SQLite's write-ahead log: let it not grow for ever beside its database."""

from contextlib import closing
from pathlib import Path

from keysvc.store.connection import alone
from keysvc.store.connection import translated
from keysvc.store.sqlite_files import path

#: Bytes that it may have. SQLite begins it anew itself, when no reader stands in its
#: way: under many readers that may take for ever.
_LIMIT = 16 * 1024 * 1024

#: Milliseconds that writers may wait for readers to get out of the way.
_PATIENCE = 200


def shorten() -> None:
    """Bring what the log holds into the database, and cut it off, if it is long."""
    database = path()
    if database is None or _size(Path(f"{database}-wal")) <= _LIMIT:
        return
    with translated(), closing(alone()) as connection:
        connection.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
        # Says so, and does not fail, if readers were in the way: then the next time.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
