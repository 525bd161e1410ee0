"""The one place where a presented secret is found good or not."""

from uuid import UUID

from keysvc.core import access
from keysvc.core import tokens
from keysvc.core.clock import Clock
from keysvc.core.counters import Counters
from keysvc.core.vault import Vault
from keysvc.errors import AddressNotAllowed
from keysvc.errors import ExpiredCredential
from keysvc.errors import InactiveCredential
from keysvc.errors import UnknownCredential
from keysvc.model import Caller
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.model import Renewed
from keysvc.model import Stored
from keysvc.store import lookup

#: What a secret is compared with where there is nothing to compare it with.
_NOBODY = UUID(int=0)
_NO_DIGEST = "0" * 64


class Verifier:
    """
    Find out whom a secret stands for. Every scheme of ``keysvc.auth`` asks here.

    Unknown, wrong, inactive and expired cost the same: one statement, one HMAC.
    """

    def __init__(self, vault: Vault, counters: Counters, now: Clock) -> None:
        self._vault, self._counters, self._now = vault, counters, now

    def keypair(self, access_key: str, secret_key: str, origin: Origin) -> Caller:
        """
        Return the caller whose keypair this is.

        Raises:
            UnknownCredential, InactiveCredential, ExpiredCredential: If it is not
                good. Its bearer must not be told which.
            AddressNotAllowed: If it is good, but not from this address.
            Unavailable: If the database cannot be asked.
        """
        if not tokens.is_keypair(access_key, secret_key):
            raise UnknownCredential
        stored = lookup.find(access_key)
        return self._admit(Kind.KEYPAIR, stored, secret_key, origin)

    def _admit(
        self, kind: Kind, stored: Stored | None, secret: str, origin: Origin
    ) -> Caller:
        if not self._proves(secret, stored) or stored is None or stored.kind != kind:
            raise UnknownCredential
        if not stored.is_active:
            raise InactiveCredential
        now = self._now()
        if stored.expires_at is not None and stored.expires_at <= now:
            raise ExpiredCredential
        if not access.address_allowed(stored.allowed_ips, origin.address):
            raise AddressNotAllowed
        self._counters.note(stored.id, now, self._renew(stored, secret))
        return _caller(stored, origin)

    def _proves(self, secret: str, stored: Stored | None) -> bool:
        # A credential without a digest has lost its secret with a key of the ring.
        if stored is None or not stored.digest:
            maker = self._vault.ring.maker
            self._vault.matches(_NOBODY, secret, _NO_DIGEST, maker)
            return False
        return self._vault.matches(stored.id, secret, stored.digest, stored.digest_key)

    def _renew(self, stored: Stored, secret: str) -> Renewed | None:
        maker = self._vault.ring.maker
        if stored.digest_key == maker:
            return None
        digest = self._vault.digest(stored.id, secret, maker)
        return Renewed(stored.digest, digest, maker)


def _caller(stored: Stored, origin: Origin) -> Caller:
    return Caller(
        kind=stored.kind,
        id=stored.public_id if stored.kind is Kind.KEYPAIR else str(stored.id),
        owner=stored.owner,
        scopes=stored.scopes,
        expires_at=stored.expires_at,
        allowed_ips=stored.allowed_ips,
        rate_limit=stored.rate_limit,
        remaining=stored.remaining,
        origin=origin,
    )
