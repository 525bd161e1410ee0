"""Follow the audit as a feed of changes, on a connection of its own."""

import os
import socket
import time
from contextlib import suppress
from typing import Any

from keysvc.model import Trace
from keysvc.store import audit
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

    Of one thread; only ``cut`` is for others. What wakes it is never taken for a
    fact: a wait also ends when its time is over.
    """

    def __init__(self) -> None:
        self._version: int | None = None
        self._open, self._cut = False, False
        self._file: int | None = None

    def wait(self, seconds: float) -> None:
        """Return when something may have been recorded, at the latest in *seconds*."""
        with translated():
            self._connect()
            if is_postgres():
                connection = database.connection()
                for _ in connection.notifies(timeout=seconds, stop_after=1):
                    pass
            else:
                self._look(time.monotonic() + seconds)

    def head(self) -> int:
        """Return the number of the newest record."""
        with translated():
            self._connect()
            seq, _ = audit.head()
            return seq

    def after(self, seq: int) -> list[Trace]:
        """Return up to ``BATCH`` traces of what was recorded after *seq*, in order."""
        with translated():
            self._connect()
            rows = _AFTER.run(seq, BATCH).fetchall()
        return [Trace(*row) for row in rows]

    def close(self) -> None:
        """Let go of the connection, for good or until the next use."""
        self._open = False
        if self._file is not None:
            os.close(self._file)
            self._file = None
        with suppress(Exception):
            database.manual_close()

    def cut(self) -> None:
        """End a wait that another thread finds too long: its peer may be gone."""
        self._cut, file = True, self._file
        if file is not None:
            with suppress(OSError), socket.socket(fileno=os.dup(file)) as peer:
                peer.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> None:
        if self._open and not database.is_closed():
            return
        database.connect(reuse_if_open=True)
        if is_postgres():
            self._file = os.dup(database.connection().fileno())
            database.execute_sql(f"LISTEN {_CHANNEL}")
        self._open = True

    def _look(self, end: float) -> None:
        self._cut = False
        while time.monotonic() < end and not self._cut:
            (version,) = database.execute_sql("PRAGMA data_version").fetchone()
            if version != self._version:
                self._version = version
                return
            time.sleep(_STEP)


def _after() -> Any:
    query = AuditRow.select(
        AuditRow.seq, AuditRow.action, AuditRow.credential_id, AuditRow.owner_id
    )
    return query.where(AuditRow.seq > 0).order_by(AuditRow.seq).limit(1)


_AFTER = Statement(_after)
