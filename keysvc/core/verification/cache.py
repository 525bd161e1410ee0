"""
What verifications have read, for as long as the change feed vouches for it.

Never a raw secret: digests, and sealed secrets as they lie in the database.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Iterable
from time import monotonic
from typing import NamedTuple

from keysvc.model import Head
from keysvc.model import Kind
from keysvc.model import Principal
from keysvc.model import Stored
from keysvc.model import StoredOperator
from keysvc.model import StoredSession
from keysvc.model import Trace

#: Seconds after which a feed that was not heard of vouches for nothing. Half of the
#: second that a revocation may take: the rest is for whoever was let in just before.
FRESH = 0.5

#: Seconds that anything is kept, whatever the feed says.
_LIFETIME = 3600.0


class _Kept(NamedTuple):
    """*parent* names what it is joined with at each lookup, if anything."""

    until: float
    principal: Principal
    parent: str | None


class _Parent(NamedTuple):
    """A service account that is active, or an operator."""

    until: float
    operator: StoredOperator | None


class Cache:
    """
    Credentials and sessions by public id; accounts and operators apart, by id.

    Only what was good is kept: there is nothing to be found here of what is refused.

    Args:
        size: How many principals, and how many parents, are kept at most.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self.forget()

    def forget(self) -> None:
        """Stand as if nothing had been read, nor heard of the feed."""
        self._lock = threading.Lock()
        self.position: Head | None = None
        self._confirmed = -math.inf
        self._clear()

    def is_fresh(self) -> bool:
        """Tell whether the feed was heard of a moment ago."""
        return self.age() < FRESH

    def age(self) -> float:
        """Return the seconds since the feed was heard of; infinity if it never was."""
        return monotonic() - self._confirmed

    def find(self, public_id: str) -> Principal | None:
        """Return what is known of a principal, if the feed vouches for it now."""
        now = monotonic()
        if now - self._confirmed >= FRESH:
            return None
        return self._join(public_id, now)

    def keep(self, principal: Principal, position: Head | None) -> None:
        """
        Keep what was read, unless something has changed since.

        Args:
            position: That of the feed, noted before the reading.
        """
        with self._lock:
            if position == self.position:
                self._keep(principal, monotonic() + _LIFETIME)

    def advance(self, position: Head, traces: Iterable[Trace] | None) -> None:
        """
        Drop what the feed says was changed.

        Args:
            position: How far the feed was read, in which history.
            traces: What has changed; None where that is not known.
        """
        with self._lock:
            if traces is None:
                self._clear()
            else:
                self._drop_all(traces)
            self.position = position

    def confirm(self, began: float) -> None:
        """
        Vouch again for what is kept.

        Args:
            began: When the reading began that has reached the feed's end, by the
                monotonic clock.
        """
        self._confirmed = began

    def drop(self, traces: Iterable[Trace]) -> None:
        """Drop what this process has changed itself, before the feed says so."""
        with self._lock:
            self._drop_all(traces)

    def _join(self, public_id: str, now: float) -> Principal | None:
        kept = self._principals.get(public_id)
        if kept is None or kept.until <= now:
            return None
        principal, parent = kept.principal, kept.parent
        if parent is None:
            return principal
        if isinstance(principal, StoredSession) and principal.operator_id is None:
            credential = self._join(parent, now)
            if not isinstance(credential, Stored):
                return None
            return principal._replace(credential=credential)
        known = self._parents.get(parent)
        if known is None or known.until <= now:
            return None
        if isinstance(principal, StoredSession):
            return principal._replace(operator=known.operator)
        return principal

    def _keep(self, principal: Principal, until: float) -> None:
        parent = None
        if isinstance(principal, StoredSession):
            if principal.credential is not None:
                self._keep(principal.credential, until)
                parent = principal.credential.public_id
            elif principal.operator_id is not None:
                parent = principal.operator_id
                self._add_parent(parent, _Parent(until, principal.operator))
            principal = principal._replace(credential=None, operator=None)
        elif principal.kind is Kind.API_KEY:
            parent = principal.owner.id
            self._add_parent(parent, _Parent(until, None))
        # What is read again pushes nothing out, and is the youngest.
        self._principals.pop(principal.public_id, None)
        while len(self._principals) >= self._size:
            _, oldest = self._principals.popitem(last=False)
            self._public_ids.pop(oldest.principal.principal_id, None)
        self._public_ids[principal.principal_id] = principal.public_id
        self._principals[principal.public_id] = _Kept(until, principal, parent)

    def _add_parent(self, id_: str, parent: _Parent) -> None:
        self._parents.pop(id_, None)
        while len(self._parents) >= self._size:
            self._parents.popitem(last=False)
        self._parents[id_] = parent

    def _drop_all(self, traces: Iterable[Trace]) -> None:
        for trace in traces:
            self._drop(trace)

    def _drop(self, trace: Trace) -> None:
        area = trace.action.partition(".")[0]
        if area in {"credential", "session"} and trace.credential_id is not None:
            # Records name a credential as the wire does; by which id it was found,
            # only what is kept here can tell.
            public_id = self._public_ids.pop(trace.credential_id, trace.credential_id)
            self._principals.pop(public_id, None)
        elif area in {"service_account", "operator"} and trace.owner_id is not None:
            self._parents.pop(trace.owner_id, None)
        elif area != "audit":
            # Of the ring, say: nobody here knows what that changes.
            self._clear()

    def _clear(self) -> None:
        self._principals: OrderedDict[str, _Kept] = OrderedDict()
        self._parents: OrderedDict[str, _Parent] = OrderedDict()
        self._public_ids: dict[str, str] = {}
