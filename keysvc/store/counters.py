"""Write what verifications have counted."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import peewee

from keysvc.errors import Unavailable
from keysvc.model import Renewed
from keysvc.model import Use
from keysvc.store import ring
from keysvc.store.statements import Statement
from keysvc.store.tables import CredentialRow


def flush(uses: Mapping[UUID, Use]) -> None:
    """
    Add *uses* to the credentials that still exist.

    Rows are taken in the order of their ids, so that two flushes never wait for
    each other.
    """
    for id_ in sorted(uses):
        use = uses[id_]
        last = CredentialRow.last_used_at.db_value(use.last)
        _COUNT.run(last, last, use.times, id_.hex)
        if use.renewed is not None:
            _renew(id_, use.renewed)
        if use.retained is not None:
            CredentialRow.update(retained_used_at=use.retained).where(
                CredentialRow.id == id_, CredentialRow.retained_digest.is_null(False)
            ).execute()


def _count() -> Any:
    last, then = CredentialRow.last_used_at, peewee.Value("", converter=False)
    # Peewee writes columns in the order of their names.
    newer = last.is_null() | (last < then)
    return CredentialRow.update(
        total_queries=CredentialRow.total_queries + 1,
        last_used_at=peewee.Case(None, [(newer, then)], last),
    ).where(CredentialRow.id == UUID(int=0))


_COUNT = Statement(_count)


def _renew(id_: UUID, renewed: Renewed) -> None:
    """Unless a rotation came between: its digest is another."""
    try:
        ring.require_live(renewed.digest_key)
    except Unavailable:
        # The counts beside it are good none the less.
        return
    CredentialRow.update(digest=renewed.digest, digest_key=renewed.digest_key).where(
        CredentialRow.id == id_, CredentialRow.digest == renewed.old
    ).execute()
