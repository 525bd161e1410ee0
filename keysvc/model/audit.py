"""Records of what was changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from typing import NamedTuple

from keysvc.model.callers import Actor
from keysvc.model.callers import Origin
from keysvc.model.callers import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    One change of state, as the use case that made it tells it.

    *before* and *after* hold the changed fields only; None for what was not there.
    """

    actor: Actor
    origin: Origin
    action: str
    credential_id: str | None = None
    owner: Owner | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


class Head(NamedTuple):
    """A record of the audit: its number, and the MAC that covers all before it."""

    seq: int
    mac: str


class Checkpoint(NamedTuple):
    """
    The last record that was purged: what is left of the audit follows on from it.

    Numbers begin at 1 and leave none out, so *seq* is also how many were purged.
    *seal* is an HMAC of the rest, under the audit key of *key_id*.
    """

    seq: int
    mac: str
    at: datetime
    key_id: str
    seal: str


class Trace(NamedTuple):
    """What a record says was changed, for those who keep what they have read."""

    head: Head
    action: str
    credential_id: str | None
    owner_id: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the audit's chain, as it was written."""

    seq: int
    at: datetime
    entry: Entry
    key_id: str
    mac: str
