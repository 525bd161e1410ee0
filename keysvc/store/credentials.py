"""Find and keep credentials."""

from typing import Any
from uuid import UUID

import peewee

from keysvc.errors import NotFound
from keysvc.model import Credential
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import Page
from keysvc.model import Secret
from keysvc.model import Window
from keysvc.store import ring
from keysvc.store.connection import is_postgres
from keysvc.store.rows import columns
from keysvc.store.rows import credential as read
from keysvc.store.rows import SHOWN
from keysvc.store.statements import insert
from keysvc.store.statements import Statement
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import database


def add(credential: Credential, secret: Secret) -> None:
    """Keep a new *credential*, and of its secret what may be kept."""
    ring.require_live(secret.digest_key)
    insert(CredentialRow, columns(credential) | secret._asdict())


def get(
    kind: Kind, owner: Owner, public_id: str, *, locked: bool = False
) -> Credential:
    """
    Return one credential of *owner*; *locked*, nobody else changes it meanwhile.

    Raises:
        NotFound: If *owner* has none of this *kind* and *public_id*.
    """
    # SQLite's transactions lock the whole database: it knows no row locks.
    statement = _LOCKED if locked and is_postgres() else _ONE
    row = statement.run(kind, *owner, public_id).fetchone()
    if row is None:
        raise NotFound
    return read(row)


def page(kind: Kind, owner: Owner, window: Window) -> Page:
    """Return a part of the credentials of *owner*, by creation and public id."""
    total = _COUNT.run(kind, *owner).fetchone()[0]
    if window.offset >= total:
        return Page((), total, window)
    limit = min(window.limit or total, total)
    rows = _PAGE.run(kind, *owner, limit, window.offset).fetchall()
    return Page([read(row) for row in rows], total, window)


def update(credential: Credential) -> None:
    """Keep *credential* as it is now."""
    kept = columns(credential)
    # What verifications count is theirs alone to write.
    for counted in ("last_used_at", "total_queries"):
        del kept[counted]
    CredentialRow.update(**kept).where(CredentialRow.id == credential.id).execute()


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
    return [read(row) for row in database.execute(query).fetchall()]


def _of(*more: Any) -> Any:
    mine = (
        CredentialRow.kind == "",
        CredentialRow.owner_kind == "",
        CredentialRow.owner_id == "",
    )
    return CredentialRow.select(*SHOWN).where(*mine, *more)


_ONE = Statement(lambda: _of(CredentialRow.public_id == ""))
_LOCKED = Statement(lambda: _of(CredentialRow.public_id == "").for_update())
_COUNT = Statement(lambda: _of().columns(peewee.fn.COUNT(CredentialRow.id)))
_PAGE = Statement(
    lambda: (
        _of()
        .order_by(CredentialRow.created_at, CredentialRow.public_id)
        .limit(1)
        .offset(1)
    )
)
