"""Find and keep service accounts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
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
from keysvc.store.listing import Column
from keysvc.store.statements import insert
from keysvc.store.statements import update as update_row
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
    column = (
        ServiceAccountRow.id if isinstance(reference, UUID) else ServiceAccountRow.name
    )
    query: Any = ServiceAccountRow.select().where(column == str(reference))
    if lock and is_postgres():
        query = query.for_update(f"FOR {lock}")
    row = query.get_or_none()
    if row is None:
        raise NotFound(ABSENT)
    return _account(row)


def page(listing: Listing, only: UUID | None = None) -> Page[ServiceAccount]:
    """Return a part of the accounts; of *only* one, if that is all one may see."""
    rows = ServiceAccountRow.select()
    if only is not None:
        rows = rows.where(ServiceAccountRow.id == str(only))
    return lists.page(rows, listing, _COLUMNS, _read_all)


def _read_all(query: Any) -> list[ServiceAccount]:
    return [_account(row) for row in query]


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


def _account(row: Any) -> ServiceAccount:
    external = row.external_user_id
    return ServiceAccount(
        id=UUID(row.id),
        name=row.name,
        description=row.description,
        full_name=row.full_name,
        is_active=row.is_active,
        external_user_id=None if external is None else UUID(external),
        created_at=row.created_at,
        updated_at=row.updated_at,
        created_by=Actor(row.created_by_kind, row.created_by_id),
    )
