"""Rows of many credentials, put into the database quickly."""

from collections.abc import Iterable
from itertools import islice
from typing import Any
from uuid import uuid4

from keysvc.core.secrets import ring
from keysvc.core.secrets.vault import Vault
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.store.connection import is_postgres
from keysvc.store.connection import writing
from keysvc.store.tables import CredentialRow

RING = "the ring of the benchmarks: at least thirty-two bytes"

#: Rows of one transaction.
_BATCH = 5000

Row = dict[str, Any]


def vault() -> Vault:
    """Return what protects the secrets of the estate."""
    keys = ring.parse(RING, "RING")
    return Vault(lambda: keys)


def row(kind: Kind, owner: Owner, public_id: str, secret: str, by: Vault) -> Row:
    """Return the columns of a credential that do not tell it from its siblings."""
    id_, sealed = uuid4(), kind is Kind.KEYPAIR
    return {
        "id": id_,
        "kind": kind,
        "owner_kind": owner.kind,
        "owner_id": owner.id,
        "public_id": public_id,
        "name": "",
        "name_folded": "",
        "description": "",
        "description_folded": "",
        "is_active": True,
        "allowed_ips": [],
        "attributes": {},
        "created_by_kind": "cli",
        "created_by_id": "benchmarks",
        "total_queries": 0,
        **by.protect(id_, secret, sealed=sealed)._asdict(),
    }


def insert(rows: Iterable[Row]) -> None:
    """Insert *rows*, all of the same columns."""
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        with writing():
            _insert(batch)


def settle() -> None:
    """Let the engine do now what it would do in the midst of what is measured."""
    database: Any = CredentialRow._meta.database
    with database.connection_context():
        for work in ("VACUUM ANALYZE", "CHECKPOINT") if is_postgres() else ("ANALYZE",):
            database.execute_sql(work)


def _insert(rows: list[Row]) -> None:
    """Insert by one statement, run for each row: Peewee is slow to write long ones."""
    fields = [CredentialRow._meta.fields[name] for name in rows[0]]
    database: Any = CredentialRow._meta.database
    columns = ", ".join(field.column_name for field in fields)
    marks = ", ".join([database.param] * len(fields))
    table = CredentialRow._meta.table_name
    database.cursor().executemany(
        f"INSERT INTO {table} ({columns}) VALUES ({marks})",
        [
            [f.db_value(v) for f, v in zip(fields, row.values(), strict=True)]
            for row in rows
        ],
    )
