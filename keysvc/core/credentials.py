"""The life of a credential: issue, list, change, delete."""

from collections.abc import Mapping
from dataclasses import fields
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from keysvc.core import access
from keysvc.core import tokens
from keysvc.core.clock import Clock
from keysvc.core.ledger import Ledger
from keysvc.core.vault import Vault
from keysvc.model import Caller
from keysvc.model import Change
from keysvc.model import Credential
from keysvc.model import Draft
from keysvc.model import Entry
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import Page
from keysvc.model import Window
from keysvc.store import credentials as store
from keysvc.store.connection import reading

_MINT = {Kind.KEYPAIR: tokens.mint_keypair}

#: Families whose secret must be read again, to check signatures made with it.
_SEALED = {Kind.KEYPAIR}

_OWN = [field.name for field in fields(Draft)]


class Credentials:
    """
    Every use case of the three families, one method each; each is one transaction.

    All of them raise ``NotFound`` in a foreign realm, and ``Forbidden`` in the
    caller's own one where a scope is lacking.
    """

    def __init__(self, vault: Vault, ledger: Ledger, now: Clock) -> None:
        self._vault, self._ledger, self._now = vault, ledger, now

    def issue(self, caller: Caller, kind: Kind, owner: Owner, draft: Draft) -> Issued:
        """
        Create a credential for *owner*.

        Raises:
            Forbidden: Also if it would be more than the caller is.
        """
        access.require(caller, owner, f"{access.AREA[kind]}:write")
        access.require_ceiling(caller, None, draft)
        public_id, secret = _MINT[kind]()
        now = self._now()
        credential = Credential(
            **{name: getattr(draft, name) for name in _OWN},
            id=uuid4(),
            kind=kind,
            owner=owner,
            public_id=public_id,
            created_at=now,
            updated_at=now,
            created_by=caller.actor,
        )
        kept = self._vault.protect(credential.id, secret, sealed=kind in _SEALED)
        with self._ledger.unit() as record:
            store.add(credential, kept)
            record(_entry(caller, "credential.create", None, credential))
        return Issued(credential, secret)

    def get(
        self, caller: Caller, kind: Kind, owner: Owner, public_id: str
    ) -> Credential:
        """Return one credential of *owner*."""
        access.require(caller, owner, f"{access.AREA[kind]}:read")
        with reading():
            return store.get(kind, owner, public_id)

    def page(self, caller: Caller, kind: Kind, owner: Owner, window: Window) -> Page:
        """Return a part of the credentials of *owner*."""
        access.require(caller, owner, f"{access.AREA[kind]}:read")
        with reading():
            return store.page(kind, owner, window)

    def change(
        self, caller: Caller, kind: Kind, owner: Owner, public_id: str, change: Change
    ) -> Credential:
        """
        Change what *change* holds of one credential of *owner*.

        Raises:
            Forbidden: Also if that would make it more than the caller is.
        """
        access.require(caller, owner, f"{access.AREA[kind]}:write")
        with self._ledger.unit() as record:
            before = store.get(kind, owner, public_id, locked=True)
            after = _changed(before, change, self._now())
            access.require_ceiling(caller, before, after)
            if after != before:
                store.update(after)
                record(_entry(caller, "credential.update", before, after))
        return after

    def delete(self, caller: Caller, kind: Kind, owner: Owner, public_id: str) -> None:
        """Delete one credential of *owner* for good."""
        access.require(caller, owner, f"{access.AREA[kind]}:write")
        with self._ledger.unit() as record:
            before = store.get(kind, owner, public_id, locked=True)
            store.delete(before.id)
            record(_entry(caller, "credential.delete", before, None))


def _changed(before: Credential, change: Change, now: datetime) -> Credential:
    """Apply *change*; attributes that it does not name stay."""
    attributes = {**before.attributes, **change.get("attributes", {})}
    changed: dict[str, Any] = {**change, "attributes": attributes}
    after = replace(before, **changed)
    return after if after == before else replace(after, updated_at=now)


def _entry(
    caller: Caller, action: str, before: Credential | None, after: Credential | None
) -> Entry:
    subject = after or before
    assert subject is not None
    old, new = _facts(before), _facts(after)
    changed = {
        name for name in old.keys() | new.keys() if old.get(name) != new.get(name)
    }
    return Entry(
        actor=caller.actor,
        origin=caller.origin,
        action=action,
        credential_id=subject.wire_id,
        owner=subject.owner,
        before={n: v for n, v in old.items() if n in changed} if before else None,
        after={n: v for n, v in new.items() if n in changed} if after else None,
    )


def _facts(credential: Credential | None) -> Mapping[str, Any]:
    """Return what can be changed of a credential, as JSON can hold it."""
    if credential is None:
        return {}
    facts = {name: getattr(credential, name) for name in _OWN}
    facts |= facts.pop("attributes")
    if facts["expires_at"] is not None:
        facts["expires_at"] = facts["expires_at"].isoformat()
    return facts
