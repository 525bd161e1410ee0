"""Bring rows from one database to another, each value through the type of its field."""

from collections.abc import Collection
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from typing import Self

import peewee

from keysvc.errors import Misconfigured
from keysvc.model import Head
from keysvc.store import migrate
from keysvc.store.connection import driver_errors
from keysvc.store.connection import opened
from keysvc.store.connection import translated
from keysvc.store.snapshots import snapshot
from keysvc.store.statements import insertion
from keysvc.store.tables import AuditHeadRow
from keysvc.store.tables import database
from keysvc.store.tables import DeploymentRow
from keysvc.store.tables import RingKeyRow
from keysvc.store.tables import TABLES

#: How many rows are read, compared and written at once.
BATCH = 500

#: All tables, by their names.
_TABLES: dict[str, Any] = {table._meta.table_name: table for table in TABLES}
NAMES = tuple(_TABLES)

#: A row, as SQLite would keep it: the same on either engine, down to the last digit.
Row = tuple[Any, ...]


class Side:
    """One side of a copy: a database, bound or not, and its rows by their keys."""

    def __init__(self, of: peewee.Database) -> None:
        self._database = of

    @classmethod
    def bound(cls) -> Self:
        """Return the database of this process."""
        return cls(database.obj)

    @classmethod
    @contextmanager
    def beside(cls, url: str) -> Iterator[Self]:
        """
        Open the database at *url*, beside the one of this process.

        Raises:
            Misconfigured: If there is none, or it is not migrated.
        """
        other: Any = opened(url, max_connections=1, timeout=1)
        if (
            isinstance(other, peewee.SqliteDatabase)
            and not Path(other.database).exists()
        ):
            raise Misconfigured(f"There is no {other.database}.")
        try:
            with translated(), other.connection_context():
                made = other.table_exists(AuditHeadRow._meta.table_name)
                pending = migrate.pending_in(other) if made else []
            if not made or pending:
                raise Misconfigured(
                    "What is to be copied is no database of this release:"
                    " run `keysvc migrate` on it."
                )
            yield cls(other)
        finally:
            other.close_all()

    def held(self) -> AbstractContextManager[None]:
        """Hold one state of it."""
        return snapshot(self._database)

    def count(self, table: str) -> int:
        """Return how many rows *table* has."""
        count: int = _TABLES[table].select().bind(self._database).count()
        return count

    def deployment_id(self) -> str:
        """Return which deployment it is."""
        row: Any = DeploymentRow.select().bind(self._database).get()
        return str(row.id)

    def ring_keys(self) -> set[str]:
        """Return the ids of the keys without which it cannot be served."""
        query = RingKeyRow.select().where(RingKeyRow.dropped_at.is_null())
        return {row.key_id for row in query.bind(self._database)}

    def head(self) -> Head:
        """Return the newest record of its audit."""
        row: Any = AuditHeadRow.select().bind(self._database).get()
        return Head(row.seq, row.mac)

    def batches(self, table: str) -> Iterator[dict[Any, Row]]:
        """Yield all rows of *table*, by their keys, in the order they have here."""
        key = _key(table)
        query = _all(table).order_by(key).limit(BATCH)
        rows = self._rows(table, query)
        while rows:
            yield rows
            rows = self._rows(table, query.where(key > next(reversed(rows))))

    def find(self, table: str, keys: Collection[Any]) -> dict[Any, Row]:
        """Return the rows that there are of *keys*."""
        return self._rows(table, _all(table).where(_key(table).in_(list(keys))))

    def add(self, table: str, rows: Collection[Row]) -> None:
        """Add *rows*, in a transaction of their own."""
        held: Any = self._database
        names = [field.name for field in _fields(table)]
        statement = insertion(held.param, _TABLES[table], *names)
        with translated(), held.connection_context(), held.atomic(), driver_errors:
            held.cursor().executemany(statement, list(rows))

    def remove(self, table: str, keys: Collection[Any]) -> None:
        """Delete the rows of *keys*, in a transaction of their own."""
        query = _TABLES[table].delete().where(_key(table).in_(list(keys)))
        with translated(), self._database.connection_context():
            query.bind(self._database).execute()

    def _rows(self, table: str, query: Any) -> dict[Any, Row]:
        fields = _fields(table)
        place = fields.index(_key(table))
        rows = [
            tuple(f.db_value(v) for f, v in zip(fields, row, strict=True))
            for row in query.bind(self._database).tuples()
        ]
        return {row[place]: row for row in rows}


def _all(table: str) -> Any:
    return _TABLES[table].select(*_fields(table))


def _fields(table: str) -> list[Any]:
    fields: list[Any] = _TABLES[table]._meta.sorted_fields
    return fields


def _key(table: str) -> Any:
    return _TABLES[table]._meta.primary_key
