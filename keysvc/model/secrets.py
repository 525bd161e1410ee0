"""What is kept of secrets, and what verifications read and leave behind."""

import json
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from keysvc.model.callers import Owner
from keysvc.model.credentials import Kind


class Secret(NamedTuple):
    """What is kept of a secret, and the ids of the ring's keys that made it."""

    digest: str
    digest_key: str
    sealed: str | None = None
    sealed_key: str | None = None

    def __repr__(self) -> str:
        """Tell by which key, never what."""
        return f"Secret(digest_key={self.digest_key!r})"


class Stored(NamedTuple):
    """
    What a verification needs of one credential.

    Lists are still text: they are read once the secret was right, so that a wrong
    one costs no more than an unknown id.
    """

    id: UUID
    kind: Kind
    owner: Owner
    public_id: str
    is_active: bool
    scopes_text: str
    allowed_ips_text: str
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
    retained_until: datetime | None = None
    owner_active: bool = True

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return what it may do."""
        return tuple(json.loads(self.scopes_text))

    @property
    def allowed_ips(self) -> tuple[str, ...]:
        """Return from where it may be used; empty for anywhere."""
        return tuple(json.loads(self.allowed_ips_text))

    def __repr__(self) -> str:
        """Tell which credential it is, nothing of its secret."""
        return f"Stored({self.public_id!r})"


class Renewed(NamedTuple):
    """A digest made anew under the ring's first key, and the one it replaces."""

    old: str
    digest: str
    digest_key: str


class Use(NamedTuple):
    """
    How often a credential was used since the last flush, and when last.

    *retained* tells when last with the secret that a rotation has replaced.
    """

    times: int
    last: datetime
    renewed: Renewed | None = None
    retained: datetime | None = None
