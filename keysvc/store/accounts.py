"""Find and keep service accounts."""

from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any
from typing import cast
from uuid import UUID

import peewee

from keysvc.errors import Conflict
from keysvc.errors import NotFound
from keysvc.model import Actor
from keysvc.model import Listing
from keysvc.model import Page
from keysvc.model import ServiceAccount
from keysvc.store import listing as lists
from keysvc.store.connection import is_postgres
from keysvc.store.fields import moment
from keysvc.store.listing import Column
from keysvc.store.statements import insert
from keysvc.store.statements import Statement
from keysvc.store.statements import update as update_row
from keysvc.store.tables import database
from keysvc.store.tables import ServiceAccountRow

#: What is said of an account that is not there.
ABSENT = "There is no such service account."

_COLUMNS = {
    "id": Column(ServiceAccountRow.id),
    "name": Column(ServiceAccountRow.name, ServiceAccountRow.name_folded),
    "description": Column(
        ServiceAccountRow.description, ServiceAccountRow.description_folded
    ),
    "active": Column(ServiceAccountRow.is_active),
    "external_user_id": Column(ServiceAccountRow.external_user_id),
    "created": Column(ServiceAccountRow.created_at),
    "updated": Column(ServiceAccountRow.updated_at),
}


def add(account: ServiceAccount) -> None:
    """
    Keep a new *account*.

    Raises:
        Conflict: If its name is taken.
    """
    with _unique(account):
        insert(ServiceAccountRow, _columns(account))


def update(account: ServiceAccount) -> None:
    """
    Keep *account* as it is now.

    Raises:
        Conflict: If its name is taken.
    """
    with _unique(account):
        update_row(ServiceAccountRow, str(account.id), _columns(account))


def delete(id_: UUID) -> None:
    """Forget an account for good."""
    ServiceAccountRow.delete().where(ServiceAccountRow.id == str(id_)).execute()


def get(reference: str | UUID, *, lock: str | None = None) -> ServiceAccount:
    """
    Return the account of this id or name.

    Args:
        lock: ``UPDATE`` if it will change, ``SHARE`` if it must only stay.

    Raises:
        NotFound: If there is none.
    """
    # SQLite's transactions lock the whole database: it knows no row locks.
    kind = "id" if isinstance(reference, UUID) else "name"
    statement = _ONE[kind, lock if is_postgres() else None]
    row = statement.run(str(reference)).fetchone()
    if row is None:
        raise NotFound(ABSENT)
    return _account(row)


def page(listing: Listing, only: UUID | None = None) -> Page[ServiceAccount]:
    """Return a part of the accounts; of *only* one, if that is all one may see."""
    rows = ServiceAccountRow.select(*_READ)
    if only is not None:
        rows = rows.where(ServiceAccountRow.id == str(only))
    return lists.page(rows, listing, _COLUMNS, _read_all)


def _read_all(query: Any) -> list[ServiceAccount]:
    return [_account(row) for row in database.execute(query).fetchall()]


@contextmanager
def _unique(account: ServiceAccount) -> Iterator[None]:
    try:
        yield
    except peewee.IntegrityError:
        raise Conflict(f"There is a service account {account.name!r}.") from None


def _columns(account: ServiceAccount) -> dict[str, Any]:
    external = account.external_user_id
    return {
        "id": str(account.id),
        "name": account.name,
        "name_folded": account.name.casefold(),
        "description": account.description,
        "description_folded": account.description.casefold(),
        "full_name": account.full_name,
        "is_active": account.is_active,
        "external_user_id": None if external is None else str(external),
        "created_at": account.created_at,
        "updated_at": account.updated_at,
        "created_by_kind": account.created_by.kind,
        "created_by_id": account.created_by.id,
    }


#: What a query must select for ``_account`` to read its rows.
_READ = tuple(
    getattr(ServiceAccountRow, name)
    for name in ("id", "name", "description", "full_name", "is_active")
    + ("external_user_id", "created_at", "updated_at")
    + ("created_by_kind", "created_by_id")
)


def _account(row: Sequence[Any]) -> ServiceAccount:
    id_, name, description, full_name, is_active, external, created, updated, *by = row
    return ServiceAccount(
        id=UUID(id_),
        name=name,
        description=description,
        full_name=full_name,
        is_active=bool(is_active),
        external_user_id=None if external is None else UUID(external),
        created_at=cast(datetime, moment(created)),
        updated_at=cast(datetime, moment(updated)),
        created_by=Actor(*by),
    )


def _one(column: str, lock: str | None) -> Any:
    mine: Any = getattr(ServiceAccountRow, column) == ""
    found: Any = ServiceAccountRow.select(*_READ).where(mine)
    return found.for_update(f"FOR {lock}") if lock else found


_ONE = {
    (column, lock): Statement(partial(_one, column, lock))
    for column in ("id", "name")
    for lock in (None, "UPDATE", "SHARE")
}
