"""Answer a repeated request like the first one, without doing it again."""

from datetime import timedelta
from hashlib import sha256
from typing import Any
from typing import NamedTuple

import orjson

from keysvc.core.clock import Clock
from keysvc.core.housekeeping import Housekeeping
from keysvc.core.secrets.vault import Vault
from keysvc.errors import Conflict
from keysvc.model import Caller
from keysvc.store import first_answers as store

#: How long a first answer is kept.
LIFETIME = timedelta(minutes=10)


class Once(NamedTuple):
    """A request that is done once: its idempotency key, and a hash of all it asks."""

    key: str
    request_hash: str


class Idempotency:
    """
    First answers, sealed under the ring and the idempotency key itself.

    Of the key only a hash is kept, so the database and the ring together cannot open
    them. Both methods belong into the unit that does the work.
    """

    def __init__(self, vault: Vault, housekeeping: Housekeeping, now: Clock) -> None:
        self._vault, self._housekeeping, self._now = vault, housekeeping, now

    def first_answer(self, caller: Caller, once: Once | None) -> Any:
        """
        Return what *caller* was answered the first time, None at the first time.

        Raises:
            Conflict: If the key came with another request, or its twin still runs.
        """
        if once is None:
            return None
        key_hash = _hash(caller, once)
        if not store.take_turn(key_hash):
            raise Conflict("A request with this idempotency key is still running.")
        found = store.find(key_hash, self._now())
        if found is None:
            return None
        request_hash, sealed = found
        if request_hash != once.request_hash:
            raise Conflict("This idempotency key came with another request before.")
        return orjson.loads(self._vault.open_with(once.key, sealed))

    def keep(self, caller: Caller, once: Once | None, answer: Any) -> None:
        """Keep *answer*, of dataclasses, tuples and plain values, for a repetition."""
        if once is None:
            return
        sealed = self._vault.seal_with(once.key, orjson.dumps(answer, default=list))
        until = self._now() + LIFETIME
        store.keep(_hash(caller, once), once.request_hash, sealed, until)
        self._housekeeping.start()


def _hash(caller: Caller, once: Once) -> str:
    parts = "\0".join((caller.kind, caller.id, once.key))
    return sha256(parts.encode()).hexdigest()
