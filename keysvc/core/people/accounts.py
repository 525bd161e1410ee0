"""Service accounts: programs that own API keys."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID
from uuid import uuid4

from keysvc.core import access
from keysvc.core.clock import Clock
from keysvc.core.ledger.ledger import Ledger
from keysvc.core.lifecycle import facts
from keysvc.core.lifecycle.idempotency import Idempotency
from keysvc.core.lifecycle.idempotency import Once
from keysvc.errors import IllegalOperation
from keysvc.errors import NotFound
from keysvc.model import AccountChange
from keysvc.model import AccountDraft
from keysvc.model import AccountKey
from keysvc.model import Caller
from keysvc.model import Credential
from keysvc.model import Entry
from keysvc.model import Issued
from keysvc.model import Listing
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Page
from keysvc.model import ServiceAccount
from keysvc.model.names import reference_of
from keysvc.store import accounts as store
from keysvc.store import credentials
from keysvc.store.connection import reading

READ, WRITE = "service-accounts:read", "service-accounts:write"

_RECORDED = ("name", "description", "full_name", "is_active", "external_user_id")


class ServiceAccounts:
    """Every use case of service accounts, one method and one transaction each."""

    def __init__(self, ledger: Ledger, once: Idempotency, now: Clock) -> None:
        self._ledger, self._once, self._now = ledger, once, now

    def create(
        self, caller: Caller, draft: AccountDraft, once: Once | None = None
    ) -> ServiceAccount:
        """
        Create a service account.

        Raises:
            Forbidden: If the caller may not act in any realm.
            Conflict: If the name is taken.
        """
        access.require_scope(caller, WRITE)
        access.require_scope(caller, access.ANY_REALM)
        now = self._now()
        account = ServiceAccount(
            name=draft.name,
            description=draft.description,
            full_name=draft.full_name,
            is_active=draft.is_active,
            external_user_id=draft.external_user_id,
            id=uuid4(),
            created_at=now,
            updated_at=now,
            created_by=caller.actor,
        )
        with self._ledger.unit() as record:
            if first := self._once.first_answer(caller, once):
                return facts.account(first)
            store.add(account)
            self._once.keep(caller, once, account)
            record(_entry(caller, "service_account.create", None, account))
        return account

    def get(self, caller: Caller, reference: str) -> ServiceAccount:
        """
        Return the account of this name or id.

        Raises:
            NotFound: If there is none, or it is not the caller's to know.
            Forbidden: If the caller lacks the scope.
        """
        with reading():
            account = store.get(reference_of(reference))
        _require_realm(caller, account)
        access.require_read(caller, account.owner, READ)
        return account

    def page(self, caller: Caller, listing: Listing) -> Page[ServiceAccount]:
        """Return a part of the accounts that the caller may know."""
        everywhere = access.covers(caller.scopes, access.ANY_REALM)
        mine = caller.owner
        itself = mine is not None and mine.kind is OwnerKind.SERVICE_ACCOUNT
        if everywhere or not itself:
            access.require_scope(caller, READ)
        # Whoever has no account of his own, and no other realm either, sees none.
        nobody = UUID(int=0)
        only = UUID(mine.id) if mine is not None and itself else nobody
        with reading():
            return store.page(listing, None if everywhere else only)

    def change(
        self, caller: Caller, reference: str, change: AccountChange
    ) -> ServiceAccount:
        """
        Change what *change* holds of an account.

        Raises:
            NotFound, Forbidden: As ``get`` does; also if an account comes alive whose
                keys are more than the caller is.
            Conflict: If the new name is taken.
        """
        with self._ledger.unit() as record:
            before = self._take(caller, reference)
            changed: dict[str, Any] = dict(change)
            after = replace(before, **changed)
            if after == before:
                return before
            after = replace(after, updated_at=self._now())
            if after.is_active and not before.is_active:
                for key in credentials.all_of(before.owner):
                    access.require_ceiling(caller, None, key)
            store.update(after)
            record(_entry(caller, "service_account.update", before, after))
        return after

    def delete(self, caller: Caller, reference: str) -> None:
        """Delete an account and all its keys."""
        with self._ledger.unit() as record:
            before = self._take(caller, reference)
            for key in credentials.all_of(before.owner):
                credentials.delete(key.id)
                record(facts.entry(caller, "credential.delete", key, None))
            store.delete(before.id)
            record(_entry(caller, "service_account.delete", before, None))

    def with_key(self, owner: Owner, key: Credential) -> AccountKey:
        """Return *key*, which the caller may see, with the account it belongs to."""
        with reading():
            return AccountKey(key, store.get(UUID(owner.id)))

    def with_issued(self, owner: Owner, issued: Issued) -> AccountKey:
        """Return a fresh key with the account it belongs to."""
        return replace(self.with_key(owner, issued.credential), secret=issued.secret)

    def with_keys(self, owner: Owner, page: Page[Credential]) -> Page[AccountKey]:
        """Return *page* with the account that all its keys belong to."""
        with reading():
            account = store.get(UUID(owner.id))
        keys = [AccountKey(credential, account) for credential in page.items]
        return Page(keys, page.total, page.window)

    def _take(self, caller: Caller, reference: str) -> ServiceAccount:
        account = store.get(reference_of(reference), lock="UPDATE")
        _require_realm(caller, account)
        access.require_scope(caller, WRITE)
        _require_ours(account, caller)
        return account


def require_there(owner: Owner) -> None:
    """Raise ``NotFound`` of a service account that does not exist."""
    if owner.kind is OwnerKind.SERVICE_ACCOUNT:
        store.get(UUID(owner.id))


def require_open(owner: Owner, caller: Caller, scope: str) -> None:
    """
    Make sure that credentials of *owner* may be made and changed by *caller*.

    Raises:
        NotFound: If it is a service account that does not exist.
        Forbidden: If the caller lacks *scope*, or outside authentication made it.
    """
    if owner.kind is not OwnerKind.SERVICE_ACCOUNT:
        return access.require_scope(caller, scope)
    # It must not go away before the transaction has ended.
    account = store.get(UUID(owner.id), lock="SHARE")
    access.require_scope(caller, scope)
    return _require_ours(account, caller)


def _require_realm(caller: Caller, account: ServiceAccount) -> None:
    """Say of a foreign account, to the letter, what is said of an absent one."""
    if not access.reaches(caller, account.owner):
        raise NotFound(store.ABSENT)


def _require_ours(account: ServiceAccount, caller: Caller) -> None:
    if account.external_user_id is not None and caller.kind != "cli":
        raise IllegalOperation


def _entry(
    caller: Caller,
    action: str,
    before: ServiceAccount | None,
    after: ServiceAccount | None,
) -> Entry:
    subject = after or before
    assert subject is not None
    old, new = facts.changes(_facts(before), _facts(after))
    return Entry(
        actor=caller.actor,
        origin=caller.origin,
        action=action,
        owner=subject.owner,
        before=old,
        after=new,
    )


def _facts(account: ServiceAccount | None) -> Mapping[str, Any] | None:
    if account is None:
        return None
    known = {name: getattr(account, name) for name in _RECORDED}
    external = known["external_user_id"]
    return known | {"external_user_id": None if external is None else str(external)}
