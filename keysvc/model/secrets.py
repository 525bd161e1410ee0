"""What is kept of secrets, and what verifications leave behind."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Secret(NamedTuple):
    """What is kept of a secret, and the ids of the ring's keys that made it."""

    digest: str
    digest_key: str
    sealed: str | None = None
    sealed_key: str | None = None

    def __repr__(self) -> str:
        """Tell by which key, never what."""
        return f"Secret(digest_key={self.digest_key!r})"


class Renewed(NamedTuple):
    """A digest made anew under the ring's first key, and the one it replaces."""

    old: str
    digest: str
    digest_key: str


@dataclass(slots=True)
class Use:
    """
    How often a credential was used since the last flush, and when last.

    *retained* tells when last with the secret that a rotation has replaced.
    """

    times: int
    last: datetime
    renewed: Renewed | None = None
    retained: datetime | None = None
