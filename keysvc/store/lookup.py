"""The statements of verifications: compiled once, no models, no transaction."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Principal
from keysvc.model import Stored
from keysvc.model import StoredOperator
from keysvc.model import StoredSession
from keysvc.store.connection import reading
from keysvc.store.fields import moment
from keysvc.store.statements import Selection
from keysvc.store.statements import Statement
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import OperatorRow
from keysvc.store.tables import ServiceAccountRow
from keysvc.store.tables import SessionRow

#: How many principals ``find_all`` finds at once.
MANY = 100

_CREDENTIAL = (
    CredentialRow.id,
    CredentialRow.kind,
    CredentialRow.owner_kind,
    CredentialRow.owner_id,
    CredentialRow.public_id,
    CredentialRow.name,
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
    CredentialRow.retained_sealed,
    CredentialRow.retained_sealed_key,
    CredentialRow.retained_until,
    CredentialRow.attributes,
    ServiceAccountRow.is_active,
)

_OPERATOR = (
    OperatorRow.id,
    OperatorRow.name,
    OperatorRow.is_active,
    OperatorRow.scopes,
    OperatorRow.generation,
)

_SESSION = (
    SessionRow.id,
    SessionRow.public_id,
    SessionRow.digest,
    SessionRow.digest_key,
    SessionRow.generation,
    SessionRow.expires_at,
    SessionRow.operator_id,
    *_OPERATOR,
)

# A constant, not a parameter: the statements take public ids alone.
_OF_ACCOUNT = (
    CredentialRow.owner_kind == peewee.SQL(f"'{OwnerKind.SERVICE_ACCOUNT}'")
) & (CredentialRow.owner_id == ServiceAccountRow.id)


def find(public_id: str) -> Stored | None:
    """
    Return what a verification needs of the credential *public_id*.

    Raises:
        Unavailable: If the database cannot be asked.
    """
    with reading():
        row = _FIND.row(public_id)
    # What is not there is read too: it must not cost less than what is.
    stored = _stored(*(row or _NOBODY))
    return stored if row else None


def find_session(public_id: str) -> StoredSession | None:
    """
    Return what a verification needs of the session *public_id*.

    Raises:
        Unavailable: If the database cannot be asked.
    """
    with reading():
        row = _FIND_SESSION.row(public_id)
    session = _session(row or _NO_SESSION)
    return session if row else None


def find_all(public_ids: Sequence[str]) -> dict[str, Principal]:
    """
    Return what there is of up to ``MANY`` credentials and sessions, in one statement.

    Raises:
        Unavailable: If the database cannot be asked.
    """
    # The statement is compiled for so many: the last one fills it up.
    ids = [*public_ids, *[public_ids[-1]] * (MANY - len(public_ids))]
    with reading():
        rows = _FIND_ALL.run(*ids, *ids).fetchall()
    own = len(_SESSION)
    found: list[Principal] = [
        _stored(*row[own:]) if row[0] is None else _session(row) for row in rows
    ]
    return {principal.public_id: principal for principal in found}


def _credentials(*columns: Any) -> Any:
    query = CredentialRow.select(*columns, *_CREDENTIAL)
    return query.join(ServiceAccountRow, peewee.JOIN.LEFT_OUTER, on=_OF_ACCOUNT)


def _sessions() -> Any:
    outer = peewee.JOIN.LEFT_OUTER
    return (
        SessionRow.select(*_SESSION, *_CREDENTIAL)
        .join(OperatorRow, outer, on=SessionRow.operator_id == OperatorRow.id)
        .switch(SessionRow)
        .join(CredentialRow, outer, on=SessionRow.credential_id == CredentialRow.id)
        .join(ServiceAccountRow, outer, on=_OF_ACCOUNT)
    )


def _everything() -> Any:
    any_of = [""] * MANY
    no_session = [peewee.SQL("NULL")] * len(_SESSION)
    return (
        _sessions()
        .where(SessionRow.public_id.in_(any_of))
        .union_all(_credentials(*no_session).where(CredentialRow.public_id.in_(any_of)))
    )


_FIND = Selection(lambda: _credentials().where(CredentialRow.public_id == ""))
_FIND_SESSION = Selection(lambda: _sessions().where(SessionRow.public_id == ""))
_FIND_ALL = Statement(_everything)


_NOBODY = (
    *("0" * 32, Kind.API_KEY.value, OwnerKind.SERVICE_ACCOUNT.value, "0" * 36),
    *("0" * 16, "", True, "[]", "[]", None, None, None, "0" * 64, "0" * 16),
    *(None, None, 0, None, None, None, None, None, "{}", True),
)
_NO_SESSION = (
    *("0" * 32, "0" * 16, "0" * 64, "0" * 16, 0, "2000-01-01 00:00:00+00:00", None),
    *[None] * len(_OPERATOR),
    *_NOBODY,
)


def _session(row: Sequence[Any]) -> StoredSession:
    own = len(_SESSION) - len(_OPERATOR)
    id_, public_id, digest, digest_key, generation, expires_at, operator_id = row[:own]
    operator, credential = row[own : len(_SESSION)], row[len(_SESSION) :]
    ends_at = moment(expires_at)
    assert ends_at is not None
    return StoredSession(
        id=id_,
        public_id=public_id,
        digest=digest,
        digest_key=digest_key,
        generation=generation,
        ends_at=ends_at,
        operator_id=operator_id,
        operator=None if operator[0] is None else _operator(*operator),
        credential=None if credential[0] is None else _stored(*credential),
    )


def _operator(
    id_: str, name: str, is_active: bool | int, scopes: str, generation: int
) -> StoredOperator:
    held = tuple(json.loads(scopes))
    return StoredOperator(id_, name, bool(is_active), held, generation)


def _stored(
    id_: UUID | str,
    kind: str,
    owner_kind: str,
    owner_id: str,
    public_id: str,
    name: str,
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
    retained_sealed: str | None,
    retained_sealed_key: str | None,
    retained_until: datetime | str | None,
    attributes: str,
    account_active: bool | int | None,
) -> Stored:
    """Read one row, in the order of ``_CREDENTIAL``, as either driver gives it."""
    # A service account that is gone leaves its keys dead; other owners are not kept.
    has_account = owner_kind == OwnerKind.SERVICE_ACCOUNT
    uuid = id_ if isinstance(id_, UUID) else UUID(id_)
    return Stored(
        id=uuid,
        kind=Kind(kind),
        owner=Owner(OwnerKind(owner_kind), owner_id),
        public_id=public_id,
        principal_id=public_id if kind == Kind.KEYPAIR else str(uuid),
        name=name,
        is_active=bool(is_active),
        scopes_text=scopes,
        allowed_ips_text=allowed_ips,
        # Only organizations' keys have roles; what others keep there may be long.
        attributes_text=attributes if kind == Kind.ACCESS_KEY else None,
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
        retained_sealed=retained_sealed,
        retained_sealed_key=retained_sealed_key,
        retained_until=moment(retained_until),
        owner_active=bool(account_active) or not has_account,
    )
