"""How the records of the audit hang together, and what betrays a change."""

import hmac
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from typing import NamedTuple

import orjson

from keysvc.core.secrets.vault import Vault
from keysvc.errors import Unavailable
from keysvc.model import Checkpoint
from keysvc.model import Head
from keysvc.model import Record
from keysvc.store import ring

#: What the first record is chained to.
GENESIS = "0" * 64

_FORGED = "the checkpoint of what was purged was changed or inserted"

#: What a record of a purge says was done.
PURGE = "audit.purge"


class Finding(NamedTuple):
    """
    What a check has found: how many good records, and the first flaw.

    *purged* is how many there were before them, *until* when the last of those was
    made.
    """

    good: int
    flaw: str | None
    purged: int = 0
    until: datetime | None = None


class Chain:
    """Each record's MAC covers the one before, under the audit key of the ring."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._dropped: dict[str, bytes] = {}

    def mac(self, record: Record, previous: str) -> str:
        """Return HMAC-SHA-256 over the MAC before and all that *record* says."""
        entry = record.entry
        return self._hmac(
            record.key_id,
            [
                previous,
                record.seq,
                _told(record.at),
                list(entry.actor),
                list(entry.origin),
                entry.action,
                entry.credential_id,
                list(entry.owner or ()),
                entry.before,
                entry.after,
            ],
        )

    def seal(self, checkpoint: Checkpoint) -> str:
        """Return HMAC-SHA-256 over all that *checkpoint* says."""
        # No MAC begins so: what seals a checkpoint signs no record.
        content = ["checkpoint", checkpoint.seq, checkpoint.mac, _told(checkpoint.at)]
        return self._hmac(checkpoint.key_id, content)

    def check(
        self, records: Iterable[Record], heads: Iterable[Head], start: Checkpoint | None
    ) -> Finding:
        """
        Check all the records that there are, on a connection at hand.

        Args:
            heads: What must be among them.
            start: What they follow on from, if any were purged.
        """
        purges: deque[Any] = deque(maxlen=1)
        seen = (_noting(record, purges) for record in records)
        finding = self.follow(seen, heads, start)
        if start is None or finding.flaw is not None:
            return finding
        if not any(told_of(start).items() <= told.items() for told in purges):
            flaw = f"no record tells of a purge up to record {start.seq}"
            return finding._replace(good=0, flaw=flaw)
        return finding

    def follow(
        self, records: Iterable[Record], heads: Iterable[Head], start: Checkpoint | None
    ) -> Finding:
        """Check that *records* follow on from *start*, one upon the other."""
        self._learn_dropped()
        if start is not None and not self._has_sealed(start):
            return Finding(0, _FORGED)
        begin = last = Head(0, GENESIS) if start is None else Head(*start[:2])
        good = Finding(0, None, begin.seq, start and start.at)
        wanted = {*heads} - {begin}
        try:
            for record in records:
                this = Head(record.seq, record.mac)
                here = {head for head in wanted if head.seq == this.seq}
                if (flaw := self._flaw_of(record, last, here)) is not None:
                    return good._replace(good=last.seq - begin.seq, flaw=flaw)
                wanted -= here
                last = this
        except (TypeError, ValueError, RecursionError):
            # Nobody here can have written what cannot even be read.
            flaw = f"record {last.seq + 1} was changed or inserted"
            return good._replace(good=last.seq - begin.seq, flaw=flaw)
        flaw = f"record {last.seq + 1} is missing" if wanted else None
        return good._replace(good=last.seq - begin.seq, flaw=flaw)

    def _flaw_of(self, record: Record, last: Head, heads: set[Head]) -> str | None:
        if record.seq > last.seq + 1:
            return f"record {last.seq + 1} is missing"
        try:
            this = Head(record.seq, self.mac(record, last.mac))
        except Unavailable:
            return f"record {record.seq} was signed with a key that the ring lacks"
        right = hmac.compare_digest(this.mac, record.mac) and not heads - {this}
        if this.seq > last.seq and right:
            return None
        return f"record {this.seq} was changed or inserted"

    def _has_sealed(self, checkpoint: Checkpoint) -> bool:
        try:
            return hmac.compare_digest(self.seal(checkpoint), checkpoint.seal)
        except (TypeError, Unavailable):
            return False

    def _learn_dropped(self) -> None:
        self._dropped = {
            wrapped.key_id: self._vault.unwrap_audit_key(*wrapped)
            for wrapped in ring.wrapped()
        }

    def _hmac(self, key_id: str, content: list[Any]) -> str:
        # What the database says of a key counts only where the ring says nothing.
        known = self._vault.knows(key_id)
        key = None if known else self._dropped.get(key_id)
        key = key or self._vault.audit_key(key_id)
        text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
        return hmac.digest(key, text, "sha256").hex()


def told_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what the record of a purge tells of the checkpoint that it has left."""
    return {"seq": checkpoint.seq, "until": _told(checkpoint.at)}


def _noting(record: Record, purges: deque[Any]) -> Record:
    if record.entry.action == PURGE:
        purges.append(record.entry.after)
    return record


def _told(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
