"""Keep the audit's chain. Rows are only ever added here."""

from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import orjson

from keysvc.model import Actor
from keysvc.model import Entry
from keysvc.model import Origin
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Record
from keysvc.store.connection import is_postgres
from keysvc.store.fields import moment
from keysvc.store.statements import insert
from keysvc.store.statements import Selection
from keysvc.store.statements import Statement
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
    statement = _LOCKED_HEAD if locked and is_postgres() else HEAD
    row = statement.run(1).fetchone()
    return (-1, "") if row is None else (row[0], row[1])


def _head() -> Any:
    query = AuditHeadRow.select(AuditHeadRow.seq, AuditHeadRow.mac)
    return query.where(AuditHeadRow.id == 1)


#: The newest record's number and MAC; its parameter is always 1.
HEAD = Statement(_head)
_LOCKED_HEAD = Statement(lambda: _head().for_update())


def append(record: Record) -> None:
    """Add *record*, and make it the head. The head must be locked."""
    insert(AuditRow, _columns(record))
    _SET_HEAD.run(record.seq, record.mac)


_SET_HEAD = Statement(lambda: AuditHeadRow.update(seq=0, mac=""))


def page(owner: Owner | None, after: int, limit: int) -> list[Record]:
    """Return up to *limit* records after number *after*, of *owner* or of everyone."""
    parameters = (after, limit) if owner is None else (after, *owner, limit)
    rows = (_ALL if owner is None else _OF).rows(*parameters)
    return [_record(_cells(row)) for row in rows]


def _after(*mine: Any) -> Any:
    query = AuditRow.select().where(AuditRow.seq > 0, *mine)
    return query.order_by(AuditRow.seq).limit(1)


_ALL = Selection(lambda: _after())
_OF = Selection(lambda: _after(AuditRow.owner_kind == "", AuditRow.owner_id == ""))


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


class _Cells(NamedTuple):
    """A row of the audit, its cells as Python has them."""

    seq: int
    at: Any
    actor_kind: str
    actor_id: str
    address: str | None
    request_id: str | None
    action: str
    credential_id: str | None
    owner_kind: str | None
    owner_id: str | None
    before: Any
    after: Any
    key_id: str
    mac: str


def _cells(row: Sequence[Any]) -> _Cells:
    cells = _Cells(*row)
    before, after = cells.before, cells.after
    return cells._replace(
        at=moment(cells.at),
        before=None if before is None else orjson.loads(before),
        after=None if after is None else orjson.loads(after),
    )


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
