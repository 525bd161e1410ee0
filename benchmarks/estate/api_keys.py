"""Service accounts with few, more and many API keys."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple
from uuid import uuid4

from benchmarks.estate.rows import insert
from benchmarks.estate.rows import Row
from benchmarks.estate.rows import row
from benchmarks.estate.rows import vault
from keysvc.config import Settings
from keysvc.core.clock import utcnow
from keysvc.core.lifecycle.minting import Mint
from keysvc.core.lifecycle.minting import Minted
from keysvc.core.secrets.vault import Vault
from keysvc.core.service import Service
from keysvc.model import Actor
from keysvc.model import Kind
from keysvc.model import ServiceAccount
from keysvc.store import accounts
from keysvc.store.connection import writing

_MAKER = Actor("cli", "benchmarks")

_SCOPES = ["api-keys:read", "api-keys:write"]


class Key(NamedTuple):
    """An API key whose bearer the benchmarks play."""

    id: str
    token: str


class Account:
    """
    A service account.

    Args:
        size: How many API keys it has.
    """

    def __init__(self, name: str, size: int) -> None:
        now = utcnow()
        self._account = ServiceAccount(
            name=name, id=uuid4(), created_at=now, updated_at=now, created_by=_MAKER
        )
        self.id, self.size = str(self._account.id), size
        self._keys: list[Key] = []
        self._rows: list[Row] = []
        mint, by = Mint(Settings()), vault()
        for i in range(size):
            made = self._made(mint.issue(Kind.API_KEY), by, i)
            at = now - timedelta(seconds=size - i)
            self._rows.append(made | {"created_at": at, "updated_at": at})

    def draw(self, count: int) -> Iterator[Key]:
        """Yield *count* of its keys at random."""
        yield from random.choices(self._keys, k=count)

    def fill(self) -> None:
        """Put it and its keys into the database."""
        with writing():
            accounts.add(self._account)
        insert(self._rows)

    def _made(self, minted: Minted, by: Vault, number: int) -> Row:
        owner, name = self._account.owner, f"key-{number}"
        made = row(Kind.API_KEY, owner, minted.public_id, minted.secret, by)
        self._keys.append(Key(str(made["id"]), minted.shown))
        return made | {"name": name, "name_folded": name, "scopes": _SCOPES}


class ApiKeys:
    """
    Three accounts that stay as they are, and one that grows while it is measured.

    Args:
        count: How many API keys the largest of them has.
    """

    def __init__(self, count: int) -> None:
        few, more = -(-count // 100), -(-count // 10)
        self.few, self.more = Account("few", few), Account("more", more)
        self.many, self.growing = Account("many", count), Account("growing", more)

    def fill(self, service: Service) -> None:
        """Put them into the database of *service*."""
        for account in (self.few, self.more, self.many, self.growing):
            account.fill()
