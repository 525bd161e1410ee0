"""The one place where a presented secret is found good or not."""

import hmac
import logging
from uuid import UUID

from keysvc.core import access
from keysvc.core.clock import Clock
from keysvc.core.lifecycle.minting import Mint
from keysvc.core.secrets import tokens
from keysvc.core.secrets.vault import Vault
from keysvc.core.verification import signing
from keysvc.core.verification.callers import caller_of
from keysvc.core.verification.callers import caller_of_operator
from keysvc.core.verification.callers import Proof
from keysvc.core.verification.counters import Counters
from keysvc.core.verification.replay import Replay
from keysvc.core.verification.signing import Signed
from keysvc.errors import AddressNotAllowed
from keysvc.errors import ExpiredCredential
from keysvc.errors import InactiveCredential
from keysvc.errors import Unavailable
from keysvc.errors import UnknownCredential
from keysvc.model import Caller
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.model import Renewed
from keysvc.model import Secret
from keysvc.model import Stored
from keysvc.store import lookup

log = logging.getLogger(__name__)

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
        self, vault: Vault, mint: Mint, counters: Counters, replay: Replay, now: Clock
    ) -> None:
        self._vault, self._mint, self._counters = vault, mint, counters
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
        return self._by_secret(Kind.KEYPAIR, access_key, secret_key, origin)

    def token(self, text: str, origin: Origin) -> Caller:
        """Return the caller whose session or credential this token is, as above."""
        token = tokens.read_token(text)
        if token is not None and self._mint.is_session(token.prefix):
            return self._session(token, origin)
        return self._by_token(token, origin)

    def api_key(self, text: str, origin: Origin) -> Caller:
        """Return the caller whose API key this token is, as above; no other token."""
        return self._by_token_of(Kind.API_KEY, text, origin)

    def access_key(self, text: str, origin: Origin) -> Caller:
        """Return the caller whose access key this token is, as above; no other."""
        return self._by_token_of(Kind.ACCESS_KEY, text, origin)

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
        right = hmac.compare_digest(expected.encode(), request.signature.encode())
        proof = Proof.CURRENT if right else Proof.NONE
        good = self._admit(Kind.KEYPAIR, stored, proof, origin)
        if request.changes_state:
            self._replay.use_up(expected, date + signing.WINDOW)
        return self._welcome(good, secret, proof, origin)

    def _by_token_of(self, kind: Kind, text: str, origin: Origin) -> Caller:
        token = tokens.read_token(text)
        if token is None or self._mint.kind_of(token.prefix) is not kind:
            raise UnknownCredential
        return self._by_token(token, origin)

    def _by_token(self, token: tokens.Token | None, origin: Origin) -> Caller:
        kind = None if token is None else self._mint.kind_of(token.prefix)
        if token is None or kind is None:
            raise UnknownCredential
        return self._by_secret(kind, token.public_id, token.secret, origin)

    def _by_secret(
        self, kind: Kind, public_id: str, secret: str, origin: Origin
    ) -> Caller:
        stored = lookup.find(public_id)
        proof = self._proof(secret, stored)
        good = self._admit(kind, stored, proof, origin)
        return self._welcome(good, secret, proof, origin)

    def _session(self, token: tokens.Token, origin: Origin) -> Caller:
        """A session is as good as what has logged in is now."""
        session = lookup.find_session(token.public_id)
        if session is None:
            self._compare_with_nobody(token.secret)
            raise UnknownCredential
        id_, key = UUID(session.id), session.digest_key
        if not self._vault.matches(id_, token.secret, session.digest, key):
            raise UnknownCredential
        if session.expires_at <= self._now():
            raise ExpiredCredential
        if session.operator is not None:
            return caller_of_operator(session.operator, session, origin)
        stored = session.credential
        proof = self._proof_of(stored, session.generation)
        good = self._admit(stored.kind if stored else None, stored, proof, origin)
        self._counters.note(good.id, self._now(), retained=proof is Proof.RETAINED)
        return caller_of(good, proof, origin)

    def _proof_of(self, stored: Stored | None, generation: int) -> Proof:
        """Tell what the secret of this generation is now."""
        if stored is not None and generation == stored.generation:
            return Proof.CURRENT
        if stored is not None and generation == stored.generation - 1:
            return Proof.RETAINED if self._retains(stored) else Proof.NONE
        return Proof.NONE

    def _admit(
        self, kind: Kind | None, stored: Stored | None, proof: Proof, origin: Origin
    ) -> Stored:
        known = stored is not None and stored.digest and stored.kind == kind
        if stored is None or not known or proof is Proof.NONE:
            raise UnknownCredential
        if not (stored.is_active and stored.owner_active):
            raise InactiveCredential
        if stored.expires_at is not None and stored.expires_at <= self._now():
            raise ExpiredCredential
        if not access.address_allowed(stored.allowed_ips, origin.address):
            raise AddressNotAllowed
        return stored

    def _welcome(
        self, stored: Stored, secret: str, proof: Proof, origin: Origin
    ) -> Caller:
        retained = proof is Proof.RETAINED
        renewed = None if retained else self._renew(stored, secret)
        self._counters.note(stored.id, self._now(), renewed, retained)
        return caller_of(stored, proof, origin)

    def _proof(self, secret: str, stored: Stored | None) -> Proof:
        # A credential without a digest has lost its secret with a key of the ring.
        if stored is None or not stored.digest:
            self._compare_with_nobody(secret)
            return Proof.NONE
        digest = self._vault.digest(stored.id, secret, stored.digest_key)
        if hmac.compare_digest(digest, stored.digest):
            return Proof.CURRENT
        if stored.retained_digest and stored.retained_key and self._retains(stored):
            # Most often under the same key of the ring: then no second HMAC is made.
            if stored.retained_key != stored.digest_key:
                digest = self._vault.digest(stored.id, secret, stored.retained_key)
            if hmac.compare_digest(digest, stored.retained_digest):
                return Proof.RETAINED
        return Proof.NONE

    def _retains(self, stored: Stored) -> bool:
        until = stored.retained_until
        return until is not None and self._now() < until

    def _compare_with_nobody(self, secret: str) -> None:
        maker = self._vault.ring.maker
        self._vault.matches(_NOBODY, secret, _NO_DIGEST, maker)

    def _unsealed(self, stored: Stored | None) -> str:
        """Return the secret of *stored*, or one that nobody has, at the same cost."""
        if stored is None or stored.sealed is None or stored.sealed_key is None:
            if self._decoy is None:
                self._decoy = self._vault.protect(_NOBODY, _NO_SECRET, sealed=True)
            sealed, sealed_key = self._decoy.sealed, self._decoy.sealed_key
            return self._vault.unseal(_NOBODY, sealed or "", sealed_key or "")
        try:
            return self._vault.unseal(stored.id, stored.sealed, stored.sealed_key)
        except Unavailable as error:
            # The caller has proven nothing: he must not learn that this one exists.
            log.error("the secret of %s: %s", stored.public_id, error)
            return self._unsealed(None)

    def _renew(self, stored: Stored, secret: str) -> Renewed | None:
        maker = self._vault.ring.maker
        if stored.digest_key == maker:
            return None
        digest = self._vault.digest(stored.id, secret, maker)
        return Renewed(stored.digest, digest, maker)
