"""Forget the oldest part of the audit, and leave a seal in its stead."""

import logging
from collections import deque
from collections.abc import Iterable
from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta
from itertools import islice
from itertools import takewhile
from typing import NamedTuple

from keysvc.core.clock import Clock
from keysvc.core.ledger.chain import Chain
from keysvc.core.ledger.chain import PURGE
from keysvc.core.ledger.chain import told_of
from keysvc.core.ledger.ledger import Ledger
from keysvc.core.secrets.vault import Vault
from keysvc.errors import Conflict
from keysvc.errors import Invalid
from keysvc.model import Caller
from keysvc.model import Checkpoint
from keysvc.model import Entry
from keysvc.model import Record
from keysvc.store import audit
from keysvc.store import retention as store
from keysvc.store.connection import reading
from keysvc.store.snapshots import snapshot

log = logging.getLogger(__name__)

#: How many records are purged in one transaction.
_BATCH = 1000

#: How many transactions a sweep may take: the next one goes on.
_BATCHES = 10

_SWEEPER = Caller(kind="system", id="retention", owner=None, scopes=("*",))


class Purged(NamedTuple):
    """How many records were purged, and when the last of them was made."""

    records: int
    until: datetime | None


class _Old:
    """The records that are to be purged: how many, and the last of them."""

    def __init__(self) -> None:
        self.count = 0
        self.last: Record | None = None

    def of(self, records: Iterable[Record], before: datetime) -> Iterator[Record]:
        """Yield those of *records* that come first and are older, and note them."""
        for record in takewhile(lambda record: record.at < before, records):
            self.count, self.last = self.count + 1, record
            yield record

    @property
    def told(self) -> Purged:
        """Return what is told of them."""
        until = None if self.last is None else self.last.at
        return Purged(self.count, until)


class Retention:
    """
    Purges records in their order, and never one that is younger than was asked for.

    So one that a clock set ahead has dated holds back those that follow it.

    Args:
        days: How long ``sweep`` leaves records; 0 is for ever.
    """

    def __init__(self, vault: Vault, ledger: Ledger, now: Clock, days: int) -> None:
        self._chain, self._ledger, self._now = Chain(vault), ledger, now
        self._days, self._told = timedelta(days=days), ""

    def sweep(self) -> None:
        """
        Purge what is over, for a while: one process at a time does.

        In whole days, by UTC: the record of a purge will be purged itself, and so on,
        once a day and not at every turn.
        """
        if not self._days:
            return
        today = self._now().replace(hour=0, minute=0, second=0, microsecond=0)
        before = today - self._days
        with reading():
            oldest = store.oldest()
        if oldest is None or oldest >= before:
            return
        try:
            deque(islice(self._batches(_SWEEPER, before), _BATCHES), maxlen=0)
        except Conflict as error:
            self._say(str(error))

    def count(self, before: datetime) -> Purged:
        """Tell what ``purge`` would purge now, and raise what it would."""
        self._require_past(before)
        with snapshot():
            return self._sound(store.checkpoint(), before, None).told

    def purge(self, caller: Caller, before: datetime) -> Purged:
        """
        Purge the records that were made earlier than *before*.

        Raises:
            Invalid: If *before* is still to come.
            Conflict: If a record that would be purged was tampered with.
        """
        self._require_past(before)
        count, until = 0, None
        for more in self._batches(caller, before):
            count, until = count + more.records, more.until
        return Purged(count, until)

    def _batches(self, caller: Caller, before: datetime) -> Iterator[Purged]:
        while (purged := self._batch(caller, before)).records:
            yield purged

    def _batch(self, caller: Caller, before: datetime) -> Purged:
        with self._ledger.unit() as record:
            if not store.take_turn():
                return Purged(0, None)
            old = self._sound(store.checkpoint(), before, _BATCH)
            if old.last is not None:
                checkpoint = self._sealed(old.last)
                store.purge(checkpoint)
                record(_entry(caller, checkpoint, old.count))
        return old.told

    def _sound(
        self, start: Checkpoint | None, before: datetime, limit: int | None
    ) -> _Old:
        """Return what is next to be purged; what was tampered with is evidence."""
        old = _Old()
        records = old.of(islice(audit.every(), limit), before)
        if flaw := self._chain.follow(records, (), start).flaw:
            raise Conflict(f"Nothing of a broken audit is purged: {flaw}.")
        return old

    def _sealed(self, last: Record) -> Checkpoint:
        maker = self._ledger.live_maker()
        bare = Checkpoint(last.seq, last.mac, last.at, maker, "")
        return bare._replace(seal=self._chain.seal(bare))

    def _require_past(self, before: datetime) -> None:
        if before > self._now():
            raise Invalid("Only what is past can be purged.")

    def _say(self, message: str) -> None:
        """Tell the log once: the next turn finds the same."""
        if message != self._told:
            self._told = message
            log.error(message)


def _entry(caller: Caller, checkpoint: Checkpoint, count: int) -> Entry:
    return Entry(
        actor=caller.actor,
        origin=caller.origin,
        action=PURGE,
        after={"count": count, **told_of(checkpoint)},
    )
