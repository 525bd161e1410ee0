"""Whose secret something is, where nobody means to use it."""

from collections.abc import Mapping
from collections.abc import Sequence
from datetime import datetime

from keysvc.core.clock import Clock
from keysvc.core.lifecycle.minting import Mint
from keysvc.core.verification.decisions import state_of
from keysvc.core.verification.presented import Claim
from keysvc.core.verification.presented import claim_of
from keysvc.core.verification.presented import Presented
from keysvc.core.verification.proofs import Prover
from keysvc.model import Code
from keysvc.model import Owner
from keysvc.model import Principal
from keysvc.model import Verdict
from keysvc.store import lookup

_UNKNOWN = Verdict(Code.UNKNOWN)


class Recognition:
    """
    The verifier's own proof, of secrets that were found and not used.

    So it counts for no limit, is noted nowhere, and from where it comes does not
    matter. It is never vouched for by the cache: one statement asks about all.
    """

    def __init__(self, prover: Prover, mint: Mint, now: Clock) -> None:
        self._prover, self._mint, self._now = prover, mint, now

    def recognise(
        self, presented: Sequence[Presented], realm: Owner | None
    ) -> list[Verdict]:
        """
        Say of up to 100 secrets, in order, whose they are, and whether those live.

        Args:
            realm: Whose they must be; None for anyone's.

        Raises:
            Unavailable: If the database cannot be asked.
        """
        now = self._now()
        claims = [claim_of(one, self._mint, now) for one in presented]
        public_ids = {claim.public_id for claim in claims if claim is not None}
        found = lookup.find_all([*public_ids]) if public_ids else {}
        return [self._recognised(claim, found, realm, now) for claim in claims]

    def _recognised(
        self,
        claim: Claim | None,
        found: Mapping[str, Principal],
        realm: Owner | None,
        now: datetime,
    ) -> Verdict:
        if claim is None:
            return _UNKNOWN
        principal = found.get(claim.public_id)
        proof = self._prover.prove(claim, principal, now)
        code = state_of(principal, proof, realm, now)
        return _UNKNOWN if code is Code.UNKNOWN else Verdict(code, principal, proof)
