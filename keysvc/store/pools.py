"""Pools of connections, made for what Peewee's own do not know."""

import select
from contextlib import suppress
from typing import Any
from typing import NamedTuple
from uuid import uuid4

from playhouse import db_url
from playhouse import pool

from keysvc.store.tables import database

MEMORY = "sqlite:///:memory:"

_POOLED = {"sqlite": "sqlite+pool", "postgresql": "postgresql+keysvc"}


def pooled(url: str) -> str:
    """Return the URL by which Peewee opens a pool of connections to *url*."""
    if url.partition("?")[0] == MEMORY:
        return url.replace(MEMORY, "sqlite+memory:///", 1)
    scheme, separator, rest = url.partition("://")
    return f"{_POOLED.get(scheme, scheme)}{separator}{rest}"


class _PostgresPool(pool.PooledPostgresqlDatabase):
    """A pool that sees, without asking the server, which connections have ended."""

    def _is_closed(self, conn: Any) -> bool:
        # Nobody talks on one that is idle: if there is something to read, it is the
        # server's last word. Peewee asks with a statement, under the pool's lock.
        with suppress(Exception):
            poll = select.poll()
            poll.register(conn.fileno(), select.POLLIN)
            if not poll.poll(0):
                return False
        self._close_raw(conn)
        return True


class MemoryPool(pool.PooledSqliteDatabase):
    """
    One database in this process's memory, for all the connections of the pool.

    SQLite's ``:memory:`` would be another one for each of them; the VFS ``memdb`` is
    one for all that name it, with locks as of a file.
    """

    def __init__(self, database: str, **kwargs: Any) -> None:
        name = f"file:/keysvc-{uuid4().hex}?vfs=memdb"
        self._kept: Any = None
        super().__init__(name, uri=True, **kwargs)

    def _connect(self) -> Any:
        # With the last connection the data would be gone: one stays.
        if self._kept is None:
            self._kept = super(pool.PooledDatabase, self)._connect()
        return super()._connect()

    def close_all(self) -> None:
        """Let go of everything, the data too."""
        super().close_all()
        if self._kept is not None:
            self._kept.close()
            self._kept = None


class PoolUse(NamedTuple):
    """How many connections are used, how many wait for use, and how many may be."""

    used: int
    idle: int
    limit: int


def pool_use() -> PoolUse:
    """Return how the pool of this process is used now; of none, that it is not."""
    pooled = database.obj
    if pooled is None:
        return PoolUse(0, 0, 0)
    # Peewee tells it nowhere; the lengths alone are read, which needs no lock.
    return PoolUse(
        len(pooled._in_use), len(pooled._connections), pooled._max_connections or 0
    )


db_url.register_database(_PostgresPool, _POOLED["postgresql"])
db_url.register_database(MemoryPool, "sqlite+memory")
