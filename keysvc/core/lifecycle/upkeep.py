"""Keep an estate of credentials clean, whatever their families are."""

from collections.abc import Iterator
from dataclasses import replace

from keysvc.core import access
from keysvc.core.clock import Clock
from keysvc.core.cursors import Cursors
from keysvc.core.ledger.ledger import Ledger
from keysvc.core.lifecycle import facts
from keysvc.core.lifecycle.entry import require_ours
from keysvc.core.lifecycle.rotation import Rotation
from keysvc.model import Actor
from keysvc.model import Caller
from keysvc.model import Credential
from keysvc.model import Cut
from keysvc.model import Issued
from keysvc.model import Owner
from keysvc.model import Search
from keysvc.store import credentials
from keysvc.store import keysets
from keysvc.store import search as store
from keysvc.store.connection import reading

READ, WRITE = "credentials:read", "credentials:write"


class Upkeep:
    """Rotate any credential, find what to clean up, and off-board who leaves."""

    def __init__(
        self, rotation: Rotation, ledger: Ledger, cursors: Cursors, now: Clock
    ) -> None:
        self._rotation, self._ledger = rotation, ledger
        self._cursors, self._now = cursors, now

    def rotate(self, caller: Caller, reference: str, grace_minutes: int) -> Issued:
        """
        Give a credential of any family another secret.

        The old one is good for *grace_minutes* more; one that was before it is not.

        Raises:
            NotFound: If there is none, or it is of a foreign realm.
            Forbidden: If the caller lacks the scope, or the credential is more than he.
            Conflict: If it is managed.
        """
        with self._ledger.unit() as record:
            before = store.one(reference)
            access.require_realm(caller, before.owner)
            require_ours(caller, before, WRITE)
            access.require_ceiling(caller, None, before)
            issued = self._rotation.apply(before, grace_minutes)
            after = issued.credential
            record(facts.entry(caller, "credential.rotate", before, after))
        return issued

    def page(self, caller: Caller, search: Search) -> Cut[Credential]:
        """
        Return what is wanted of all that *caller* may see, by creation, then id.

        Raises:
            Forbidden: If the caller lacks the scope.
            Invalid: If the page token is not one of this search.
        """
        access.require_scope(caller, READ)
        realm, now = access.realm_of(caller), self._now()
        with reading():
            return self._cursors.cut(
                ["credentials", realm and list(realm), *search.terms],
                search.keyset,
                lambda after, limit: store.cut(search, realm, after, limit, now),
                keysets.place,
            )

    def all(self, caller: Caller, search: Search) -> Iterator[Credential]:
        """Yield all that ``page`` returns part by part."""
        while True:
            cut = self.page(caller, search)
            yield from cut.items
            if cut.next_page_token is None:
                return
            search = replace(
                search, keyset=replace(search.keyset, token=cut.next_page_token)
            )

    def deactivate(
        self, caller: Caller, group: Owner | Actor, *, dry_run: bool = False
    ) -> list[str]:
        """
        Switch off all that an owner has, or all that an actor has created.

        Args:
            dry_run: Change nothing, and only tell.

        Returns:
            The ids of what was switched off, or would be.

        Raises:
            Forbidden: If the caller lacks the scope.
            Conflict: If any of it is managed: then nothing at all is switched off.
        """
        access.require_scope(caller, WRITE)
        realm = access.realm_of(caller)
        if dry_run:
            with reading():
                found = store.active_of(group, realm)
            return [credential.wire_id for credential in found]
        with self._ledger.unit() as record:
            found = store.active_of(group, realm, locked=True)
            for before in found:
                require_ours(caller, before, WRITE)
            now = self._now()
            for before in found:
                after = replace(before, is_active=False, updated_at=now)
                credentials.update(after)
                record(facts.entry(caller, "credential.update", before, after))
        return [credential.wire_id for credential in found]
