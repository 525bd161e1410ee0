"""Find and keep credentials."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import peewee

from keysvc.errors import NotFound
from keysvc.model import Actor
from keysvc.model import Credential
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Page
from keysvc.model import Secret
from keysvc.model import Window
from keysvc.store import ring
from keysvc.store.connection import is_postgres
from keysvc.store.tables import CredentialRow


def add(credential: Credential, secret: Secret) -> None:
    """Keep a new *credential*, and of its secret what may be kept."""
    ring.require_live(secret.digest_key)
    CredentialRow.insert(**_columns(credential), **secret._asdict()).execute()


def get(
    kind: Kind, owner: Owner, public_id: str, *, locked: bool = False
) -> Credential:
    """
    Return one credential of *owner*; *locked*, nobody else changes it meanwhile.

    Raises:
        NotFound: If *owner* has none of this *kind* and *public_id*.
    """
    query = _of(kind, owner).where(CredentialRow.public_id == public_id)
    # SQLite's transactions lock the whole database: it knows no row locks.
    row = (query.for_update() if locked and is_postgres() else query).get_or_none()
    if row is None:
        raise NotFound
    return _credential(row)


def page(kind: Kind, owner: Owner, window: Window) -> Page:
    """Return a part of the credentials of *owner*, by creation and public id."""
    mine = _of(kind, owner)
    total = mine.count()
    if window.offset >= total:
        return Page((), total, window)
    rows = mine.order_by(CredentialRow.created_at, CredentialRow.public_id)
    if window.limit:
        rows = rows.limit(min(window.limit, total)).offset(window.offset)
    return Page([_credential(row) for row in rows], total, window)


def update(credential: Credential) -> None:
    """Keep *credential* as it is now."""
    columns = _columns(credential)
    # What verifications count is theirs alone to write.
    for counted in ("last_used_at", "total_queries"):
        del columns[counted]
    CredentialRow.update(**columns).where(CredentialRow.id == credential.id).execute()


def delete(id_: UUID) -> None:
    """Forget a credential for good."""
    CredentialRow.delete().where(CredentialRow.id == id_).execute()


def holders_of(scope: str) -> list[Credential]:
    """Return the active credentials that hold exactly *scope*, and have a secret."""
    # Inside a JSON text every quote that is not a delimiter is escaped. LOWER, which
    # changes nothing, keeps Peewee from writing the pattern as a JSON text too.
    query = CredentialRow.select().where(
        CredentialRow.is_active,
        CredentialRow.digest != "",
        peewee.fn.LOWER(CredentialRow.scopes).contains(f'"{scope}"'),
    )
    return [_credential(row) for row in query]


def _of(kind: Kind, owner: Owner) -> Any:
    return CredentialRow.select().where(
        CredentialRow.kind == kind,
        CredentialRow.owner_kind == owner.kind,
        CredentialRow.owner_id == owner.id,
    )


#: Columns that have the name and the shape of their value.
_PLAIN = (
    "id",
    "kind",
    "public_id",
    "name",
    "description",
    "is_active",
    "scopes",
    "allowed_ips",
    "rate_limit",
    "remaining",
    "expires_at",
    "attributes",
    "created_at",
    "updated_at",
    "last_used_at",
    "total_queries",
)


def _columns(credential: Credential) -> dict[str, Any]:
    columns: dict[str, Any] = {name: getattr(credential, name) for name in _PLAIN}
    columns["owner_kind"], columns["owner_id"] = credential.owner
    columns["created_by_kind"], columns["created_by_id"] = credential.created_by
    return columns


def _credential(row: Any) -> Credential:
    values: Mapping[str, Any] = {name: getattr(row, name) for name in _PLAIN}
    return Credential(
        **{
            **values,
            "kind": Kind(row.kind),
            "scopes": tuple(row.scopes),
            "allowed_ips": tuple(row.allowed_ips),
            "owner": Owner(OwnerKind(row.owner_kind), row.owner_id),
            "created_by": Actor(row.created_by_kind, row.created_by_id),
        }
    )
