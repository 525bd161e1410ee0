"""Find and keep operators, and the hashes of their passwords."""

from typing import Any
from uuid import UUID

import peewee

from keysvc.errors import Conflict
from keysvc.errors import NotFound
from keysvc.model import Operator
from keysvc.store.tables import OperatorRow


def add(operator: Operator, password: str) -> None:
    """
    Keep a new *operator*, and the hash of his *password*.

    Raises:
        Conflict: If the name is taken.
    """
    try:
        OperatorRow.insert(
            **_columns(operator), password=password, generation=0
        ).execute()
    except peewee.IntegrityError:
        raise Conflict(f"There is an operator {operator.name!r}.") from None


def update(operator: Operator) -> None:
    """Keep *operator* as he is now."""
    mine = OperatorRow.id == str(operator.id)
    OperatorRow.update(**_columns(operator)).where(mine).execute()


def set_password(operator: Operator, password: str) -> None:
    """Keep the hash of a new password; every session of the old one ends."""
    OperatorRow.update(
        **_columns(operator), password=password, generation=OperatorRow.generation + 1
    ).where(OperatorRow.id == str(operator.id)).execute()


def delete(id_: UUID) -> None:
    """Forget an operator for good."""
    OperatorRow.delete().where(OperatorRow.id == str(id_)).execute()


def get(name: str) -> Operator:
    """
    Return the operator of this *name*.

    Raises:
        NotFound: If there is none.
    """
    row = OperatorRow.get_or_none(OperatorRow.name == name)
    if row is None:
        raise NotFound(f"There is no operator {name!r}.")
    return _operator(row)


def by_id(id_: str) -> Operator:
    """Return the operator of this id, or raise ``NotFound``."""
    row = OperatorRow.get_or_none(OperatorRow.id == id_)
    if row is None:
        raise NotFound("There is no such operator.")
    return _operator(row)


def find_password(name: str) -> tuple[Operator, str, int] | None:
    """Return the operator of this *name*, his password's hash and its generation."""
    # No name holds a NUL; PostgreSQL cannot even be asked for one.
    wanted = name.replace("\0", "\ufffd\n")
    row: Any = OperatorRow.get_or_none(OperatorRow.name == wanted)
    return None if row is None else (_operator(row), row.password, row.generation)


def every() -> list[Operator]:
    """Return all operators, by name."""
    return [_operator(row) for row in OperatorRow.select().order_by(OperatorRow.name)]


def _columns(operator: Operator) -> dict[str, Any]:
    return {
        "id": str(operator.id),
        "name": operator.name,
        "scopes": operator.scopes,
        "is_active": operator.is_active,
        "created_at": operator.created_at,
        "updated_at": operator.updated_at,
        "password_changed_at": operator.password_changed_at,
    }


def _operator(row: Any) -> Operator:
    return Operator(
        id=UUID(row.id),
        name=row.name,
        scopes=tuple(row.scopes),
        is_active=row.is_active,
        created_at=row.created_at,
        updated_at=row.updated_at,
        password_changed_at=row.password_changed_at,
    )
