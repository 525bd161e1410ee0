"""Give a credential another secret; the old one is good a while longer."""

from dataclasses import replace
from datetime import timedelta

from keysvc.core.clock import Clock
from keysvc.core.lifecycle.minting import Mint
from keysvc.core.lifecycle.minting import Minted
from keysvc.core.lifecycle.minting import SEALED
from keysvc.core.secrets.vault import Vault
from keysvc.model import Credential
from keysvc.model import Issued
from keysvc.model import Secret
from keysvc.store import credentials as store


class Rotation:
    """What every rotation does, whoever asks for it, in his transaction."""

    def __init__(self, vault: Vault, mint: Mint, now: Clock) -> None:
        self._vault, self._mint, self._now = vault, mint, now

    def apply(self, before: Credential, minutes: int) -> Issued:
        """
        Give *before* another secret, and nothing else.

        The old one is good for *minutes* more; one that was retained before is not.
        """
        now = self._now()
        minted = self._mint.rotate(before.kind, before.public_id)
        after = replace(
            before.with_attributes(minted.attributes),
            rotated_at=now,
            updated_at=now,
            retain_minutes=minutes,
            retained_until=now + timedelta(minutes=minutes) if minutes else None,
            retained_used_at=None,
        )
        store.rotate(after, kept(self._vault, after, minted))
        return Issued(after, minted.shown)


def kept(vault: Vault, credential: Credential, minted: Minted) -> Secret:
    """Return what is kept of a new secret."""
    sealed = credential.kind in SEALED
    return vault.protect(credential.id, minted.secret, sealed=sealed)
