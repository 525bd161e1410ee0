"""The operator or service account behind a caller."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from keysvc.core import access
from keysvc.core.people.accounts import ServiceAccounts
from keysvc.core.people.operators import Operators
from keysvc.errors import Forbidden
from keysvc.model import Caller
from keysvc.model import OwnerKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentUser:
    """Whoever holds a token, as one kind of thing."""

    id: UUID
    name: str
    full_name: str
    is_active: bool
    is_service_account: bool
    is_admin: bool
    created_at: datetime
    updated_at: datetime
    password_changed_at: datetime | None = None
    external_user_id: UUID | None = None


def current_user(
    caller: Caller, operators: Operators, accounts: ServiceAccounts
) -> CurrentUser:
    """
    Return who *caller* is.

    Raises:
        Forbidden: If it is neither an operator nor a service account.
    """
    owner = caller.owner
    is_admin = access.covers(caller.scopes, "*")
    if owner is not None and owner.kind is OwnerKind.OPERATOR:
        operator = operators.get(owner.id)
        return CurrentUser(
            id=operator.id,
            name=operator.name,
            full_name="",
            is_active=operator.is_active,
            is_service_account=False,
            is_admin=is_admin,
            created_at=operator.created_at,
            updated_at=operator.updated_at,
            password_changed_at=operator.password_changed_at,
        )
    if owner is not None and owner.kind is OwnerKind.SERVICE_ACCOUNT:
        account = accounts.get(caller, owner.id)
        return CurrentUser(
            id=account.id,
            name=account.name,
            full_name=account.full_name,
            is_active=account.is_active,
            is_service_account=True,
            is_admin=is_admin,
            created_at=account.created_at,
            updated_at=account.updated_at,
            external_user_id=account.external_user_id,
        )
    raise Forbidden("Only operators and service accounts are users here.")
