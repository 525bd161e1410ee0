"""Records of what was changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the audit's chain, as it was written."""

    seq: int
    at: datetime
    entry: Entry
    key_id: str
    mac: str
