"""Write what verifications have counted."""

from collections.abc import Mapping
from uuid import UUID

import orjson

from keysvc.errors import Unavailable
from keysvc.model import Renewed
from keysvc.model import Use
from keysvc.store import ring
from keysvc.store.connection import is_postgres
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import database


def flush(uses: Mapping[UUID, Use]) -> None:
    """
    Add *uses* to the credentials that still exist, in one statement.

    PostgreSQL takes the rows in the order of their ids, so that two flushes never wait
    for each other; SQLite has no row locks.
    """
    moment = CredentialRow.last_used_at.db_value
    counted = [[i.hex, moment(use.last), use.times] for i, use in uses.items()]
    database.execute_sql(
        _COUNT_IN_POSTGRES if is_postgres() else _COUNT_IN_SQLITE,
        (orjson.dumps(counted).decode(),),
    )
    for id_, use in uses.items():
        if use.renewed is not None:
            _renew(id_, use.renewed)
        if use.retained is not None:
            CredentialRow.update(retained_used_at=use.retained).where(
                CredentialRow.id == id_, CredentialRow.retained_digest.is_null(False)
            ).execute()


# Not a statement for each: a busy process counts thousands, and what they would take
# from it (on PostgreSQL, a round trip each) verifications go without.
_COUNT_IN_SQLITE = """
UPDATE "keysvc_credential"
SET "total_queries" = "total_queries" + json_extract("used"."value", '$[2]'),
    "last_used_at" = MAX(
        COALESCE("last_used_at", ''), json_extract("used"."value", '$[1]')
    )
FROM json_each(?) AS "used"
WHERE "keysvc_credential"."id" = json_extract("used"."value", '$[0]')
"""

_COUNT_IN_POSTGRES = """
WITH "used" AS MATERIALIZED (
    SELECT "row"."id", "value"->>1 AS "last", "value"->>2 AS "times"
    FROM json_array_elements(%s::json) AS "said"("value")
    JOIN "keysvc_credential" AS "row" ON "row"."id" = ("value"->>0)::uuid
    ORDER BY "row"."id"
    FOR UPDATE OF "row"
)
UPDATE "keysvc_credential"
SET "total_queries" = "total_queries" + "used"."times"::bigint,
    "last_used_at" = GREATEST("last_used_at", "used"."last"::timestamptz)
FROM "used"
WHERE "keysvc_credential"."id" = "used"."id"
"""


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
