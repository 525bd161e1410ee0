"""Take from quotas: one statement, never below zero."""

from typing import Any
from uuid import UUID

from keysvc.store.statements import Statement
from keysvc.store.tables import CredentialRow


def take(id_: UUID, cost: int) -> int | None:
    """
    Take *cost* units from the quota of a credential; return what is left.

    None if there is not so much, or no quota any more: then nothing is taken.
    """
    row = _TAKE.run(cost, CredentialRow.id.db_value(id_), cost).fetchone()
    return None if row is None else int(row[0])


def left(id_: UUID) -> int | None:
    """Return what is left of the quota of a credential."""
    row = _LEFT.run(CredentialRow.id.db_value(id_)).fetchone()
    return None if row is None else row[0]


def _take() -> Any:
    left = CredentialRow.remaining
    return (
        CredentialRow.update(remaining=left - 1)
        .where(CredentialRow.id == UUID(int=0), left >= 1)
        .returning(left)
    )


_TAKE = Statement(_take)
_LEFT = Statement(
    lambda: CredentialRow.select(CredentialRow.remaining).where(
        CredentialRow.id == UUID(int=0)
    )
)
