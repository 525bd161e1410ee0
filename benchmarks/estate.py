"""An estate of many credentials, put into the database quickly."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from typing import NamedTuple
from uuid import uuid4

from benchmarks.organization import Organization
from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.clock import utcnow
from keysvc.core.secrets import ring
from keysvc.core.secrets import tokens
from keysvc.core.secrets.vault import Vault
from keysvc.core.service import Service
from keysvc.model import Entry
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store.connection import disconnect
from keysvc.store.connection import writing
from keysvc.store.tables import CredentialRow

RING = "the ring of the benchmarks: at least thirty-two bytes"

#: How many users have a history, and how many records each.
_AUDITED, _RECORDS = 100, 20

_SCOPES = ["keypairs:read", "keypairs:write", "audit:read"]

#: Rows of one transaction.
_BATCH = 5000

Row = dict[str, Any]


class Keypair(NamedTuple):
    """A credential whose bearer the benchmarks play."""

    user: str
    access_key: str
    secret_key: str


class Estate:
    """
    Keypairs of users, a hundred each, drawn at random so that no cache can cheat.

    Args:
        count: How many keypairs, and how many access keys of one organization.
    """

    def __init__(self, count: int) -> None:
        self.users = [f"user{i}@example.com" for i in range(max(count // 100, 1))]
        self._rows: list[Row] = []
        self._of: dict[str, list[Keypair]] = {user: [] for user in self.users}
        keys = ring.parse(RING, "RING")
        vault, now = Vault(lambda: keys), utcnow()
        self.vault, self.organization = vault, Organization(count, vault, now)
        for i in range(count):
            user = self.users[i % len(self.users)]
            pair = Keypair(user, *tokens.mint_keypair())
            self._of[user].append(pair)
            at = now - timedelta(seconds=count - i)
            self._rows.append(_row(pair, vault, at))

    def draw(self, count: int, users: int | None = None) -> Iterator[Keypair]:
        """Yield *count* keypairs at random, of the first so many *users*."""
        for user in random.choices(self.users[:users], k=count):
            yield random.choice(self._of[user])

    def sibling(self, pair: Keypair) -> Keypair:
        """Return a keypair of the same user."""
        return random.choice(self._of[pair.user])

    def fill(self, settings: Settings) -> None:
        """Make the database that *settings* name, and put everything into it."""
        service = Service(settings)
        try:
            service.installation.prepare()
            organization = self.organization
            for rows in (self._rows, organization.keys, organization.managers):
                for start in range(0, len(rows), _BATCH):
                    with writing():
                        _insert(rows[start : start + _BATCH])
            self._remember(service)
            _analyze()
        finally:
            finish_all()
            disconnect()

    def audited(self) -> int:
        """Return how many of the users have a history."""
        return min(_AUDITED, len(self.users))

    def _remember(self, service: Service) -> None:
        """Give some users a history, through the ledger: it chains the records."""
        caller = operator()
        for user in self.users[: self.audited()]:
            with service.ledger.unit() as record:
                for _ in range(_RECORDS):
                    pair = random.choice(self._of[user])
                    record(
                        Entry(
                            actor=caller.actor,
                            origin=caller.origin,
                            action="credential.update",
                            credential_id=pair.access_key,
                            owner=Owner(OwnerKind.USER, user),
                            before={"description": ""},
                            after={"description": "laptop"},
                        )
                    )


def _row(pair: Keypair, vault: Vault, at: Any) -> Row:
    id_ = uuid4()
    return {
        "id": id_,
        "kind": Kind.KEYPAIR,
        "owner_kind": OwnerKind.USER,
        "owner_id": pair.user,
        "public_id": pair.access_key,
        "name": "",
        "description": "",
        "is_active": True,
        "scopes": _SCOPES,
        "allowed_ips": [],
        "attributes": {},
        "created_at": at,
        "updated_at": at,
        "created_by_kind": "cli",
        "created_by_id": "benchmarks",
        "total_queries": 0,
        **vault.protect(id_, pair.secret_key, sealed=True)._asdict(),
    }


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


def _analyze() -> None:
    database: Any = CredentialRow._meta.database
    with database.connection_context():
        database.execute_sql("ANALYZE")
