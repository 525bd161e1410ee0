"""Find and keep credentials."""

from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from keysvc.errors import Conflict
from keysvc.errors import NotFound
from keysvc.model import Credential
from keysvc.model import Kind
from keysvc.model import Listing
from keysvc.model import Owner
from keysvc.model import Page
from keysvc.model import Secret
from keysvc.model import Sort
from keysvc.store import listing as lists
from keysvc.store import ring
from keysvc.store.connection import is_postgres
from keysvc.store.listing import Column
from keysvc.store.listing import dashed
from keysvc.store.rows import columns
from keysvc.store.rows import COUNTED
from keysvc.store.rows import credential as read
from keysvc.store.rows import SHOWN
from keysvc.store.statements import insert
from keysvc.store.statements import Statement
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import database

_LISTED = {
    "id": Column(dashed(CredentialRow.id)),
    "public_id": Column(CredentialRow.public_id),
    "created_at": Column(CredentialRow.created_at),
    "name": Column(CredentialRow.name, CredentialRow.name_folded),
    "description": Column(CredentialRow.description, CredentialRow.description_folded),
    "active": Column(CredentialRow.is_active),
    "created": Column(CredentialRow.created_at),
    "updated": Column(CredentialRow.updated_at),
    "last_login": Column(CredentialRow.last_login_at),
    "last_rotated": Column(CredentialRow.rotated_at),
    "service_account": Column(CredentialRow.owner_id),
}


def add(credential: Credential, secret: Secret) -> None:
    """
    Keep a new *credential*, and of its secret what may be kept.

    Raises:
        Conflict: If its family has names of their own, and this one is taken.
    """
    ring.require_live(secret.digest_key)
    unrotated = {"generation": 0, "retained_digest": None, "retained_key": None}
    try:
        insert(CredentialRow, columns(credential) | secret._asdict() | unrotated)
    except peewee.IntegrityError:
        raise _taken(credential) from None


def get(
    kind: Kind, owner: Owner, reference: str, *, locked: bool = False
) -> Credential:
    """
    Return one credential of *owner*; *locked*, nobody else changes it meanwhile.

    Args:
        reference: What the family calls it by: an access key, an id, or a name.

    Raises:
        NotFound: If *owner* has none of this *kind* and *reference*.
    """
    column, value = _called(kind, reference)
    # SQLite's transactions lock the whole database: it knows no row locks.
    statements = _LOCKED if locked and is_postgres() else _ONE
    row = statements[column].run(kind, *owner, value).fetchone()
    if row is None:
        raise NotFound
    return read(row)


def page(kind: Kind, owner: Owner, listing: Listing) -> Page[Credential]:
    """Return a part of the credentials of *owner*."""
    if listing.conditions or listing.sort != Sort():
        mine = of(kind, *owner)
        return lists.page(mine, listing, _LISTED, _read_all)
    total, window = _COUNT.run(kind, *owner).fetchone()[0], listing.window
    if lists.is_beyond(listing, total):
        return Page((), total, window)
    limit = min(window.limit or total, total)
    rows = _PAGE.run(kind, *owner, limit, window.offset).fetchall()
    return Page([read(row) for row in rows], total, window)


def all_of(owner: Owner) -> list[Credential]:
    """Return every credential of *owner*, of whatever family."""
    query: Any = CredentialRow.select(*SHOWN).where(
        CredentialRow.owner_kind == owner.kind, CredentialRow.owner_id == owner.id
    )
    return _read_all(query.order_by(CredentialRow.id))


def update(credential: Credential) -> None:
    """
    Keep *credential* as it is now.

    Raises:
        Conflict: If its new name is taken.
    """
    kept = columns(credential)
    for counted in COUNTED:
        del kept[counted]
    mine = CredentialRow.id == credential.id
    try:
        CredentialRow.update(**kept).where(mine).execute()
    except peewee.IntegrityError:
        raise _taken(credential) from None


def rotate(credential: Credential, secret: Secret) -> None:
    """Give *credential* another secret; the old one is good until it says."""
    ring.require_live(secret.digest_key)
    retained = credential.retained_until is not None
    mine = CredentialRow.id == credential.id
    CredentialRow.update(
        **secret._asdict(),
        attributes=credential.attributes,
        retained_digest=CredentialRow.digest if retained else None,
        retained_key=CredentialRow.digest_key if retained else None,
        retained_until=credential.retained_until,
        retained_used_at=None,
        retain_minutes=credential.retain_minutes,
        rotated_at=credential.rotated_at,
        updated_at=credential.updated_at,
        generation=peewee.fn.COALESCE(CredentialRow.generation, 0) + 1,
    ).where(mine).execute()


def log_in(id_: UUID, now: datetime) -> None:
    """Note a login; it is no change of the credential."""
    CredentialRow.update(last_login_at=now).where(CredentialRow.id == id_).execute()


def delete(id_: UUID) -> None:
    """Forget a credential for good."""
    CredentialRow.delete().where(CredentialRow.id == id_).execute()


def holders_of(scope: str) -> list[Credential]:
    """Return the active credentials that hold exactly *scope*, and have a secret."""
    # Inside a JSON text every quote that is not a delimiter is escaped. LOWER, which
    # changes nothing, keeps Peewee from writing the pattern as a JSON text too.
    query: Any = CredentialRow.select(*SHOWN).where(
        CredentialRow.is_active,
        CredentialRow.digest != "",
        peewee.fn.LOWER(CredentialRow.scopes).contains(f'"{scope}"'),
    )
    return _read_all(query)


def _read_all(query: Any) -> list[Credential]:
    return [read(row) for row in database.execute(query).fetchall()]


def _taken(credential: Credential) -> Conflict:
    return Conflict(f"There is a credential {credential.name!r}.")


def _called(kind: Kind, reference: str) -> tuple[str, str]:
    """Return the column that *reference* is looked for in, and how it stands there."""
    if kind is Kind.KEYPAIR:
        return "public_id", reference
    try:
        return "id", UUID(reference).hex
    except ValueError:
        if kind is Kind.API_KEY:
            return "name", reference
        raise NotFound from None


def of(kind: str = "", owner_kind: str = "", owner_id: str = "", *more: Any) -> Any:
    mine = (
        CredentialRow.kind == kind,
        CredentialRow.owner_kind == owner_kind,
        CredentialRow.owner_id == owner_id,
    )
    return CredentialRow.select(*SHOWN).where(*mine, *more)


def _one(column: str) -> Any:
    field = getattr(CredentialRow, column)
    nothing = UUID(int=0) if column == "id" else ""
    return of("", "", "", field == nothing)


_ONE = {
    "public_id": Statement(lambda: _one("public_id")),
    "id": Statement(lambda: _one("id")),
    "name": Statement(lambda: _one("name")),
}
_LOCKED = {
    "public_id": Statement(lambda: _one("public_id").for_update()),
    "id": Statement(lambda: _one("id").for_update()),
    "name": Statement(lambda: _one("name").for_update()),
}
_COUNT = Statement(lambda: of().columns(peewee.fn.COUNT(CredentialRow.id)))
_PAGE = Statement(
    lambda: (
        of()
        .order_by(CredentialRow.created_at, CredentialRow.public_id)
        .limit(1)
        .offset(1)
    )
)
