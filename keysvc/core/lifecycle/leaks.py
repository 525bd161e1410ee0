"""Tokens that have leaked: what they are, and their end."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from keysvc.core import access
from keysvc.core.clock import Clock
from keysvc.core.ledger.ledger import Ledger
from keysvc.core.lifecycle import facts
from keysvc.core.verification.presented import Presented
from keysvc.core.verification.presented import presented_of
from keysvc.core.verification.recognition import Recognition
from keysvc.errors import NotFound
from keysvc.model import Caller
from keysvc.model import Credential
from keysvc.model import Entry
from keysvc.model import Leak
from keysvc.model import Owner
from keysvc.model import Proof
from keysvc.model import Stored
from keysvc.model import StoredSession
from keysvc.model import Verdict
from keysvc.store import credentials
from keysvc.store import sessions
from keysvc.store.lookup import MANY


class Leaks:
    """
    What was found where it should not be.

    Tokens are written as their bearers have them, keypairs as ``accessKey:secretKey``.
    Both use cases raise ``Forbidden`` without the scope ``leaks:write``; of a foreign
    realm every token is unknown, and stays as it is.
    """

    #: How many tokens are taken at once.
    LIMIT = MANY

    def __init__(self, recognition: Recognition, ledger: Ledger, now: Clock) -> None:
        self._recognition, self._ledger, self._now = recognition, ledger, now

    def examine(self, caller: Caller, tokens: Sequence[str]) -> list[Leak]:
        """Say what up to 100 tokens are, in order; change nothing."""
        found = self._recognition.recognise(_presented(tokens), _realm_of(caller))
        return [Leak(verdict.code, verdict.principal) for verdict in found]

    def report(self, caller: Caller, tokens: Sequence[str]) -> list[Leak]:
        """
        End what up to 100 tokens open, and say in order what they were.

        A credential is switched off, whatever it may do and whoever manages it; also
        one that has expired, lest somebody prolongs what has leaked. Of a secret that a
        rotation retains the grace ends, and the new one stays. A session ends.
        """
        realm, presented = _realm_of(caller), _presented(tokens)
        found = self._recognition.recognise(presented, realm)
        if not any(verdict.principal for verdict in found):
            return [Leak(verdict.code, None) for verdict in found]
        with self._ledger.unit() as record:
            held = _taken(found)
            # Once more: nobody changes them from here on.
            found = self._recognition.recognise(presented, realm)
            end = _End(caller, held, self._now(), record)
            # Each once, and always in the same order.
            distinct = {_key(one): one for one in found}
            ended = {key: end(distinct[key]) for key in sorted(distinct)}
        return [Leak(one.code, one.principal, ended[_key(one)]) for one in found]


class _End:
    """
    Ends what is still good, or could be again, and records it; tells whether it was.

    Args:
        held: The credentials that this transaction has locked.
    """

    def __init__(
        self,
        caller: Caller,
        held: dict[UUID, Credential],
        now: datetime,
        record: Callable[[Entry], None],
    ) -> None:
        self._caller, self._held = caller, held
        self._now, self._record = now, record

    def __call__(self, verdict: Verdict) -> bool:
        principal = verdict.principal
        if isinstance(principal, StoredSession):
            return self._session(principal)
        before = None if principal is None else self._held.get(principal.id)
        return before is not None and self._credential(before, verdict.proof)

    def _session(self, session: StoredSession) -> bool:
        if session.ends_at <= self._now or not sessions.delete(UUID(session.id)):
            return False
        self._record(
            Entry(
                actor=self._caller.actor,
                origin=self._caller.origin,
                action="session.leak",
                credential_id=session.id,
                owner=session.owner,
            )
        )
        return True

    def _credential(self, before: Credential, proof: Proof) -> bool:
        after = (
            replace(before, retain_minutes=0, retained_until=None)
            if proof is Proof.RETAINED
            else replace(before, is_active=False)
        )
        if after == before:
            return False
        after = replace(after, updated_at=self._now)
        credentials.update(after)
        self._held[after.id] = after
        self._record(facts.entry(self._caller, "credential.leak", before, after))
        return True


def _realm_of(caller: Caller) -> Owner | None:
    """Return whose tokens *caller* may report, if he may at all; None for anyone's."""
    access.require_scope(caller, "leaks:write")
    return access.realm_of(caller)


def _presented(tokens: Iterable[str]) -> list[Presented]:
    return [presented_of(token) for token in tokens]


def _taken(found: Iterable[Verdict]) -> dict[UUID, Credential]:
    """Return the credentials among them, locked, and always in the same order."""
    stored = {one.principal for one in found if isinstance(one.principal, Stored)}
    held: dict[UUID, Credential] = {}
    for one in sorted(stored, key=lambda credential: credential.id):
        try:
            taken = credentials.get(one.kind, one.owner, one.principal_id, locked=True)
        except NotFound:
            continue
        held[taken.id] = taken
    return held


def _key(verdict: Verdict) -> tuple[str, str]:
    principal = verdict.principal
    return "" if principal is None else principal.principal_id, verdict.proof
