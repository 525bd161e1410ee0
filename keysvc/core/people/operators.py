"""Operators: people who log in with a name and a password."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from keysvc.core.clock import Clock
from keysvc.core.ledger.ledger import Ledger
from keysvc.core.people.passwords import Passwords
from keysvc.errors import UnknownCredential
from keysvc.model import Caller
from keysvc.model import Entry
from keysvc.model import Operator
from keysvc.store import operators as store
from keysvc.store import sessions
from keysvc.store.connection import reading


class Operators:
    """Every use case of operators, one method and one transaction each."""

    def __init__(self, passwords: Passwords, ledger: Ledger, now: Clock) -> None:
        self._passwords, self._ledger, self._now = passwords, ledger, now

    def add(
        self, caller: Caller, name: str, password: str, scopes: tuple[str, ...]
    ) -> Operator:
        """
        Make an operator.

        Raises:
            Invalid: If the password is too short.
            Conflict: If the name is taken.
        """
        hashed, now = self._passwords.hash(password), self._now()
        operator = Operator(
            id=uuid4(),
            name=name,
            scopes=scopes,
            is_active=True,
            created_at=now,
            updated_at=now,
            password_changed_at=now,
        )
        with self._ledger.unit() as record:
            store.add(operator, hashed)
            record(_entry(caller, "operator.create", operator, scopes=list(scopes)))
        return operator

    def every(self) -> list[Operator]:
        """Return all operators, by name."""
        with reading():
            return store.every()

    def get(self, id_: str) -> Operator:
        """Return the operator of this id, or raise ``NotFound``."""
        with reading():
            return store.by_id(id_)

    def set_password(self, caller: Caller, name: str, password: str) -> Operator:
        """Change a password; the sessions of the old one end."""
        hashed, now = self._passwords.hash(password), self._now()
        with self._ledger.unit() as record:
            before = store.get(name)
            after = replace(before, updated_at=now, password_changed_at=now)
            store.set_password(after, hashed)
            sessions.delete_of(after.id)
            record(_entry(caller, "operator.password", after))
        return after

    def change(self, caller: Caller, name: str, **changed: Any) -> Operator:
        """Change ``scopes`` or ``is_active`` of an operator."""
        with self._ledger.unit() as record:
            before = store.get(name)
            after = replace(before, **changed, updated_at=self._now())
            store.update(after)
            record(_entry(caller, "operator.update", after, **changed))
        return after

    def delete(self, caller: Caller, name: str) -> None:
        """Delete an operator and end his sessions."""
        with self._ledger.unit() as record:
            operator = store.get(name)
            sessions.delete_of(operator.id)
            store.delete(operator.id)
            record(_entry(caller, "operator.delete", operator))

    def prove(self, name: str, password: str) -> tuple[Operator, int]:
        """
        Return the operator whose name and password these are, and its generation.

        Raises:
            UnknownCredential: If they are not good; whatever is wrong, it costs the
                same and says the same.
            Unavailable: If too many passwords are being checked.
        """
        with reading():
            found = store.find_password(name)
        hashed = None if found is None else found[1]
        right = self._passwords.matches(password, hashed)
        if found is None or not right or not found[0].is_active:
            raise UnknownCredential
        return found[0], found[2]


def _entry(caller: Caller, action: str, operator: Operator, **after: Any) -> Entry:
    return Entry(
        actor=caller.actor,
        origin=caller.origin,
        action=action,
        owner=operator.owner,
        after={"name": operator.name, **after},
    )
