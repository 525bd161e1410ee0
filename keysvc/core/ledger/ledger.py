"""The audit: a chain of records that shows any change made to it."""

import hmac
import logging
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import orjson

from keysvc.core import access
from keysvc.core.announcements import Listener
from keysvc.core.announcements import SILENCE
from keysvc.core.background import Background
from keysvc.core.clock import Clock
from keysvc.core.cursors import Cursors
from keysvc.core.secrets.vault import Vault
from keysvc.core.verification.cache import Cache
from keysvc.errors import Unavailable
from keysvc.model import Caller
from keysvc.model import Cut
from keysvc.model import Entry
from keysvc.model import Head
from keysvc.model import Keyset
from keysvc.model import Record
from keysvc.model import Trace
from keysvc.store import audit as store
from keysvc.store import feed
from keysvc.store import ring as ring_store
from keysvc.store.connection import reading
from keysvc.store.connection import writing

# At a level of its own: a setting that quiets the log must not silence this.
_witness = logging.getLogger("keysvc.audit")
_witness.setLevel(logging.INFO)

#: What the first record is chained to.
GENESIS = "0" * 64


class Finding(NamedTuple):
    """What a check has found: how many good records, and the first flaw."""

    good: int
    flaw: str | None


class Ledger:
    """
    Every change of state is recorded here, in the transaction that makes it.

    Args:
        head_interval: Seconds between two log lines that tell the head.
    """

    def __init__(
        self,
        vault: Vault,
        cursors: Cursors,
        cache: Cache,
        now: Clock,
        head_interval: float,
        listener: Listener = SILENCE,
    ) -> None:
        self._vault, self._cursors, self._now = vault, cursors, now
        self._cache, self._listener = cache, listener
        self._logged = Head(-1, "")
        self._dropped: dict[str, bytes] = {}
        self._crier = Background("keysvc-audit-head", head_interval, self.log_head)

    def watch(self) -> None:
        """Begin to tell the head, whoever moves it."""
        self._crier.start()

    @contextmanager
    def unit(self) -> Iterator[Callable[[Entry], None]]:
        """
        Hold one transaction; what is recorded in it is written at its very end.

        So the chain's lock is always the last one taken, and held for a moment only.
        """
        entries: list[Entry] = []
        with writing():
            yield entries.append
            if entries:
                self._append(entries)
        # The feed says it too, a moment later, here as everywhere.
        self._cache.drop(_trace(entry) for entry in entries)
        for entry in entries:
            self._listener.changed(entry)
        self._crier.start()

    def page(self, caller: Caller, keyset: Keyset) -> Cut[Record]:
        """
        Return records, oldest first, of all realms that the caller sees.

        Raises:
            Forbidden: Without the scope ``audit:read``.
            Invalid: If the page token is not one of this list.
        """
        access.require_scope(caller, "audit:read")
        owner = access.realm_of(caller)
        scope = ["audit", list(owner) if owner else None]
        with reading():
            return self._cursors.cut(
                scope,
                keyset,
                lambda after, limit: store.page(owner, after or 0, limit),
                lambda record: record.seq,
            )

    def verify(self, witness: Head | None = None) -> Finding:
        """
        Check every record, and that none is missing at the end.

        Args:
            witness: A head that was logged once; it must still be in the chain.
        """
        with reading():
            expected = [Head(*store.head()), *([witness] if witness else [])]
            self._dropped = {
                wrapped.key_id: self._vault.unwrap_audit_key(*wrapped)
                for wrapped in ring_store.wrapped()
            }
            finding = self._check(store.every(), expected)
            # Asked anew: what was appended meanwhile has moved the head along.
            end, _ = store.head()
        if finding.flaw is None and finding.good > end:
            return Finding(end, f"record {end + 1} was changed or inserted")
        return finding

    def log_head(self) -> None:
        """Tell the log how far the chain goes, so that a cut tail shows."""
        try:
            with reading():
                head = Head(*store.head())
        except Unavailable:
            return
        if head != self._logged:
            self._logged = head
            _witness.info("audit head", extra={"seq": head.seq, "mac": head.mac})

    def _append(self, entries: Iterable[Entry]) -> None:
        key_id, head = self._live_maker(), Head(*store.head(locked=True))
        if head.seq < 0:
            raise Unavailable("The head of the audit is missing.")
        for entry in entries:
            unsigned = Record(head.seq + 1, self._now(), entry, key_id, "")
            mac = self._mac(unsigned, head.mac)
            store.append(Record(unsigned.seq, unsigned.at, entry, key_id, mac))
            head = Head(unsigned.seq, mac)
        feed.announce()

    def _live_maker(self) -> str:
        """Return the key that signs now: one that was dropped signs no more."""
        try:
            ring_store.require_live(self._vault.ring.maker)
        except Unavailable:
            ring_store.require_live(self._vault.reload().maker)
        return self._vault.ring.maker

    def _check(self, records: Iterable[Record], heads: Iterable[Head]) -> Finding:
        last = Head(0, GENESIS)
        wanted = {*heads} - {last}
        try:
            for record in records:
                this = Head(record.seq, record.mac)
                here = {head for head in wanted if head.seq == this.seq}
                if flaw := self._flaw_of(record, last, here):
                    return Finding(last.seq, flaw)
                wanted -= here
                last = this
        except (TypeError, ValueError, RecursionError):
            # Nobody here can have written what cannot even be read.
            flaw = f"record {last.seq + 1} was changed or inserted"
            return Finding(last.seq, flaw)
        return Finding(
            last.seq, f"record {last.seq + 1} is missing" if wanted else None
        )

    def _flaw_of(self, record: Record, last: Head, heads: set[Head]) -> str | None:
        if record.seq > last.seq + 1:
            return f"record {last.seq + 1} is missing"
        try:
            this = Head(record.seq, self._mac(record, last.mac))
        except Unavailable:
            return f"record {record.seq} was signed with a key that the ring lacks"
        right = hmac.compare_digest(this.mac, record.mac) and not heads - {this}
        if this.seq > last.seq and right:
            return None
        return f"record {this.seq} was changed or inserted"

    def _mac(self, record: Record, previous: str) -> str:
        """Return HMAC-SHA-256 over the MAC before and all that *record* says."""
        entry = record.entry
        content = orjson.dumps(
            [
                previous,
                record.seq,
                record.at.isoformat(timespec="microseconds"),
                list(entry.actor),
                list(entry.origin),
                entry.action,
                entry.credential_id,
                list(entry.owner or ()),
                entry.before,
                entry.after,
            ],
            option=orjson.OPT_SORT_KEYS,
        )
        # What the database says of a key counts only where the ring says nothing.
        key = (
            None
            if self._vault.knows(record.key_id)
            else self._dropped.get(record.key_id)
        )
        key = key or self._vault.audit_key(record.key_id)
        return hmac.digest(key, content, "sha256").hex()


def _trace(entry: Entry) -> Trace:
    owner = entry.owner and entry.owner.id
    return Trace(Head(0, GENESIS), entry.action, entry.credential_id, owner)
