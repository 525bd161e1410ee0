"""The one statement of a verification: compiled once, no model, no transaction."""

import json
from datetime import datetime
from uuid import UUID

from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Stored
from keysvc.store.connection import reading
from keysvc.store.fields import moment
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import database

_COLUMNS = (
    CredentialRow.id,
    CredentialRow.kind,
    CredentialRow.owner_kind,
    CredentialRow.owner_id,
    CredentialRow.public_id,
    CredentialRow.is_active,
    CredentialRow.scopes,
    CredentialRow.allowed_ips,
    CredentialRow.rate_limit,
    CredentialRow.remaining,
    CredentialRow.expires_at,
    CredentialRow.digest,
    CredentialRow.digest_key,
    CredentialRow.sealed,
    CredentialRow.sealed_key,
)

#: The statement in the dialect of each class of database.
_compiled: dict[type, str] = {}


def find(public_id: str) -> Stored | None:
    """
    Return what a verification needs of the credential *public_id*.

    Raises:
        Unavailable: If the database cannot be asked.
    """
    with reading():
        row = database.execute_sql(_statement(), (public_id,)).fetchone()
    return None if row is None else _stored(*row)


def _statement() -> str:
    dialect = type(database.obj)
    if dialect not in _compiled:
        query = CredentialRow.select(*_COLUMNS).where(CredentialRow.public_id == "")
        _compiled[dialect] = query.sql()[0]
    return _compiled[dialect]


def _stored(
    id_: UUID | str,
    kind: str,
    owner_kind: str,
    owner_id: str,
    public_id: str,
    is_active: bool | int,
    scopes: str,
    allowed_ips: str,
    rate_limit: int | None,
    remaining: int | None,
    expires_at: datetime | str | None,
    digest: str,
    digest_key: str,
    sealed: str | None,
    sealed_key: str | None,
) -> Stored:
    """Read one row, in the order of ``_COLUMNS``, as either driver gives it."""
    return Stored(
        id=id_ if isinstance(id_, UUID) else UUID(id_),
        kind=Kind(kind),
        owner=Owner(OwnerKind(owner_kind), owner_id),
        public_id=public_id,
        is_active=bool(is_active),
        scopes=tuple(json.loads(scopes)),
        allowed_ips=tuple(json.loads(allowed_ips)),
        rate_limit=rate_limit,
        remaining=remaining,
        expires_at=moment(expires_at),
        digest=digest,
        digest_key=digest_key,
        sealed=sealed,
        sealed_key=sealed_key,
    )
