"""The one place where a presented secret is found good or not."""

from hmac import compare_digest
from uuid import UUID

from keysvc.core import access
from keysvc.core import signing
from keysvc.core import tokens
from keysvc.core.clock import Clock
from keysvc.core.counters import Counters
from keysvc.core.replay import Replay
from keysvc.core.signing import Signed
from keysvc.core.vault import Vault
from keysvc.errors import AddressNotAllowed
from keysvc.errors import ExpiredCredential
from keysvc.errors import InactiveCredential
from keysvc.errors import UnknownCredential
from keysvc.model import Caller
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.model import Renewed
from keysvc.model import Secret
from keysvc.model import Stored
from keysvc.store import lookup

#: What a secret is compared with where there is nothing to compare it with.
_NOBODY = UUID(int=0)
_NO_DIGEST = "0" * 64
_NO_SECRET = "0" * 40


class Verifier:
    """
    Find out whom a secret stands for. Every scheme of ``keysvc.auth`` asks here.

    Unknown, wrong, inactive and expired cost the same: one statement, one HMAC (of a
    signature: one opened seal).
    """

    def __init__(
        self, vault: Vault, counters: Counters, replay: Replay, now: Clock
    ) -> None:
        self._vault, self._counters = vault, counters
        self._replay, self._now = replay, now
        self._decoy: Secret | None = None

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
        proven = self._proves(secret_key, stored)
        good = self._admit(Kind.KEYPAIR, stored, proven, origin)
        return self._welcome(good, secret_key, origin)

    def signed(self, request: Signed, origin: Origin) -> Caller:
        """
        Return the caller whose keypair has signed *request*.

        Raises:
            MalformedCredential: If its date or version cannot be read.
            UnknownCredential: Also if its date lies 15 minutes or more from now.
            UsedSignature: If it changes state, and came before.
            And all that ``keypair`` raises.
        """
        date = signing.read_date(request.date)
        if abs(self._now() - date) >= signing.WINDOW:
            raise UnknownCredential
        if not tokens.is_access_key(request.access_key):
            raise UnknownCredential
        stored = lookup.find(request.access_key)
        secret = self._unsealed(stored)
        expected = signing.sign(secret, request, date)
        proven = compare_digest(expected.encode(), request.signature.encode())
        good = self._admit(Kind.KEYPAIR, stored, proven, origin)
        if request.changes_state:
            self._replay.use_up(expected, date + signing.WINDOW)
        return self._welcome(good, secret, origin)

    def _admit(
        self, kind: Kind, stored: Stored | None, proven: bool, origin: Origin
    ) -> Stored:
        if not proven or stored is None or not stored.digest or stored.kind != kind:
            raise UnknownCredential
        if not stored.is_active:
            raise InactiveCredential
        if stored.expires_at is not None and stored.expires_at <= self._now():
            raise ExpiredCredential
        if not access.address_allowed(stored.allowed_ips, origin.address):
            raise AddressNotAllowed
        return stored

    def _welcome(self, stored: Stored, secret: str, origin: Origin) -> Caller:
        self._counters.note(stored.id, self._now(), self._renew(stored, secret))
        return _caller(stored, origin)

    def _proves(self, secret: str, stored: Stored | None) -> bool:
        # A credential without a digest has lost its secret with a key of the ring.
        if stored is None or not stored.digest:
            maker = self._vault.ring.maker
            self._vault.matches(_NOBODY, secret, _NO_DIGEST, maker)
            return False
        return self._vault.matches(stored.id, secret, stored.digest, stored.digest_key)

    def _unsealed(self, stored: Stored | None) -> str:
        """Return the secret of *stored*, or one that nobody has, at the same cost."""
        if stored is None or stored.sealed is None or stored.sealed_key is None:
            if self._decoy is None:
                self._decoy = self._vault.protect(_NOBODY, _NO_SECRET, sealed=True)
            sealed, sealed_key = self._decoy.sealed, self._decoy.sealed_key
            return self._vault.unseal(_NOBODY, sealed or "", sealed_key or "")
        return self._vault.unseal(stored.id, stored.sealed, stored.sealed_key)

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
