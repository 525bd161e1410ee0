"""Credentials to verify, put into a database in batches: there may be a million."""

import random
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

from benchmarks.estate.keypairs import Keypair
from benchmarks.estate.rows import insert
from benchmarks.estate.rows import Row
from benchmarks.estate.rows import row
from benchmarks.estate.rows import settle
from benchmarks.estate.rows import vault
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.clock import utcnow
from keysvc.core.lifecycle.minting import Mint
from keysvc.core.secrets import tokens
from keysvc.core.secrets.tokens import mint_token
from keysvc.core.secrets.tokens import renew_token
from keysvc.core.service import Service
from keysvc.model import Actor
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import ServiceAccount
from keysvc.store import accounts
from keysvc.store.connection import disconnect
from keysvc.store.connection import writing

#: Keys of one account, and credentials of each other sort.
_EACH, _OTHERS = 1000, 2000

_MAY = {"scopes": ["verify", "realm:any", "jobs:*"]}


class Keys:
    """
    *count* API keys that are good, and fewer that are not; keypairs that sign.

    Only what their bearers carry is kept here.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.good: list[str] = []
        self.inactive: list[str] = []
        self.expired: list[str] = []
        self.pairs: list[Keypair] = []
        self.accounts: list[Owner] = []
        self._mint, self._vault = Mint(Settings()), vault()

    def fill(self, settings: Settings) -> None:
        """Make the database that *settings* name, and put everything into it."""
        service = Service(settings)
        try:
            service.installation.prepare()
            insert(self._all())
            settle()
        finally:
            finish_all()
            disconnect()

    def draw(self, count: int) -> list[str]:
        """Return *count* good tokens at random."""
        return random.choices(self.good, k=count)

    def wrong(self) -> list[str]:
        """Return tokens of good keys with other secrets; their checksums are right."""
        known = self.good[:_OTHERS]
        return [renew_token("ksa", token[4:20])[1] for token in known]

    def unknown(self) -> list[str]:
        """Return tokens that nobody has issued; their checksums are right."""
        return [mint_token("ksa")[1] for _ in range(_OTHERS)]

    def _all(self) -> Iterator[Row]:
        past = utcnow() - timedelta(days=1)
        yield from self._keys(self.count, self.good)
        yield from self._keys(_OTHERS, self.inactive, is_active=False)
        yield from self._keys(_OTHERS, self.expired, expires_at=past)
        for _ in range(_OTHERS):
            yield self._pair()

    def _keys(self, count: int, carried: list[str], **state: object) -> Iterator[Row]:
        for number in range(count):
            if number % _EACH == 0:
                owner = _account()
                self.accounts.append(owner)
            minted = self._mint.issue(Kind.API_KEY)
            carried.append(minted.shown)
            made = row(
                Kind.API_KEY, owner, minted.public_id, minted.secret, self._vault
            )
            name = f"key-{number}"
            yield _dated(made | {"name": name, "name_folded": name} | state)

    def _pair(self) -> Row:
        pair = Keypair("user", *tokens.mint_keypair())
        self.pairs.append(pair)
        owner = Owner(OwnerKind.USER, pair.user)
        return _dated(
            row(Kind.KEYPAIR, owner, pair.access_key, pair.secret_key, self._vault)
        )


def _dated(made: Row) -> Row:
    now = utcnow()
    times = {"created_at": now, "updated_at": now}
    # All in one order, as what inserts them wants.
    return dict(sorted(({"expires_at": None} | made | times | _MAY).items()))


def _account() -> Owner:
    now = utcnow()
    account = ServiceAccount(
        name=uuid4().hex,
        id=uuid4(),
        created_at=now,
        updated_at=now,
        created_by=Actor("cli", "benchmarks"),
    )
    with writing():
        accounts.add(account)
    return account.owner
