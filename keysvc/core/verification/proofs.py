"""Whether a secret, or a signature made with it, is the one of a credential."""

import hmac
import logging
from datetime import datetime
from uuid import UUID

from keysvc.core.secrets.vault import Vault
from keysvc.core.verification import signing
from keysvc.core.verification.presented import Claim
from keysvc.errors import Unavailable
from keysvc.model import Principal
from keysvc.model import Proof
from keysvc.model import Renewed
from keysvc.model import Secret
from keysvc.model import Stored
from keysvc.model import StoredSession

log = logging.getLogger(__name__)

#: What a secret is compared with where there is nothing to compare it with.
_NOBODY = UUID(int=0)
_NO_DIGEST = "0" * 64
_NO_SECRET = "0" * 40


class Prover:
    """
    Compare at equal cost, whether there is anything to compare with or not.

    A secret costs one HMAC; a signature one opened seal, and what signing costs.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._decoy: Secret | None = None

    def prove(self, claim: Claim, principal: Principal | None, now: datetime) -> Proof:
        """
        Tell what was presented is to *principal*, to nobody if there is none.

        Raises:
            Unavailable: If a key of the ring is missing here.
        """
        if isinstance(principal, StoredSession):
            return self._prove_session(claim, principal, now)
        # A credential without a digest has lost its secret with a key of the ring.
        good = principal is not None and principal.kind is claim.kind
        stored = principal if good and principal and principal.digest else None
        if claim.signed is not None:
            return self._prove_signature(claim, stored, now)
        return self._prove_secret(claim.secret, stored, now)

    def renewed(self, claim: Claim, stored: Stored) -> Renewed | None:
        """Return a digest under the ring's first key, if it is under another."""
        maker = self._vault.ring.maker
        if stored.digest_key == maker or not (claim.secret or stored.sealed):
            return None
        secret = claim.secret or self._unsealed(stored)
        digest = self._vault.digest(stored.id, secret, maker)
        return Renewed(stored.digest, digest, maker)

    def _prove_session(
        self, claim: Claim, session: StoredSession, now: datetime
    ) -> Proof:
        """Of a session both must hold: its own secret, and its parent's since."""
        id_ = UUID(session.id) if claim.kind is None else _NOBODY
        if not self._vault.matches(
            id_, claim.secret, session.digest, session.digest_key
        ):
            return Proof.NONE
        parent = session.operator or session.credential
        if parent is None:
            return Proof.NONE
        if session.generation == parent.generation:
            return Proof.CURRENT
        before = session.generation == parent.generation - 1
        if before and isinstance(parent, Stored) and _retains(parent, now):
            return Proof.RETAINED
        return Proof.NONE

    def _prove_secret(self, secret: str, stored: Stored | None, now: datetime) -> Proof:
        if stored is None:
            self._vault.matches(_NOBODY, secret, _NO_DIGEST, self._vault.ring.maker)
            return Proof.NONE
        digest = self._vault.digest(stored.id, secret, stored.digest_key)
        if hmac.compare_digest(digest, stored.digest):
            return Proof.CURRENT
        if stored.retained_digest and stored.retained_key and _retains(stored, now):
            # Most often under the same key of the ring: then no second HMAC is made.
            if stored.retained_key != stored.digest_key:
                digest = self._vault.digest(stored.id, secret, stored.retained_key)
            if hmac.compare_digest(digest, stored.retained_digest):
                return Proof.RETAINED
        return Proof.NONE

    def _prove_signature(
        self, claim: Claim, stored: Stored | None, now: datetime
    ) -> Proof:
        if _signs(self._unsealed(stored), claim):
            return Proof.NONE if stored is None else Proof.CURRENT
        if stored is not None and stored.retained_sealed and _retains(stored, now):
            replaced = stored._replace(
                sealed=stored.retained_sealed, sealed_key=stored.retained_sealed_key
            )
            if _signs(self._unsealed(replaced), claim):
                return Proof.RETAINED
        return Proof.NONE

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


def _signs(secret: str, claim: Claim) -> bool:
    assert claim.signed is not None and claim.date is not None
    expected = signing.sign(secret, claim.signed, claim.date)
    return hmac.compare_digest(expected.encode(), claim.signed.signature.encode())


def _retains(stored: Stored, now: datetime) -> bool:
    until = stored.retained_until
    return until is not None and now < until
