"""Find credentials of all families and owners."""

from datetime import datetime
from typing import Any

import peewee

from keysvc.errors import NotFound
from keysvc.model import Actor
from keysvc.model import Credential
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import Search
from keysvc.model.names import reference_of
from keysvc.store.connection import is_postgres
from keysvc.store.rows import FULL
from keysvc.store.statements import select
from keysvc.store.tables import CredentialRow

_PLACE = (CredentialRow.created_at, CredentialRow.id)


def one(reference: str) -> Credential:
    """
    Return the credential that the core's routes call so, locked.

    Raises:
        NotFound: If there is none.
    """
    found = reference_of(reference)
    # A keypair has an id as well, which nobody is told.
    called = (
        (CredentialRow.public_id == found) & (CredentialRow.kind == Kind.KEYPAIR)
        if isinstance(found, str)
        else (CredentialRow.id == found) & (CredentialRow.kind != Kind.KEYPAIR)
    )
    rows = _read(_locked(_all(called)))
    if not rows:
        raise NotFound
    return rows[0]


def cut(
    search: Search, realm: Owner | None, after: Any, limit: int, now: datetime
) -> list[Credential]:
    """
    Return up to *limit* credentials in the order of creation, then id.

    Args:
        realm: Whose they must be; None for anyone's.
        after: The ``keysets.place`` of the one before; None for the first ones.
    """
    query = _all(*_conditions(search, now), *_owned_by(realm))
    if after is not None:
        query = query.where(peewee.Tuple(*_PLACE) > peewee.Tuple(*after))
    return _read(query.order_by(*_PLACE).limit(limit))


def active_of(
    group: Owner | Actor, realm: Owner | None, *, locked: bool = False
) -> list[Credential]:
    """
    Return what is active of an owner, or made by an actor, in the order of ids.

    Args:
        realm: Whose they must be; None for anyone's.
        locked: Whether nobody else may change them before the transaction ends.
    """
    mine = _owned_by(group) if isinstance(group, Owner) else _made_by(group)
    query = _all(CredentialRow.is_active, *mine, *_owned_by(realm))
    # In one order, so that two of these never wait for each other.
    query = query.order_by(CredentialRow.id)
    return _read(_locked(query) if locked else query)


def _conditions(search: Search, now: datetime) -> list[Any]:
    conditions = [*_owned_by(search.owner), *_made_by(search.created_by)]
    if search.kind is not None:
        conditions.append(CredentialRow.kind == search.kind)
    if search.unused_for is not None:
        since, used = now - search.unused_for, CredentialRow.last_used_at
        # What is young was not unused for long, even if it never was used.
        never = used.is_null() & (CredentialRow.created_at < since)
        conditions.append((used < since) | never)
    if search.expires_within is not None:
        ends = CredentialRow.expires_at
        conditions.append((ends > now) & (ends <= now + search.expires_within))
    return conditions


def _owned_by(owner: Owner | None) -> list[Any]:
    if owner is None:
        return []
    # Every index of owners begins with the family.
    return [
        CredentialRow.kind.in_(list(Kind)),
        CredentialRow.owner_kind == owner.kind,
        CredentialRow.owner_id == owner.id,
    ]


def _made_by(actor: Actor | None) -> list[Any]:
    if actor is None:
        return []
    return [
        CredentialRow.created_by_kind == actor.kind,
        CredentialRow.created_by_id == actor.id,
    ]


def _all(*conditions: Any) -> Any:
    query = CredentialRow.select(*FULL.columns)
    return query.where(*conditions) if conditions else query


def _locked(query: Any) -> Any:
    # SQLite's transactions lock the whole database: it knows no row locks.
    return query.for_update() if is_postgres() else query


def _read(query: Any) -> list[Credential]:
    return [FULL.read(row) for row in select(query)]
