"""Change the keys of the ring, without losing what was made with the old ones."""

from typing import NamedTuple
from uuid import UUID

from keysvc.config import Settings
from keysvc.core.clock import Clock
from keysvc.core.ledger.ledger import Ledger
from keysvc.core.secrets import ring as rings
from keysvc.core.secrets.vault import Vault
from keysvc.errors import Conflict
from keysvc.errors import Misconfigured
from keysvc.errors import NotFound
from keysvc.model import Caller
from keysvc.model import Entry
from keysvc.model import Secret
from keysvc.store import migrate
from keysvc.store import ring as store
from keysvc.store.connection import reading
from keysvc.store.ring import Wrapped

_BATCH = 200


class KeyState(NamedTuple):
    """A key of the ring, and how many credentials need it."""

    key_id: str
    makes: bool
    credentials: int


class Rekeying:
    """``keysvc secrets``: list, rotate, reseal, drop."""

    def __init__(
        self, settings: Settings, vault: Vault, ledger: Ledger, now: Clock
    ) -> None:
        self._settings, self._vault = settings, vault
        self._ledger, self._now = ledger, now

    def states(self) -> list[KeyState]:
        """Return the keys of the ring, newest first."""
        ring = self._vault.ring
        with reading():
            return [
                KeyState(id_, id_ == ring.maker, len(self._needing(id_)))
                for id_ in ring.ids
            ]

    def rotate(self, caller: Caller) -> str:
        """
        Put a new key first in the ring's file, and return its id.

        Running processes read the file again when they first meet the new id.

        Raises:
            Misconfigured: If the ring is not in a file.
        """
        # Two at once would each write a file without the other's new key.
        with migrate.exclusive():
            self._require_ours()
            rings.rewrite(self._settings, self._vault.reload().with_new())
            maker = self._vault.reload().maker
            with self._ledger.unit() as record:
                store.remember(maker, self._now())
                record(_entry(caller, "ring.rotate", maker))
        return maker

    def reseal(self, caller: Caller) -> int:
        """Make sealed secrets and their digests anew; return how many there were."""
        count = 0
        # Read anew in each turn, or a rotation meanwhile would make it endless.
        while batch := self._sealed_by_others(maker := self._vault.reload().maker):
            with self._ledger.unit() as record:
                for id_, old in batch:
                    store.replace(id_, old, self._made_anew(id_, old))
                record(_entry(caller, "ring.reseal", maker))
            count += len(batch)
        with self._ledger.unit():
            for wrapped in store.wrapped():
                audit_key = self._vault.unwrap_audit_key(*wrapped)
                store.rewrap(self._wrapped(wrapped.key_id, audit_key))
        return count

    def drop(self, caller: Caller, key_id: str, *, force: bool = False) -> list[str]:
        """
        Let go of a key, and take it out of the ring's file.

        Args:
            force: Kill the credentials that still need it: switched off, their
                secrets gone for good. One that only retains an older secret under
                it loses that one alone.

        Returns:
            The public ids of the credentials that were killed.

        Raises:
            NotFound: If the ring has no such key.
            Conflict: If it is the first one, or something needs it and not *force*.
        """
        with migrate.exclusive():
            return self._drop(caller, key_id, force)

    def _drop(self, caller: Caller, key_id: str, force: bool) -> list[str]:
        self._require_ours()
        ring = self._vault.ring
        if key_id not in ring.ids:
            raise NotFound(f"The ring has no key {key_id}.")
        if key_id == ring.maker:
            raise Conflict("The first key makes: `keysvc secrets rotate` comes before.")
        with self._ledger.unit() as record:
            # First of all: from here on nobody makes anything with it.
            audit_key = self._vault.audit_key(key_id)
            store.drop(self._wrapped(key_id, audit_key), self._now())
            if (names := self._needing(key_id)) and not force:
                said = ", ".join(names)
                raise Conflict(f"{len(names)} credentials need this key: {said}")
            if store.seals(key_id):
                raise Conflict("It seals older audit keys: `keysvc secrets reseal`.")
            needing = store.dependents(key_id)
            for id_, _ in needing:
                store.kill(id_)
            store.forget_retained(key_id)
            for _, public_id in needing:
                record(_entry(caller, "credential.kill", key_id, public_id))
            record(_entry(caller, "ring.drop", key_id))
        # A ring in a variable is the operator's to edit; the database has let go of
        # the key, so that processes may start without it.
        if not self._settings.secret_keys:
            rings.rewrite(self._settings, ring.without(key_id))
            self._vault.reload()
        return [public_id for _, public_id in needing]

    def _needing(self, key_id: str) -> list[str]:
        """Return the public ids of what has a secret, or the one before, under it."""
        current = (public_id for _, public_id in store.dependents(key_id))
        return list(dict.fromkeys([*current, *store.retained(key_id, self._now())]))

    def _sealed_by_others(self, maker: str) -> list[tuple[UUID, Secret]]:
        with reading():
            return list(store.sealed_by_others(maker, _BATCH))

    def _made_anew(self, id_: UUID, old: Secret) -> Secret:
        assert old.sealed is not None and old.sealed_key is not None
        secret = self._vault.unseal(id_, old.sealed, old.sealed_key)
        return self._vault.protect(id_, secret, sealed=True)

    def _wrapped(self, key_id: str, audit_key: bytes) -> Wrapped:
        maker = self._vault.ring.maker
        wrapped = self._vault.wrap_audit_key(key_id, audit_key, maker)
        return Wrapped(key_id, wrapped, maker)

    def _require_ours(self) -> None:
        """Refuse a ring that is not this database's: it would become so."""
        with reading():
            known = store.known()
        if missing := known - set(self._vault.reload().ids):
            raise Misconfigured(
                f"This ring is not the database's: it lacks {', '.join(missing)}."
            )


def _entry(
    caller: Caller, action: str, key_id: str, credential_id: str | None = None
) -> Entry:
    return Entry(
        actor=caller.actor,
        origin=caller.origin,
        action=action,
        credential_id=credential_id,
        after={"key_id": key_id},
    )
