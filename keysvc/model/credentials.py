"""Credentials of the three families, and what is asked of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from typing import NamedTuple
from typing import Self
from typing import TypedDict
from uuid import UUID

from keysvc.model.callers import Actor
from keysvc.model.callers import Owner


class Kind(StrEnum):
    """The families of credentials."""

    KEYPAIR = "keypair"
    API_KEY = "api_key"
    ACCESS_KEY = "access_key"


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

    @property
    def is_managed(self) -> bool:
        """Tell whether it is the command line's alone to change."""
        return bool(self.attributes.get("managed"))

    def with_attributes(self, attributes: Mapping[str, Any]) -> Self:
        """Return the same with these *attributes*; those that it has besides stay."""
        return replace(self, attributes={**self.attributes, **attributes})


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
    only one family has. After a rotation the old secret is retained for
    ``retain_minutes``, until ``retained_until``.
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
    rotated_at: datetime | None = None
    retain_minutes: int = 0
    retained_until: datetime | None = None
    retained_used_at: datetime | None = None
    last_login_at: datetime | None = None

    @property
    def wire_id(self) -> str:
        """Return the id by which the core's routes and the audit know it."""
        return self.public_id if self.kind is Kind.KEYPAIR else str(self.id)


class Brief(NamedTuple):
    """What a list tells of a credential where it tells little; times are in UTC."""

    public_id: str
    is_active: bool
    total_queries: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """A fresh credential with its secret, shown this one time."""

    credential: Credential
    secret: str = field(repr=False)
