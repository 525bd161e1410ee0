"""Who credentials are made for, and who makes them."""

from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from typing import NamedTuple
from typing import TypedDict
from uuid import UUID

from keysvc.model.callers import Actor
from keysvc.model.callers import Owner
from keysvc.model.callers import OwnerKind
from keysvc.model.credentials import Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDraft:
    """What a caller asks for when it asks for a new service account."""

    name: str
    description: str = ""
    full_name: str = ""
    is_active: bool = True
    external_user_id: UUID | None = None


class AccountChange(TypedDict, total=False):
    """What a caller asks to be otherwise of a service account; what is absent stays."""

    name: str
    description: str
    full_name: str
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount(AccountDraft):
    """
    A program that owns API keys.

    One with an ``external_user_id`` was made by outside authentication: it is not
    changed here.
    """

    id: UUID
    created_at: datetime
    updated_at: datetime
    created_by: Actor

    @property
    def owner(self) -> Owner:
        """Return the realm that is this account's."""
        return Owner(OwnerKind.SERVICE_ACCOUNT, str(self.id))


@dataclass(frozen=True, slots=True)
class AccountKey:
    """An API key and the account that it belongs to; of a fresh one, the key too."""

    credential: Credential
    account: ServiceAccount
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A person who logs in with a name and a password, and owns nothing."""

    id: UUID
    name: str
    scopes: tuple[str, ...]
    is_active: bool
    created_at: datetime
    updated_at: datetime
    password_changed_at: datetime

    @property
    def owner(self) -> Owner:
        """Return the realm that is this operator's: nothing lies in it."""
        return Owner(OwnerKind.OPERATOR, str(self.id))


class PasswordLogin(NamedTuple):
    """A name and a password, as somebody says them."""

    name: str
    password: str

    def __repr__(self) -> str:
        """Tell the name, never the password."""
        return f"PasswordLogin({self.name!r})"


class KeyLogin(NamedTuple):
    """An API key, as somebody shows it."""

    token: str

    def __repr__(self) -> str:
        """Tell nothing."""
        return "KeyLogin()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """
    A login, until it expires or what it came from changes.

    It came from an operator's password or from a credential. *generation* is that of
    the secret that logged in: a rotation or a new password makes another one.
    """

    id: UUID
    operator_id: str | None
    credential_id: UUID | None
    public_id: str
    generation: int
    created_at: datetime
    expires_at: datetime


class Login(NamedTuple):
    """A fresh session with its token, shown this one time."""

    session: Session
    token: str
    lifetime: int

    def __repr__(self) -> str:
        """Tell the session, never the token."""
        return f"Login({self.session!r})"
