"""Users and their keypairs, a hundred each."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from benchmarks.estate.rows import insert
from benchmarks.estate.rows import Row
from benchmarks.estate.rows import row
from benchmarks.estate.rows import vault
from keysvc.commands.group import operator
from keysvc.core.clock import utcnow
from keysvc.core.secrets import tokens
from keysvc.core.service import Service
from keysvc.model import Entry
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind

#: How many users have a history, and how many records each.
_AUDITED, _RECORDS = 100, 20

_SCOPES = ["keypairs:read", "keypairs:write", "audit:read"]


class Keypair(NamedTuple):
    """A credential whose bearer the benchmarks play."""

    user: str
    access_key: str
    secret_key: str


class Keypairs:
    """
    Keypairs of users.

    Args:
        count: How many keypairs.
    """

    def __init__(self, count: int) -> None:
        self.users = [f"user{i}@example.com" for i in range(-(-count // 100))]
        self._rows: list[Row] = []
        self._of: dict[str, list[Keypair]] = {user: [] for user in self.users}
        by, now = vault(), utcnow()
        for i in range(count):
            pair = Keypair(self.users[i % len(self.users)], *tokens.mint_keypair())
            self._of[pair.user].append(pair)
            owner, at = (
                Owner(OwnerKind.USER, pair.user),
                now - timedelta(seconds=count - i),
            )
            made = row(Kind.KEYPAIR, owner, pair.access_key, pair.secret_key, by)
            made |= {"scopes": _SCOPES, "created_at": at, "updated_at": at}
            self._rows.append(made)

    def draw(self, count: int, users: int | None = None) -> Iterator[Keypair]:
        """Yield *count* keypairs at random, of the first so many *users*."""
        for user in random.choices(self.users[:users], k=count):
            yield random.choice(self._of[user])

    def sibling(self, pair: Keypair) -> Keypair:
        """Return a keypair of the same user."""
        return random.choice(self._of[pair.user])

    def audited(self) -> int:
        """Return how many of the users have a history."""
        return min(_AUDITED, len(self.users))

    def fill(self, service: Service) -> None:
        """Put them into the database of *service*."""
        insert(self._rows)
        self._remember(service)

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
