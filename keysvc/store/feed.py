"""Follow the audit as a feed of changes, on a connection of its own."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from typing import Any

from keysvc.errors import Unavailable
from keysvc.model import Head
from keysvc.model import Trace
from keysvc.store import audit
from keysvc.store.connection import alone
from keysvc.store.connection import driver_errors
from keysvc.store.connection import is_postgres
from keysvc.store.connection import translated
from keysvc.store.statements import Statement
from keysvc.store.tables import AuditRow
from keysvc.store.tables import database

#: How many records are read at once.
BATCH = 1000

#: Seconds between two looks at SQLite's ``data_version``: they cost microseconds.
_STEP = 0.02

_CHANNEL = "keysvc_audit"


def announce() -> None:
    """Wake whoever waits on another connection; PostgreSQL does at the commit."""
    if is_postgres():
        database.execute_sql(f"NOTIFY {_CHANNEL}")


class Watch:
    """
    A connection that waits for others' commits and reads what they have recorded.

    It is none of the pool's: it is held for good, and whoever asks must not wait for
    it. Of one thread; only ``cut`` is for others. What wakes it is never taken for a
    fact: a wait also ends when its time is over.
    """

    def __init__(self) -> None:
        self._lock, self._cut = threading.Lock(), False
        self._connection: Any = None
        self._file: int | None = None
        self._version: int | None = None

    def wait(self, seconds: float) -> None:
        """Return when something may have been recorded, at the latest in *seconds*."""
        with self._opened() as connection:
            if is_postgres():
                for _ in connection.notifies(timeout=seconds, stop_after=1):
                    pass
            else:
                self._look(connection, time.monotonic() + seconds)

    def head(self) -> Head:
        """
        Return the newest record.

        Raises:
            Unavailable: If the database cannot be asked, or its head is missing.
        """
        with self._opened() as connection:
            row = audit.HEAD.run_on(connection, 1).fetchone()
        if row is None:
            raise Unavailable("The head of the audit is missing.")
        return Head(*row)

    def between(self, position: Head, head: Head) -> list[Trace] | None:
        """
        Return up to ``BATCH`` traces of what was recorded after *position*, in order.

        None if that cannot be known: *position* was purged; or it is no part of the
        history that ends with *head*, since an older copy of the database, say, lies
        there now.
        """
        if head.seq <= position.seq:
            return None
        with self._opened() as connection:
            rows = _SINCE.run_on(connection, position.seq, BATCH + 1).fetchall()
        traces = [Trace(Head(*row[:2]), *row[2:]) for row in rows]
        if position.seq > 0 and traces and traces.pop(0).head != position:
            return None
        return traces if traces and traces[0].head.seq == position.seq + 1 else None

    def close(self) -> None:
        """Let go of the connection, for good or until the next use."""
        with self._lock:
            connection, self._connection = self._connection, None
            file, self._file = self._file, None
        if file is not None:
            os.close(file)
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def abandon(self) -> None:
        """Let go, in the child of a fork, of what is its parent's: end nothing."""
        if self._file is not None:
            os.close(self._file)
        self._connection = None

    def cut(self) -> None:
        """End a wait that another thread finds too long: its peer may be gone."""
        self._cut = True
        # Locked, lest the file be closed and its number be another's by now.
        with self._lock:
            if self._file is not None:
                with (
                    suppress(OSError),
                    socket.socket(fileno=os.dup(self._file)) as peer,
                ):
                    peer.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        with translated(), driver_errors:
            if self._connection is None:
                self._open()
            yield self._connection

    def _open(self) -> None:
        connection = alone()
        with self._lock:
            self._connection = connection
            if is_postgres():
                self._file = os.dup(connection.fileno())
        if is_postgres():
            connection.execute(f"LISTEN {_CHANNEL}")

    def _look(self, connection: Any, end: float) -> None:
        self._cut = False
        while time.monotonic() < end and not self._cut:
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            if version != self._version:
                self._version = version
                return
            time.sleep(_STEP)


def _since() -> Any:
    query = AuditRow.select(
        AuditRow.seq,
        AuditRow.mac,
        AuditRow.action,
        AuditRow.credential_id,
        AuditRow.owner_id,
    )
    return query.where(AuditRow.seq >= 0).order_by(AuditRow.seq).limit(1)


_SINCE = Statement(_since)
