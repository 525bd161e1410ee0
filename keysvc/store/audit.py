"""Keep the audit's chain. Rows are only ever added here."""

from collections.abc import Iterator
from typing import Any

from keysvc.model import Actor
from keysvc.model import Entry
from keysvc.model import Origin
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Record
from keysvc.store.connection import is_postgres
from keysvc.store.tables import AuditHeadRow
from keysvc.store.tables import AuditRow

#: How many records are read at once where all of them are read.
_BATCH = 1000


def head(*, locked: bool = False) -> tuple[int, str]:
    """
    Return the sequence number and MAC of the newest record; 0 where there is none.

    *locked*, no other transaction appends before this one has ended. So take it last.
    A head that somebody has taken away has the number -1.
    """
    query = AuditHeadRow.select().where(AuditHeadRow.id == 1)
    row = (query.for_update() if locked and is_postgres() else query).get_or_none()
    return (-1, "") if row is None else (row.seq, row.mac)


def append(record: Record) -> None:
    """Add *record*, and make it the head. The head must be locked."""
    AuditRow.insert(**_columns(record)).execute()
    AuditHeadRow.update(seq=record.seq, mac=record.mac).execute()


def page(owner: Owner | None, after: int, limit: int) -> list[Record]:
    """Return up to *limit* records after number *after*, of *owner* or of everyone."""
    query = AuditRow.select().where(AuditRow.seq > after)
    if owner is not None:
        query = query.where(
            AuditRow.owner_kind == owner.kind, AuditRow.owner_id == owner.id
        )
    return [_record(row) for row in query.order_by(AuditRow.seq).limit(limit)]


def every() -> Iterator[Record]:
    """
    Yield all records in order, a batch in memory at a time.

    Raises:
        ValueError: When the turn comes of one that nobody here has written.
    """
    query = AuditRow.select().order_by(AuditRow.seq).limit(_BATCH)
    rest: Any = query
    while rest is not None:
        row = None
        for row in rest:
            yield _record(row)
        rest = None if row is None else query.where(AuditRow.seq > row.seq)


def _columns(record: Record) -> dict[str, Any]:
    entry = record.entry
    owner_kind, owner_id = entry.owner or (None, None)
    return {
        "seq": record.seq,
        "at": record.at,
        "actor_kind": entry.actor.kind,
        "actor_id": entry.actor.id,
        "address": entry.origin.address,
        "request_id": entry.origin.request_id,
        "action": entry.action,
        "credential_id": entry.credential_id,
        "owner_kind": owner_kind,
        "owner_id": owner_id,
        "before": entry.before,
        "after": entry.after,
        "key_id": record.key_id,
        "mac": record.mac,
    }


def _record(row: Any) -> Record:
    nobody = row.owner_kind is None and row.owner_id is None
    entry = Entry(
        actor=Actor(row.actor_kind, row.actor_id),
        origin=Origin(row.address, row.request_id),
        action=row.action,
        credential_id=row.credential_id,
        owner=None if nobody else Owner(OwnerKind(row.owner_kind), row.owner_id),
        before=row.before,
        after=row.after,
    )
    return Record(row.seq, row.at, entry, row.key_id, row.mac)
