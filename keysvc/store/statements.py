"""Statements of warm paths: Peewee writes them once, the driver runs them."""

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import peewee

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
        dialect = type(database.obj)
        if dialect not in self._compiled:
            self._compiled[dialect] = self._query().sql()[0]
        return database.execute_sql(self._compiled[dialect], parameters)


def insert(table: type[peewee.Model], values: Mapping[str, Any]) -> None:
    """Add a row; *values* by the names of all of the table's columns."""
    key = type(database.obj), table
    if key not in _inserts:
        names = ", ".join(f'"{name}"' for name in table._meta.fields)
        marks = ", ".join([database.obj.param] * len(table._meta.fields))
        _inserts[key] = (
            f'INSERT INTO "{table._meta.table_name}" ({names}) VALUES ({marks})'
        )
    fields = table._meta.fields.items()
    row = [field.db_value(values[name]) for name, field in fields]
    database.execute_sql(_inserts[key], row)


_inserts: dict[tuple[type, type[peewee.Model]], str] = {}
