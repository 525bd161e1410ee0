"""Statements of warm paths: Peewee writes them once, the driver runs them."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
import peewee

from keysvc.store.connection import is_postgres
from keysvc.store.tables import database


class Statement:
    """
    A query that is compiled once for each class of database.

    Writing a SELECT of all columns costs Peewee many times what running it costs
    the driver.

    Args:
        query: Makes the query, with any values where its parameters go.
    """

    def __init__(self, query: Callable[[], Any]) -> None:
        self._query = query
        self._compiled: dict[type, str] = {}

    def run(self, *parameters: Any) -> Any:
        """Return the cursor, on the connection at hand."""
        return database.execute_sql(self._sql(), parameters)

    def run_on(self, connection: Any, *parameters: Any) -> Any:
        """Return the cursor, on a *connection* of the driver's."""
        return connection.execute(self._sql(), parameters)

    def _sql(self) -> str:
        dialect = type(database.obj)
        if dialect not in self._compiled:
            self._compiled[dialect] = _write(self._query())[0]
        return self._compiled[dialect]


class Selection(Statement):
    """A SELECT that is compiled once, and whose rows are read at once."""

    def __init__(self, query: Callable[[], Any]) -> None:
        super().__init__(lambda: _packed(query()))

    def rows(self, *parameters: Any) -> list[Sequence[Any]]:
        """Return what it finds: of a SQLite row only texts, integers and None."""
        return _unpacked(self.run(*parameters))

    def row(self, *parameters: Any) -> Sequence[Any] | None:
        """Return the first row, None where there is none."""
        return next(iter(self.rows(*parameters)), None)


def select(query: Any) -> list[Sequence[Any]]:
    """Return the rows of a SELECT that is written for this one time."""
    return _unpacked(database.execute_sql(*_write(_packed(query))))


def _write(query: Any) -> tuple[str, Any]:
    written: tuple[str, Any] = database.get_sql_context().sql(query).query()
    return written


def _packed(query: Any) -> Any:
    """
    Let SQLite write all rows as one JSON text, in their order.

    Its driver lets go of the GIL at every column of every row. Where other threads
    wait for it, that takes longer than all the rest of a request.
    """
    if is_postgres():
        return query
    columns = enumerate(query.selected_columns)
    found = query.columns(*(c.alias(f"c{i}") for i, c in columns)).alias("found")
    cells = [getattr(found.c, f"c{i}") for i in range(len(query.selected_columns))]
    row = peewee.fn.JSON_ARRAY(*cells)
    return peewee.Select([found], [peewee.fn.JSON_GROUP_ARRAY(row)])


def _unpacked(cursor: Any) -> list[Sequence[Any]]:
    found: list[Sequence[Any]] = cursor.fetchall()
    return found if is_postgres() else orjson.loads(found[0][0])


def insert(table: type[peewee.Model], values: Mapping[str, Any]) -> None:
    """Add a row; *values* by the names of all of the table's columns."""
    _run(insertion, table, {name: values[name] for name in table._meta.fields})


def update(table: type[peewee.Model], id_: Any, values: Mapping[str, Any]) -> None:
    """Change the row of *id_*; *values* by the names of columns, its id counts not."""
    changed = {name: value for name, value in values.items() if name != "id"}
    _run(_update_of, table, changed | {"id": id_})


def _run(
    writer: Callable[..., str], table: type[peewee.Model], values: Mapping[str, Any]
) -> None:
    fields = table._meta.fields
    statement = writer(database.obj.param, table, *values)
    row = [fields[name].db_value(value) for name, value in values.items()]
    database.execute_sql(statement, row)


@cache
def insertion(mark: str, table: type[peewee.Model], *names: str) -> str:
    """Return the statement that adds a row of the columns *names*."""
    columns = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join([mark] * len(names))
    return f'INSERT INTO "{table._meta.table_name}" ({columns}) VALUES ({marks})'


@cache
def _update_of(mark: str, table: type[peewee.Model], *names: str) -> str:
    *changed, id_ = (f'"{name}" = {mark}' for name in names)
    return f'UPDATE "{table._meta.table_name}" SET {", ".join(changed)} WHERE {id_}'
