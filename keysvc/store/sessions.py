"""Keep sessions; ``lookup`` finds what a token stands for."""

from datetime import datetime
from typing import Any
from uuid import UUID

from keysvc.errors import NotFound
from keysvc.model import Secret
from keysvc.model import Session
from keysvc.store import ring
from keysvc.store.statements import insert
from keysvc.store.tables import SessionRow


def add(session: Session, secret: Secret) -> None:
    """Keep a new *session*, and the digest of its token's secret."""
    ring.require_live(secret.digest_key)
    values = {
        "id": str(session.id),
        "public_id": session.public_id,
        "digest": secret.digest,
        "digest_key": secret.digest_key,
        "operator_id": session.operator_id,
        "credential_id": session.credential_id,
        "generation": session.generation,
        "created_at": session.created_at,
        "expires_at": session.expires_at,
    }
    insert(SessionRow, values)


def get(id_: str) -> Session:
    """Return the session of this id, or raise ``NotFound``."""
    row = SessionRow.get_or_none(SessionRow.id == id_)
    if row is None:
        raise NotFound("There is no such session.")
    return _session(row)


def alive(now: datetime) -> list[Session]:
    """Return the sessions whose time is not over, oldest first."""
    query = SessionRow.select().where(SessionRow.expires_at > now)
    return [_session(row) for row in query.order_by(SessionRow.created_at)]


def delete(id_: UUID) -> bool:
    """End a session; tell whether it was there."""
    query: Any = SessionRow.delete().where(SessionRow.id == str(id_))
    return bool(query.execute())


def delete_of(operator_id: UUID) -> None:
    """End every session of an operator."""
    SessionRow.delete().where(SessionRow.operator_id == str(operator_id)).execute()


def purge(now: datetime) -> None:
    """Forget the sessions whose time is over."""
    SessionRow.delete().where(SessionRow.expires_at <= now).execute()


def _session(row: Any) -> Session:
    return Session(
        id=UUID(row.id),
        operator_id=row.operator_id,
        credential_id=row.credential_id,
        public_id=row.public_id,
        generation=row.generation,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
