"""Who asks, whom things belong to, and from where."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class OwnerKind(StrEnum):
    """What a credential can belong to."""

    USER = "user"
    SERVICE_ACCOUNT = "service_account"
    ORGANIZATION = "organization"
    OPERATOR = "operator"


class Owner(NamedTuple):
    """Whom a credential belongs to; the realm that its bearer may touch."""

    kind: OwnerKind
    id: str


class Actor(NamedTuple):
    """
    Who did something: a kind of credential and its id on the wire.

    Or ``cli``, and who typed; or ``system``, and what of it works by itself.
    """

    kind: str
    id: str


class Origin(NamedTuple):
    """Where a request came from."""

    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """
    Who asks, what it may do (*scopes*), and where (*owner*, its realm).

    A credential never makes one that outlives it, accepts more addresses or has
    looser limits: so its own are here. A session's caller is what has logged in, an
    operator or an API key. *generation* is that of the secret that was presented.
    """

    kind: str
    id: str
    owner: Owner | None
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None
    allowed_ips: tuple[str, ...] = ()
    rate_limit: int | None = None
    remaining: int | None = None
    credential_id: UUID | None = None
    generation: int = 0
    origin: Origin = Origin()

    @property
    def actor(self) -> Actor:
        """Return how records name this caller."""
        return Actor(self.kind, self.id)
