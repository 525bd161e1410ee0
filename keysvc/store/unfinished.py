"""What a copy leaves in its target until it is complete: nothing may serve it so."""

from typing import Any

import peewee

from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.tables import AuditHeadRow
from keysvc.store.tables import database
from keysvc.store.tables import DeploymentRow
from keysvc.store.tables import RingKeyRow
from keysvc.store.tables import Table
from keysvc.store.tables import TABLES

#: Tables that have a row as soon as a database is made.
_MADE_WITH = {AuditHeadRow, DeploymentRow, RingKeyRow}


class UnfinishedCopyRow(Table):
    """The one row that says which deployment is copied here."""

    source = peewee.CharField(max_length=36, primary_key=True)

    class Meta:
        table_name = "keysvc_unfinished_copy"


def source() -> str | None:
    """Return which deployment is being copied here; None where none is."""
    with reading():
        if not UnfinishedCopyRow.table_exists():
            return None
        row: Any = UnfinishedCopyRow.select().first()
        return None if row is None else str(row.source)


def begin(source: str) -> None:
    """Note that *source* is copied here."""
    with writing():
        UnfinishedCopyRow.create_table()
        UnfinishedCopyRow.insert(source=source).execute()


def end() -> None:
    """Note that the copy is complete."""
    with writing():
        UnfinishedCopyRow.drop_table()


def is_empty() -> bool:
    """Tell whether nothing was ever kept in the database of this process."""
    with reading():
        made = set(database.get_tables())
        tables = [table for table in TABLES if table._meta.table_name in made]
        if any(t.select().exists() for t in tables if t not in _MADE_WITH):
            return False
        written = AuditHeadRow.seq != 0
        return AuditHeadRow not in tables or not (
            AuditHeadRow.select().where(written).exists()
        )
