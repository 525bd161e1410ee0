"""How long credentials live: by default, and at most."""

from dataclasses import replace
from datetime import datetime
from datetime import timedelta
from typing import TypeVar

from keysvc.config import Settings
from keysvc.errors import Invalid
from keysvc.model import Credential
from keysvc.model import Draft
from keysvc.model import Kind

D = TypeVar("D", bound=Draft)


class Lifetimes:
    """
    The policy of each family, in seconds; 0 where there is none.

    A life is counted from when the secret at hand was made. Credentials that are older
    than the policy stay as they are, until somebody changes when they end.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def begun(self, kind: Kind, draft: D, now: datetime) -> D:
        """
        Return *draft* with an end, where the policy gives it one.

        Raises:
            Invalid: If it is to live longer than its family may.
        """
        seconds = self._of(kind, "lifetime") or self._of(kind, "max_lifetime")
        if draft.expires_at is None and seconds:
            return replace(draft, expires_at=now + timedelta(seconds=seconds))
        self._require(kind, draft.expires_at, now)
        return draft

    def require_change(self, before: Credential, after: Credential) -> None:
        """
        Refuse an end that is too late.

        Raises:
            Invalid: If the change makes a credential live longer than its family may.
        """
        if after.expires_at != before.expires_at:
            made_at = after.rotated_at or after.created_at
            self._require(after.kind, after.expires_at, made_at)

    def _require(
        self, kind: Kind, expires_at: datetime | None, made_at: datetime
    ) -> None:
        seconds = self._of(kind, "max_lifetime")
        if not seconds:
            return
        latest = made_at + timedelta(seconds=seconds)
        if expires_at is None or expires_at > latest:
            said = (
                f"Must be {latest.isoformat(timespec='seconds')} at the latest:"
                f" this family lives for {_told(seconds)} at most."
            )
            raise Invalid(f"expiresAt: {said}", {"expiresAt": [said]})

    def _of(self, kind: Kind, name: str) -> int:
        seconds: int = getattr(self._settings, f"{kind.value}_{name}")
        return seconds


def _told(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    return f"{seconds} seconds" if rest else f"{days} days"
