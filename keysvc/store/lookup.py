"""The statements of verifications: compiled once, no models, no transaction."""

from collections.abc import Sequence
from typing import Any

import peewee

from keysvc.model import OwnerKind
from keysvc.model import Principal
from keysvc.model import Stored
from keysvc.model import StoredSession
from keysvc.store.connection import reading
from keysvc.store.principals import CREDENTIAL
from keysvc.store.principals import NO_SESSION
from keysvc.store.principals import NOBODY
from keysvc.store.principals import SESSION
from keysvc.store.principals import session_of
from keysvc.store.principals import stored_of
from keysvc.store.statements import Selection
from keysvc.store.statements import Statement
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import OperatorRow
from keysvc.store.tables import ServiceAccountRow
from keysvc.store.tables import SessionRow

#: How many principals ``find_all`` finds at once.
MANY = 100

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
    # Behind the last one nobody comes, who is read too: he must not cost less.
    stored = stored_of(*(row or NOBODY))
    return stored if row and stored.public_id == public_id else None


def find_session(public_id: str) -> StoredSession | None:
    """
    Return what a verification needs of the session *public_id*.

    Raises:
        Unavailable: If the database cannot be asked.
    """
    with reading():
        row = _FIND_SESSION.row(public_id)
    session = session_of(row or NO_SESSION)
    return session if row and session.public_id == public_id else None


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
    own = len(SESSION)
    found: list[Principal] = [
        stored_of(*row[own:]) if row[0] is None else session_of(row) for row in rows
    ]
    return {principal.public_id: principal for principal in found}


def _credentials(*columns: Any) -> Any:
    query = CredentialRow.select(*columns, *CREDENTIAL)
    return query.join(ServiceAccountRow, peewee.JOIN.LEFT_OUTER, on=_OF_ACCOUNT)


def _sessions() -> Any:
    outer = peewee.JOIN.LEFT_OUTER
    return (
        SessionRow.select(*SESSION, *CREDENTIAL)
        .join(OperatorRow, outer, on=SessionRow.operator_id == OperatorRow.id)
        .switch(SessionRow)
        .join(CredentialRow, outer, on=SessionRow.credential_id == CredentialRow.id)
        .join(ServiceAccountRow, outer, on=_OF_ACCOUNT)
    )


def _everything() -> Any:
    any_of = [""] * MANY
    no_session = [peewee.SQL("NULL")] * len(SESSION)
    return (
        _sessions()
        .where(SessionRow.public_id.in_(any_of))
        .union_all(_credentials(*no_session).where(CredentialRow.public_id.in_(any_of)))
    )


def _from(query: Any, public_id: Any) -> Any:
    """
    Return the first from a public id on: itself, or what comes next to where it were.

    So what is not there costs what its neighbour costs, which is read in its place.
    """
    # A constant: with a limit that it does not know, PostgreSQL plans every time anew.
    return query.where(public_id >= "").order_by(public_id).limit(peewee.SQL("1"))


_FIND = Selection(lambda: _from(_credentials(), CredentialRow.public_id))
_FIND_SESSION = Selection(lambda: _from(_sessions(), SessionRow.public_id))
_FIND_ALL = Statement(_everything)
