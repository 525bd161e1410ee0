"""What the service talks about: plain values, free of HTTP and SQL."""

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any
from typing import NamedTuple
from typing import TypedDict
from uuid import UUID


class Kind(StrEnum):
    """The families of credentials."""

    KEYPAIR = "keypair"
    API_KEY = "api_key"
    ACCESS_KEY = "access_key"


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
    """Who did something: a kind of credential (or ``cli``) and its id on the wire."""

    kind: str
    id: str


class Origin(NamedTuple):
    """Where a request came from."""

    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a caller asks for when it asks for a new credential."""

    name: str = ""
    description: str = ""
    is_active: bool = True
    scopes: tuple[str, ...] = ()
    allowed_ips: tuple[str, ...] = ()
    rate_limit: int | None = None
    remaining: int | None = None
    expires_at: datetime | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


class Change(TypedDict, total=False):
    """What a caller asks to be otherwise; what is absent stays."""

    name: str
    description: str
    is_active: bool
    scopes: tuple[str, ...]
    allowed_ips: tuple[str, ...]
    rate_limit: int | None
    remaining: int | None
    expires_at: datetime | None
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential(Draft):
    """
    One credential as the service shows it: never its secret, nor a digest of it.

    Times are in UTC. ``rate_limit`` counts verifications per 15 minutes,
    ``remaining`` is a quota; None stands for no limit. ``attributes`` holds what
    only one family has.
    """

    id: UUID
    kind: Kind
    owner: Owner
    public_id: str
    created_at: datetime
    updated_at: datetime
    created_by: Actor
    last_used_at: datetime | None = None
    total_queries: int = 0

    @property
    def wire_id(self) -> str:
        """Return the id by which the core's routes and the audit know it."""
        return self.public_id if self.kind is Kind.KEYPAIR else str(self.id)


@dataclass(frozen=True, slots=True)
class Issued:
    """A fresh credential with its secret, shown this one time."""

    credential: Credential
    secret: str = field(repr=False)


class Secret(NamedTuple):
    """What is kept of a secret, and the ids of the ring's keys that made it."""

    digest: str
    digest_key: str
    sealed: str | None = None
    sealed_key: str | None = None


class Stored(NamedTuple):
    """What a verification needs of one credential."""

    id: UUID
    kind: Kind
    owner: Owner
    public_id: str
    is_active: bool
    scopes: tuple[str, ...]
    allowed_ips: tuple[str, ...]
    rate_limit: int | None
    remaining: int | None
    expires_at: datetime | None
    digest: str
    digest_key: str


class Renewed(NamedTuple):
    """A digest made anew under the ring's first key, and the one it replaces."""

    old: str
    digest: str
    digest_key: str


class Use(NamedTuple):
    """How often a credential was used since the last flush, and when last."""

    times: int
    last: datetime
    renewed: Renewed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """
    Who asks, what it may do (*scopes*), and where (*owner*, its realm).

    A credential never makes one that outlives it, accepts more addresses or has
    looser limits: so its own are here.
    """

    kind: str
    id: str
    owner: Owner | None
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None
    allowed_ips: tuple[str, ...] = ()
    rate_limit: int | None = None
    remaining: int | None = None
    origin: Origin = Origin()

    @property
    def actor(self) -> Actor:
        """Return how records name this caller."""
        return Actor(self.kind, self.id)


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is wanted; *limit* 0 is all of it."""

    limit: int = 0
    index: int = 0

    @property
    def offset(self) -> int:
        """Return how many items lie before the window."""
        return self.limit * self.index


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and how long the whole list is."""

    items: Sequence[Credential]
    total: int
    window: Window

    @property
    def pages(self) -> int:
        """Return how many windows of this size the list fills."""
        return -(-self.total // (self.window.limit or max(self.total, 1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    One change of state, as the use case that made it tells it.

    *before* and *after* hold the changed fields only; None for what was not there.
    """

    actor: Actor
    origin: Origin
    action: str
    credential_id: str | None = None
    owner: Owner | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the audit's chain, as it was written."""

    seq: int
    at: datetime
    entry: Entry
    key_id: str
    mac: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A keyset page of records, and the token of the next one; None at the end."""

    items: Sequence[Record]
    next_page_token: str | None
