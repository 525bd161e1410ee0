"""Turns that transactions take: one at a time does a work, and nobody waits for it."""

from keysvc.store.connection import is_postgres
from keysvc.store.tables import database


def take(number: int) -> bool:
    """Tell whether no other transaction has taken this turn; until this one ends."""
    if not is_postgres():
        return True  # The transaction has locked the whole database.
    sql = "SELECT pg_try_advisory_xact_lock(%s)"
    return bool(database.execute_sql(sql, (number,)).fetchone()[0])
