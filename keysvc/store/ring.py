"""Which keys of the ring the database knows, and what was made with them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from typing import NamedTuple
from uuid import UUID

from keysvc.errors import Unavailable
from keysvc.model import Secret
from keysvc.store.connection import is_postgres
from keysvc.store.statements import Statement
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import RingKeyRow
from keysvc.store.tables import SessionRow


class Wrapped(NamedTuple):
    """The audit key of a dropped ring key, sealed by a key that is still there."""

    key_id: str
    audit_key: str
    sealed_by: str


def known() -> set[str]:
    """Return the ids of the keys without which this database cannot be served."""
    query = RingKeyRow.select(RingKeyRow.key_id).where(RingKeyRow.dropped_at.is_null())
    return {row.key_id for row in query}


def remember(key_id: str, now: datetime) -> None:
    """Note that things are made with this key from now on."""
    RingKeyRow.insert(key_id=key_id, first_used_at=now).on_conflict_ignore().execute()


def is_dropped(key_id: str) -> bool:
    """Tell whether this key was let go of: it must never make anything again."""
    return (
        RingKeyRow.select()
        .where(RingKeyRow.key_id == key_id, RingKeyRow.dropped_at.is_null(False))
        .exists()
    )


def require_live(key_id: str) -> None:
    """
    Make sure that this key is not dropped before the transaction ends.

    Raises:
        Unavailable: If it has been dropped already.
    """
    statement = _LIVE_SHARED if is_postgres() else _LIVE
    if statement.run(key_id).fetchone() is None:
        raise Unavailable(f"The key {key_id} has left the ring.")


def _live() -> Any:
    return RingKeyRow.select(RingKeyRow.key_id).where(
        RingKeyRow.key_id == "", RingKeyRow.dropped_at.is_null()
    )


_LIVE = Statement(_live)
_LIVE_SHARED = Statement(lambda: _live().for_update("FOR SHARE"))


def drop(wrapped: Wrapped, now: datetime) -> None:
    """Note that this key is gone, and keep what checks the records it has signed."""
    RingKeyRow.update(
        dropped_at=now,
        audit_key=wrapped.audit_key,
        audit_key_sealed_by=wrapped.sealed_by,
    ).where(RingKeyRow.key_id == wrapped.key_id).execute()


def wrapped() -> list[Wrapped]:
    """Return what is kept of the dropped keys."""
    query = RingKeyRow.select(
        RingKeyRow.key_id, RingKeyRow.audit_key, RingKeyRow.audit_key_sealed_by
    ).where(RingKeyRow.audit_key.is_null(False), RingKeyRow.dropped_at.is_null(False))
    rows: Any = query.tuples()
    return [Wrapped(*row) for row in rows]


def rewrap(wrapped: Wrapped) -> None:
    """Keep the audit key of a dropped key under another seal."""
    RingKeyRow.update(
        audit_key=wrapped.audit_key, audit_key_sealed_by=wrapped.sealed_by
    ).where(RingKeyRow.key_id == wrapped.key_id).execute()


def dependents(key_id: str) -> list[tuple[UUID, str]]:
    """Return id and public id of the credentials whose secret needs this key."""
    needs = (CredentialRow.digest_key == key_id) | (CredentialRow.sealed_key == key_id)
    query = CredentialRow.select(CredentialRow.id, CredentialRow.public_id).where(needs)
    return [(row.id, row.public_id) for row in query.order_by(CredentialRow.id)]


def seals(key_id: str) -> int:
    """Count the dropped keys whose audit key this key has sealed."""
    count: int = (
        RingKeyRow.select().where(RingKeyRow.audit_key_sealed_by == key_id).count()
    )
    return count


def sealed_by_others(key_id: str, limit: int) -> Iterator[tuple[UUID, Secret]]:
    """Yield up to *limit* sealed secrets that another key than *key_id* made."""
    query = CredentialRow.select().where(
        CredentialRow.sealed.is_null(False),
        (CredentialRow.sealed_key != key_id) | (CredentialRow.digest_key != key_id),
    )
    row: Any
    for row in query.order_by(CredentialRow.id).limit(limit):
        yield row.id, Secret(row.digest, row.digest_key, row.sealed, row.sealed_key)


def replace(id_: UUID, old: Secret, new: Secret) -> None:
    """Keep *new* in the place of *old*, unless somebody has replaced it meanwhile."""
    require_live(new.digest_key)
    CredentialRow.update(**new._asdict()).where(
        CredentialRow.id == id_, CredentialRow.digest == old.digest
    ).execute()


def forget_retained(key_id: str) -> None:
    """Leave nothing that a rotation retained under this key, nor any session of it."""
    CredentialRow.update(**_NOTHING_RETAINED).where(_retains_by(key_id)).execute()
    SessionRow.delete().where(SessionRow.digest_key == key_id).execute()


def retained(key_id: str, now: datetime) -> list[str]:
    """Return the public ids of credentials whose replaced secret needs this key."""
    query = CredentialRow.select(CredentialRow.public_id).where(
        _retains_by(key_id), CredentialRow.retained_until > now
    )
    return [row.public_id for row in query.order_by(CredentialRow.id)]


def kill(id_: UUID) -> None:
    """Leave a credential without any secret, switched off."""
    CredentialRow.update(
        digest="",
        digest_key="",
        sealed=None,
        sealed_key=None,
        is_active=False,
        **_NOTHING_RETAINED,
    ).where(CredentialRow.id == id_).execute()


def _retains_by(key_id: str) -> Any:
    """Return the condition that a replaced secret needs this key."""
    return (CredentialRow.retained_key == key_id) | (
        CredentialRow.retained_sealed_key == key_id
    )


_NOTHING_RETAINED: dict[str, Any] = dict.fromkeys(
    (
        "retained_digest",
        "retained_key",
        "retained_sealed",
        "retained_sealed_key",
        "retained_until",
    )
)
