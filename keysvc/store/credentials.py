"""Find and keep credentials."""

from datetime import datetime
from functools import cache
from functools import partial
from typing import Any
from typing import TypeVar
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
from keysvc.model.names import reference_of
from keysvc.store import listing as lists
from keysvc.store import ring
from keysvc.store.connection import is_postgres
from keysvc.store.listing import Column
from keysvc.store.listing import dashed
from keysvc.store.rows import columns
from keysvc.store.rows import COUNTED
from keysvc.store.rows import FULL
from keysvc.store.rows import View
from keysvc.store.statements import insert
from keysvc.store.statements import select
from keysvc.store.statements import Selection
from keysvc.store.statements import Statement
from keysvc.store.statements import update as update_row
from keysvc.store.tables import CredentialRow

T = TypeVar("T")

#: What a rotation leaves behind, before there was one.
_UNROTATED: dict[str, Any] = {
    "generation": 0,
    **dict.fromkeys(
        ("retained_digest", "retained_key", "retained_sealed", "retained_sealed_key")
    ),
}

_LISTED = {
    "id": Column(dashed(CredentialRow.id), sorted=CredentialRow.id),
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
    try:
        insert(CredentialRow, columns(credential) | secret._asdict() | _UNROTATED)
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
    selections = _LOCKED if locked and is_postgres() else _ONE
    row = selections[column].row(kind, *owner, value)
    if row is None:
        raise NotFound
    return FULL.read(row)


def page(kind: Kind, owner: Owner, listing: Listing, view: View[T]) -> Page[T]:
    """Return a part of the credentials of *owner*, told as *view* does."""
    if listing.conditions:
        mine = of(kind, *owner)
        return lists.page(mine, listing, _LISTED, partial(_read_all, view=view))
    total, window = _COUNT.run(kind, *owner).fetchone()[0], listing.window
    if lists.is_beyond(listing, total):
        return Page((), total, window)
    limit = min(window.limit or total, total)
    selection = _sorted_by(view, listing.sort)
    rows = selection.rows(kind, *owner, limit, window.offset)
    return Page([view.read(row) for row in rows], total, window)


def all_of(owner: Owner) -> list[Credential]:
    """Return every credential of *owner*, of whatever family."""
    query: Any = CredentialRow.select().where(
        CredentialRow.owner_kind == owner.kind, CredentialRow.owner_id == owner.id
    )
    return _read_all(query.order_by(CredentialRow.id), FULL)


def update(credential: Credential) -> None:
    """
    Keep *credential* as it is now.

    Raises:
        Conflict: If its new name is taken.
    """
    kept = columns(credential)
    for counted in COUNTED:
        del kept[counted]
    try:
        update_row(CredentialRow, credential.id, kept)
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
        retained_sealed=CredentialRow.sealed if retained else None,
        retained_sealed_key=CredentialRow.sealed_key if retained else None,
        retained_until=credential.retained_until,
        retained_used_at=None,
        retain_minutes=credential.retain_minutes,
        rotated_at=credential.rotated_at,
        updated_at=credential.updated_at,
        generation=peewee.fn.COALESCE(CredentialRow.generation, 0) + 1,
    ).where(mine).execute()


def log_in(id_: UUID, now: datetime) -> None:
    """Note a login; it is no change of the credential."""
    update_row(CredentialRow, id_, {"last_login_at": now})


def delete(id_: UUID) -> None:
    """Forget a credential for good."""
    CredentialRow.delete().where(CredentialRow.id == id_).execute()


def holders_of(scope: str) -> list[Credential]:
    """Return the active credentials that hold exactly *scope*, and have a secret."""
    # Inside a JSON text every quote that is not a delimiter is escaped. LOWER, which
    # changes nothing, keeps Peewee from writing the pattern as a JSON text too.
    query: Any = CredentialRow.select().where(
        CredentialRow.is_active,
        CredentialRow.digest != "",
        peewee.fn.LOWER(CredentialRow.scopes).contains(f'"{scope}"'),
    )
    return _read_all(query, FULL)


def _read_all(query: Any, view: View[T]) -> list[T]:
    return [view.read(row) for row in select(query.columns(*view.columns))]


def _taken(credential: Credential) -> Conflict:
    return Conflict(f"There is a credential {credential.name!r}.")


def _called(kind: Kind, reference: str) -> tuple[str, str]:
    """Return the column that *reference* is looked for in, and how it stands there."""
    if kind is Kind.KEYPAIR:
        return "public_id", reference
    found = reference_of(reference)
    if isinstance(found, UUID):
        return "id", found.hex
    if kind is Kind.API_KEY:
        return "name", found
    raise NotFound


def of(kind: str = "", owner_kind: str = "", owner_id: str = "", *more: Any) -> Any:
    mine = (
        CredentialRow.kind == kind,
        CredentialRow.owner_kind == owner_kind,
        CredentialRow.owner_id == owner_id,
    )
    return CredentialRow.select(*FULL.columns).where(*mine, *more)


def _one(column: str) -> Any:
    field = getattr(CredentialRow, column)
    nothing = UUID(int=0) if column == "id" else ""
    return of("", "", "", field == nothing)


_ONE = {
    "public_id": Selection(lambda: _one("public_id")),
    "id": Selection(lambda: _one("id")),
    "name": Selection(lambda: _one("name")),
}
_LOCKED = {
    "public_id": Selection(lambda: _one("public_id").for_update()),
    "id": Selection(lambda: _one("id").for_update()),
    "name": Selection(lambda: _one("name").for_update()),
}
# Not of a column: SQLite would look into each row whether it is null.
_COUNT = Statement(lambda: of().columns(peewee.fn.COUNT(peewee.SQL("*"))))


@cache
def _sorted_by(view: View[Any], sort: Sort) -> Selection:
    """Return what selects a page; there are few orders, and no other is let in."""
    by = lists.order(sort, _LISTED)
    return Selection(
        lambda: of().columns(*view.columns).order_by(*by).limit(1).offset(1)
    )
