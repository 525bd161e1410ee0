"""The audit: a chain of records that shows any change made to it."""

import logging
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager

from keysvc.core import access
from keysvc.core.announcements import Listener
from keysvc.core.announcements import SILENCE
from keysvc.core.background import Background
from keysvc.core.clock import Clock
from keysvc.core.cursors import Cursors
from keysvc.core.ledger.chain import Chain
from keysvc.core.ledger.chain import Finding
from keysvc.core.ledger.chain import GENESIS
from keysvc.core.secrets.vault import Vault
from keysvc.core.verification.cache import Cache
from keysvc.errors import Invalid
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
from keysvc.store import retention
from keysvc.store import ring as ring_store
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.snapshots import snapshot

# At a level of its own: a setting that quiets the log must not silence this.
_witness = logging.getLogger("keysvc.audit")
_witness.setLevel(logging.INFO)


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
        self._chain = Chain(vault)
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
        Check every record that was not purged, and that none is missing at the end.

        Args:
            witness: A head that was logged once; it must still be in the chain.

        Raises:
            Invalid: If the record that the witness tells of was purged.
        """
        with snapshot():
            head, start = Head(*store.head()), retention.checkpoint()
            if witness and start and witness.seq < start.seq:
                message = f"Record {witness.seq} was purged: give a younger head."
                raise Invalid(message)
            expected = [head, *([witness] if witness else [])]
            finding = self._chain.check(store.every(), expected, start)
        beyond = finding.purged + finding.good - head.seq
        if finding.flaw is None and beyond > 0:
            flaw = f"record {head.seq + 1} was changed or inserted"
            return finding._replace(good=finding.good - beyond, flaw=flaw)
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

    def live_maker(self) -> str:
        """Return the key that signs in this transaction: none that was dropped."""
        try:
            ring_store.require_live(self._vault.ring.maker)
        except Unavailable:
            ring_store.require_live(self._vault.reload().maker)
        return self._vault.ring.maker

    def _append(self, entries: Iterable[Entry]) -> None:
        key_id, head = self.live_maker(), Head(*store.head(locked=True))
        if head.seq < 0:
            raise Unavailable("The head of the audit is missing.")
        for entry in entries:
            unsigned = Record(head.seq + 1, self._now(), entry, key_id, "")
            mac = self._chain.mac(unsigned, head.mac)
            store.append(Record(unsigned.seq, unsigned.at, entry, key_id, mac))
            head = Head(unsigned.seq, mac)
        feed.announce()


def _trace(entry: Entry) -> Trace:
    owner = entry.owner and entry.owner.id
    return Trace(Head(0, GENESIS), entry.action, entry.credential_id, owner)
