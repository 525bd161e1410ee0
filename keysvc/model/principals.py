"""What a verification reads of credentials and sessions, and what it finds."""

import json
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from keysvc.model.callers import Owner
from keysvc.model.callers import OwnerKind
from keysvc.model.credentials import Kind

SESSION = "session"

#: What can be presented: a credential of any family, or a session.
KINDS = (*(kind.value for kind in Kind), SESSION)


@lru_cache(4096)
def _strings(text: str) -> tuple[str, ...]:
    """Read a JSON list; most credentials have one that many others have too."""
    return tuple(json.loads(text))


class Stored(NamedTuple):
    """
    What a verification needs of one credential.

    Lists are still text: they are read once the secret was right, so that a wrong
    one costs no more than an unknown id. *principal_id* is its id on the wire.
    """

    id: UUID
    kind: Kind
    owner: Owner
    public_id: str
    principal_id: str
    name: str
    is_active: bool
    scopes_text: str
    allowed_ips_text: str
    attributes_text: str | None
    rate_limit: int | None
    remaining: int | None
    expires_at: datetime | None
    digest: str
    digest_key: str
    sealed: str | None
    sealed_key: str | None
    generation: int = 0
    retained_digest: str | None = None
    retained_key: str | None = None
    retained_sealed: str | None = None
    retained_sealed_key: str | None = None
    retained_until: datetime | None = None
    owner_active: bool = True

    @property
    def principal_kind(self) -> str:
        """Return the kind of what was presented."""
        return self.kind.value

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return what it may do."""
        return _strings(self.scopes_text)

    @property
    def allowed_ips(self) -> tuple[str, ...]:
        """Return from where it may be used; empty for anywhere."""
        return _strings(self.allowed_ips_text)

    @property
    def is_limited(self) -> bool:
        """Tell whether its uses are counted, and can come to an end."""
        return self.rate_limit is not None or self.remaining is not None

    @property
    def role_ids(self) -> tuple[str, ...]:
        """Return the roles of an organization's key; other families have none."""
        attributes = json.loads(self.attributes_text) if self.attributes_text else {}
        return tuple(attributes.get("role_ids", ()))

    def __repr__(self) -> str:
        """Tell which credential it is, nothing of its secret."""
        return f"Stored({self.public_id!r})"


class StoredOperator(NamedTuple):
    """What a session needs of the operator that has logged in."""

    id: str
    name: str
    is_active: bool
    scopes: tuple[str, ...]
    generation: int


class StoredSession(NamedTuple):
    """
    What a verification needs of one session, and of what has logged in.

    That is an operator or a credential; neither, if it is gone.
    """

    id: str
    public_id: str
    digest: str
    digest_key: str
    generation: int
    ends_at: datetime
    operator_id: str | None
    operator: StoredOperator | None
    credential: Stored | None

    @property
    def principal_kind(self) -> str:
        """Return the kind of what was presented."""
        return SESSION

    @property
    def principal_id(self) -> str:
        """Return its id on the wire."""
        return self.id

    @property
    def owner(self) -> Owner:
        """Return the realm of what has logged in."""
        if self.credential is not None:
            return self.credential.owner
        return Owner(OwnerKind.OPERATOR, self.operator_id or "")

    @property
    def name(self) -> str:
        """Return the name of what has logged in."""
        return self._parent.name if self._parent else ""

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return what it may do: what its parent may do now."""
        return self._parent.scopes if self._parent else ()

    @property
    def role_ids(self) -> tuple[str, ...]:
        """Return the roles of what has logged in."""
        return self.credential.role_ids if self.credential else ()

    @property
    def expires_at(self) -> datetime:
        """Return when it ends, or what has logged in does."""
        ends = self.credential.expires_at if self.credential else None
        return self.ends_at if ends is None else min(self.ends_at, ends)

    @property
    def _parent(self) -> Stored | StoredOperator | None:
        return self.credential or self.operator

    def __repr__(self) -> str:
        """Tell which session it is, nothing of its secret."""
        return f"StoredSession({self.id!r})"


Principal = Stored | StoredSession


class Code(StrEnum):
    """What a verification finds."""

    VALID = "VALID"
    UNKNOWN = "UNKNOWN"
    INACTIVE = "INACTIVE"
    EXPIRED = "EXPIRED"
    FORBIDDEN = "FORBIDDEN"
    IP_NOT_ALLOWED = "IP_NOT_ALLOWED"
    RATE_LIMITED = "RATE_LIMITED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    REPLAYED = "REPLAYED"


class Proof(StrEnum):
    """What a presented secret is to a credential."""

    NONE = "none of its secrets"
    CURRENT = "its secret"
    RETAINED = "the one before, still retained"


class Demands(NamedTuple):
    """
    What is asked of a credential beside that its secret is right.

    Args:
        address: Where it is used.
        scopes: All that it must cover.
        cost: Units of its quota that this use takes.
        realm: Whose it must be; None for anyone's.
        kinds: One of these it must be; none for any.
    """

    address: str | None = None
    scopes: tuple[str, ...] = ()
    cost: int = 1
    realm: Owner | None = None
    kinds: tuple[str, ...] = ()


class Charge(NamedTuple):
    """
    What one use has left of a credential's limits.

    *remaining* is what is left of the quota, None without one; *reset_at* when the
    rate limit lets one more through (of a refusal) or is whole again.
    """

    code: Code = Code.VALID
    remaining: int | None = None
    reset_at: datetime | None = None


class Verdict(NamedTuple):
    """
    What a verification has found.

    *principal* is told only of whom has proven his secret: with ``UNKNOWN`` it is
    None.
    """

    code: Code
    principal: Principal | None = None
    proof: Proof = Proof.NONE
    charge: Charge = Charge()
