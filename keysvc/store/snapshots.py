"""Look at one state of a database, however it is changed meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import peewee

from keysvc.store.connection import translated
from keysvc.store.tables import database


@contextmanager
def snapshot(of: peewee.Database | None = None) -> Iterator[None]:
    """
    Hold a connection that sees one state, and locks nobody out.

    SQLite's journal grows as long as it is held.
    """
    held: Any = of or database.obj
    postgres = isinstance(held, peewee.PostgresqlDatabase)
    how = "REPEATABLE READ READ ONLY" if postgres else "DEFERRED"
    with translated(), held.connection_context(), held.transaction(how):
        yield
