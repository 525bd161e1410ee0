"""What verifications read, column by column, and what it becomes."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Stored
from keysvc.model import StoredOperator
from keysvc.model import StoredSession
from keysvc.store.fields import moment
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import OperatorRow
from keysvc.store.tables import ServiceAccountRow
from keysvc.store.tables import SessionRow

CREDENTIAL = (
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

SESSION = (
    SessionRow.id,
    SessionRow.public_id,
    SessionRow.digest,
    SessionRow.digest_key,
    SessionRow.generation,
    SessionRow.expires_at,
    SessionRow.operator_id,
    *_OPERATOR,
)

#: What stands for rows that are not there.
NOBODY = (
    *("0" * 32, Kind.API_KEY.value, OwnerKind.SERVICE_ACCOUNT.value, "0" * 36),
    *("0" * 16, "", True, "[]", "[]", None, None, None, "0" * 64, "0" * 16),
    *(None, None, 0, None, None, None, None, None, "{}", True),
)
NO_SESSION = (
    *("0" * 32, "0" * 16, "0" * 64, "0" * 16, 0, "2000-01-01 00:00:00+00:00", None),
    *[None] * len(_OPERATOR),
    *NOBODY,
)


def session_of(row: Sequence[Any]) -> StoredSession:
    """Read one row, in the order of ``SESSION`` and ``CREDENTIAL``."""
    own = len(SESSION) - len(_OPERATOR)
    id_, public_id, digest, digest_key, generation, expires_at, operator_id = row[:own]
    operator, credential = row[own : len(SESSION)], row[len(SESSION) :]
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
        credential=None if credential[0] is None else stored_of(*credential),
    )


def _operator(
    id_: str, name: str, is_active: bool | int, scopes: str, generation: int
) -> StoredOperator:
    held = tuple(json.loads(scopes))
    return StoredOperator(id_, name, bool(is_active), held, generation)


def stored_of(
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
    """Read one row, in the order of ``CREDENTIAL``, as either driver gives it."""
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
