"""Where the audit begins: its oldest records can be purged, and nothing else of it."""

from datetime import datetime
from typing import Any

from keysvc.model import Checkpoint
from keysvc.store import turns
from keysvc.store.tables import AuditCheckpointRow
from keysvc.store.tables import AuditRow

#: Any number will do that no other turn has.
_TURN = 0x61756469


def take_turn() -> bool:
    """Tell whether no other transaction purges; until this one ends."""
    return turns.take(_TURN)


def checkpoint() -> Checkpoint | None:
    """Return where the audit begins; None where nothing was ever purged."""
    row: Any = AuditCheckpointRow.get_or_none(AuditCheckpointRow.id == 1)
    if row is None:
        return None
    return Checkpoint(row.seq, row.mac, row.at, row.key_id, row.seal)


def oldest() -> datetime | None:
    """Return when the first record that is left was made."""
    query = AuditRow.select(AuditRow.at).order_by(AuditRow.seq).limit(1)
    row: Any = query.first()
    return None if row is None else row.at


def purge(checkpoint: Checkpoint) -> None:
    """Delete the records up to *checkpoint*, and keep it in their stead."""
    AuditRow.delete().where(AuditRow.seq <= checkpoint.seq).execute()
    AuditCheckpointRow.delete().execute()
    AuditCheckpointRow.insert(
        id=1,
        seq=checkpoint.seq,
        mac=checkpoint.mac,
        at=checkpoint.at,
        key_id=checkpoint.key_id,
        seal=checkpoint.seal,
    ).execute()
