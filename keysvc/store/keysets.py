"""Lists of credentials that are read by their keys: by creation, then id."""

from functools import partial
from typing import Any

import peewee

from keysvc.model import Credential
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.store.credentials import of
from keysvc.store.rows import FULL
from keysvc.store.statements import Selection
from keysvc.store.tables import CredentialRow


def cut(
    kind: Kind, owner: Owner, after: Any, limit: int, *, descending: bool
) -> list[Credential]:
    """
    Return up to *limit* credentials of *owner* in the order of creation, then id.

    Args:
        after: The ``place`` of the one before; None for the first ones.
    """
    selection = _CUT[descending, after is not None]
    rows = selection.rows(kind, *owner, *(after or ()), limit)
    return [FULL.read(row) for row in rows]


def place(credential: Credential) -> list[str]:
    """Return where *credential* stands in that order, as the columns hold it."""
    created, id_ = CredentialRow.created_at, CredentialRow.id
    return [created.db_value(credential.created_at), id_.db_value(credential.id)]


def _cut_of(descending: bool, begun: bool) -> Any:
    keys = (CredentialRow.created_at, CredentialRow.id)
    here, there = peewee.Tuple(*keys), peewee.Tuple("", "")
    beyond = here < there if descending else here > there
    query = of("", "", "", *([beyond] if begun else []))
    order = [key.desc() if descending else key.asc() for key in keys]
    return query.order_by(*order).limit(1)


#: By direction, and by whether something lies before.
_CUT = {
    (descending, begun): Selection(partial(_cut_of, descending, begun))
    for descending in (False, True)
    for begun in (False, True)
}
