"""The life of a credential: issue, list, change, rotate, delete."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from keysvc.core import access
from keysvc.core.clock import Clock
from keysvc.core.cursors import Cursors
from keysvc.core.ledger.ledger import Ledger
from keysvc.core.lifecycle import facts
from keysvc.core.lifecycle.entry import enter
from keysvc.core.lifecycle.entry import looking
from keysvc.core.lifecycle.entry import taken
from keysvc.core.lifecycle.idempotency import Idempotency
from keysvc.core.lifecycle.idempotency import Once
from keysvc.core.lifecycle.lifetimes import Lifetimes
from keysvc.core.lifecycle.minting import Mint
from keysvc.core.lifecycle.rotation import kept
from keysvc.core.lifecycle.rotation import Rotation
from keysvc.core.people.accounts import require_open
from keysvc.core.people.accounts import require_there
from keysvc.core.secrets.vault import Vault
from keysvc.model import Brief
from keysvc.model import Caller
from keysvc.model import Change
from keysvc.model import Credential
from keysvc.model import Cut
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import Keyset
from keysvc.model import Kind
from keysvc.model import Listing
from keysvc.model import Owner
from keysvc.model import Page
from keysvc.store import credentials as store
from keysvc.store import keysets
from keysvc.store.connection import reading
from keysvc.store.rows import BRIEF
from keysvc.store.rows import FULL


class Credentials:
    """
    Every use case of the three families, one method each; each is one transaction.

    All of them raise ``NotFound`` in a foreign realm and for what is not there, then
    ``Forbidden`` where a scope is lacking.
    """

    def __init__(
        self,
        vault: Vault,
        mint: Mint,
        rotation: Rotation,
        lifetimes: Lifetimes,
        ledger: Ledger,
        once: Idempotency,
        cursors: Cursors,
        now: Clock,
    ) -> None:
        self._vault, self._mint, self._cursors = vault, mint, cursors
        self._rotation, self._lifetimes = rotation, lifetimes
        self._ledger, self._once, self._now = ledger, once, now

    def issue(
        self,
        caller: Caller,
        kind: Kind,
        owner: Owner,
        draft: Draft,
        once: Once | None = None,
    ) -> Issued:
        """
        Create a credential for *owner*.

        Raises:
            Invalid: If it is to live longer than its family may.
            Forbidden: Also if it would be more than the caller is.
            Conflict: If its name is taken.
        """
        enter(caller, owner, access.scope_of(kind, "write"))
        with self._ledger.unit() as record:
            require_open(owner, caller, access.scope_of(kind, "write"))
            now = self._now()
            draft = self._lifetimes.begun(kind, draft, now)
            access.require_ceiling(caller, None, draft)
            if first := self._once.first_answer(caller, once):
                return facts.issued(first)
            minted = self._mint.issue(kind)
            credential = Credential(
                **facts.of_draft(draft.with_attributes(minted.attributes)),
                id=uuid4(),
                kind=kind,
                owner=owner,
                public_id=minted.public_id,
                created_at=now,
                updated_at=now,
                created_by=caller.actor,
            )
            store.add(credential, kept(self._vault, credential, minted))
            issued = Issued(credential, minted.shown)
            self._once.keep(caller, once, issued)
            record(facts.entry(caller, "credential.create", None, credential))
        return issued

    def get(
        self, caller: Caller, kind: Kind, owner: Owner, reference: str
    ) -> Credential:
        """Return one credential of *owner*."""
        enter(caller, owner, access.scope_of(kind, "read"))
        with reading():
            require_there(owner)
            found = store.get(kind, owner, reference)
        access.require_read(caller, owner, access.scope_of(kind, "read"))
        return found

    def page(
        self, caller: Caller, kind: Kind, owner: Owner, listing: Listing
    ) -> Page[Credential]:
        """Return a part of the credentials of *owner*."""
        with looking(caller, kind, owner):
            return store.page(kind, owner, listing, FULL)

    def brief_page(
        self, caller: Caller, kind: Kind, owner: Owner, listing: Listing
    ) -> Page[Brief]:
        """Return the same part, and little of each credential: at a fraction of it."""
        with looking(caller, kind, owner):
            return store.page(kind, owner, listing, BRIEF)

    def cut(
        self, caller: Caller, kind: Kind, owner: Owner, keyset: Keyset
    ) -> Cut[Credential]:
        """
        Return a part of the credentials of *owner*, by creation, then id.

        Its cost does not depend on what lies before, and what is made or deleted
        meanwhile makes no other one come twice or not at all.

        Raises:
            Invalid: If the page token is not one of this list, in this direction.
        """
        with looking(caller, kind, owner):
            return self._cursors.cut(
                [kind, *owner, keyset.descending],
                keyset,
                lambda after, limit: keysets.cut(
                    kind, owner, after, limit, descending=keyset.descending
                ),
                keysets.place,
            )

    def change(
        self, caller: Caller, kind: Kind, owner: Owner, reference: str, change: Change
    ) -> Credential:
        """
        Change what *change* holds of one credential of *owner*.

        Raises:
            Invalid: If it is to live longer than its family may.
            Forbidden: Also if that would make it more than the caller is.
            Conflict: If its new name is taken.
        """
        enter(caller, owner, access.scope_of(kind, "write"))
        with self._ledger.unit() as record:
            before = taken(caller, kind, owner, reference)
            after = _changed(before, change, self._now())
            access.require_ceiling(caller, before, after)
            self._lifetimes.require_change(before, after)
            if after != before:
                store.update(after)
                record(facts.entry(caller, "credential.update", before, after))
        return after

    def rotate(
        self,
        caller: Caller,
        kind: Kind,
        owner: Owner,
        reference: str,
        retain_minutes: int,
        once: Once | None = None,
    ) -> Issued:
        """
        Give one credential of *owner* another secret.

        The old one is good for *retain_minutes* more; one that was retained before
        is not.

        Raises:
            Forbidden: Also if the credential is more than the caller is.
        """
        enter(caller, owner, access.scope_of(kind, "write"))
        with self._ledger.unit() as record:
            before = taken(caller, kind, owner, reference)
            access.require_ceiling(caller, None, before)
            if first := self._once.first_answer(caller, once):
                return facts.issued(first)
            issued = self._rotation.apply(before, retain_minutes)
            self._once.keep(caller, once, issued)
            record(facts.entry(caller, "credential.rotate", before, issued.credential))
        return issued

    def delete(self, caller: Caller, kind: Kind, owner: Owner, reference: str) -> None:
        """Delete one credential of *owner* for good."""
        enter(caller, owner, access.scope_of(kind, "write"))
        with self._ledger.unit() as record:
            before = taken(caller, kind, owner, reference)
            store.delete(before.id)
            record(facts.entry(caller, "credential.delete", before, None))


def _changed(before: Credential, change: Change, now: datetime) -> Credential:
    """Apply *change*; attributes that it does not name stay."""
    changed: dict[str, Any] = {**change}
    kept = before.with_attributes(changed.pop("attributes", {}))
    after = replace(kept, **changed)
    return after if after == before else replace(after, updated_at=now)
