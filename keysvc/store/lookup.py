"""The statements of verifications: compiled once, no models, no transaction."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from typing import NamedTuple
from uuid import UUID

import peewee

from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Stored
from keysvc.store.connection import reading
from keysvc.store.fields import moment
from keysvc.store.statements import Statement
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import OperatorRow
from keysvc.store.tables import ServiceAccountRow
from keysvc.store.tables import SessionRow

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
    CredentialRow.generation,
    CredentialRow.retained_digest,
    CredentialRow.retained_key,
    CredentialRow.retained_until,
    ServiceAccountRow.is_active,
)

_OPERATOR_COLUMNS = (
    OperatorRow.id,
    OperatorRow.is_active,
    OperatorRow.scopes,
    OperatorRow.generation,
)

_SESSION_COLUMNS = (
    SessionRow.id,
    SessionRow.digest,
    SessionRow.digest_key,
    SessionRow.generation,
    SessionRow.expires_at,
    *_OPERATOR_COLUMNS,
    *_COLUMNS,
)

# A constant, not a parameter: the statements take the public id alone.
_OF_ACCOUNT = (
    CredentialRow.owner_kind == peewee.SQL(f"'{OwnerKind.SERVICE_ACCOUNT}'")
) & (CredentialRow.owner_id == ServiceAccountRow.id)


class StoredOperator(NamedTuple):
    """What a session needs of the operator that has logged in."""

    id: str
    is_active: bool
    scopes: tuple[str, ...]
    generation: int


class StoredSession(NamedTuple):
    """What a verification needs of one session, and of what it came from."""

    id: str
    digest: str
    digest_key: str
    generation: int
    expires_at: datetime
    operator: StoredOperator | None
    credential: Stored | None


def find(public_id: str) -> Stored | None:
    """
    Return what a verification needs of the credential *public_id*.

    Raises:
        Unavailable: If the database cannot be asked.
    """
    row = _first(_CREDENTIAL, public_id)
    return None if row is None else _stored(*row)


def find_session(public_id: str) -> StoredSession | None:
    """
    Return what a verification needs of the session *public_id*.

    Raises:
        Unavailable: If the database cannot be asked.
    """
    row = _first(_SESSION, public_id)
    return None if row is None else _session(row)


def _first(statement: Statement, public_id: str) -> Sequence[Any] | None:
    with reading():
        row: Sequence[Any] | None = statement.run(public_id).fetchone()
    return row


def _credential_query() -> Any:
    query = CredentialRow.select(*_COLUMNS).where(CredentialRow.public_id == "")
    return query.join(ServiceAccountRow, peewee.JOIN.LEFT_OUTER, on=_OF_ACCOUNT)


def _session_query() -> Any:
    outer = peewee.JOIN.LEFT_OUTER
    return (
        SessionRow.select(*_SESSION_COLUMNS)
        .where(SessionRow.public_id == "")
        .join(OperatorRow, outer, on=SessionRow.operator_id == OperatorRow.id)
        .switch(SessionRow)
        .join(CredentialRow, outer, on=SessionRow.credential_id == CredentialRow.id)
        .join(ServiceAccountRow, outer, on=_OF_ACCOUNT)
    )


_CREDENTIAL = Statement(_credential_query)
_SESSION = Statement(_session_query)


def _session(row: Sequence[Any]) -> StoredSession:
    id_, digest, digest_key, generation, expires_at, *rest = row
    expiry = moment(expires_at)
    assert expiry is not None
    operator, credential = rest[:4], rest[4:]
    return StoredSession(
        id=id_,
        digest=digest,
        digest_key=digest_key,
        generation=generation,
        expires_at=expiry,
        operator=None if operator[0] is None else _operator(*operator),
        credential=None if credential[0] is None else _stored(*credential),
    )


def _operator(
    id_: str, is_active: bool | int, scopes: str, generation: int
) -> StoredOperator:
    return StoredOperator(id_, bool(is_active), tuple(json.loads(scopes)), generation)


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
    generation: int | None,
    retained_digest: str | None,
    retained_key: str | None,
    retained_until: datetime | str | None,
    account_active: bool | int | None,
) -> Stored:
    """Read one row, in the order of ``_COLUMNS``, as either driver gives it."""
    # A service account that is gone leaves its keys dead; other owners are not kept.
    has_account = owner_kind == OwnerKind.SERVICE_ACCOUNT
    return Stored(
        id=id_ if isinstance(id_, UUID) else UUID(id_),
        kind=Kind(kind),
        owner=Owner(OwnerKind(owner_kind), owner_id),
        public_id=public_id,
        is_active=bool(is_active),
        scopes_text=scopes,
        allowed_ips_text=allowed_ips,
        rate_limit=rate_limit,
        remaining=remaining,
        expires_at=moment(expires_at),
        digest=digest,
        digest_key=digest_key,
        sealed=sealed,
        sealed_key=sealed_key,
        generation=generation or 0,
        retained_digest=retained_digest,
        retained_key=retained_key,
        retained_until=moment(retained_until),
        owner_active=bool(account_active) or not has_account,
    )
