"""The one place where what is presented is found good or not."""

from collections.abc import Sequence
from datetime import datetime
from time import perf_counter

from keysvc.core.announcements import Listener
from keysvc.core.announcements import SILENCE
from keysvc.core.clock import Clock
from keysvc.core.ledger.feed import Feed
from keysvc.core.lifecycle.minting import Mint
from keysvc.core.tally import Tally
from keysvc.core.verification import charges
from keysvc.core.verification.cache import Cache
from keysvc.core.verification.callers import caller_of
from keysvc.core.verification.callers import credential_of
from keysvc.core.verification.callers import refusal_of
from keysvc.core.verification.counters import Counters
from keysvc.core.verification.decisions import decide
from keysvc.core.verification.presented import Claim
from keysvc.core.verification.presented import claim_of
from keysvc.core.verification.presented import Presented
from keysvc.core.verification.proofs import Prover
from keysvc.core.verification.replay import Replay
from keysvc.core.verification.signing import WINDOW
from keysvc.errors import Unavailable
from keysvc.errors import UsedSignature
from keysvc.model import Caller
from keysvc.model import Code
from keysvc.model import Demands
from keysvc.model import Head
from keysvc.model import Origin
from keysvc.model import Principal
from keysvc.model import Proof
from keysvc.model import SESSION
from keysvc.model import Stored
from keysvc.model import Verdict
from keysvc.store import lookup

_UNKNOWN = Verdict(Code.UNKNOWN)

#: Where an answer came from: what nobody here can have issued is looked for nowhere.
_CACHE, _DATABASE, _NOWHERE = "cache", "database", "nowhere"

Question = tuple[Presented, Demands]


class Verifier:
    """
    Find out whom a secret stands for, and whether it may be used.

    Only a good answer ever comes from the cache; whoever would be refused is looked
    up. Unknown, wrong, inactive and expired cost the same: a comparison with what the
    cache knows, or with nobody; one statement; one more comparison.
    """

    def __init__(
        self,
        prover: Prover,
        mint: Mint,
        cache: Cache,
        feed: Feed,
        counters: Counters,
        replay: Replay,
        tally: Tally,
        now: Clock,
        listener: Listener = SILENCE,
    ) -> None:
        self._listener = listener
        self._prover, self._mint, self._cache, self._feed = prover, mint, cache, feed
        self._counters, self._replay, self._now = counters, replay, now
        self._tally = tally

    def admit(self, presented: Presented, origin: Origin) -> Caller:
        """
        Return the caller who presents this.

        Raises:
            UnknownCredential, InactiveCredential, ExpiredCredential: If it is not
                good. Its bearer must not be told which.
            AddressNotAllowed: If it is good, but not from this address.
            RateLimited, QuotaExceeded: If it was used too often.
            UsedSignature: If it is a signature that came before.
            MalformedCredential: If the date or version of a signed request is none.
            Unavailable: If the database cannot be asked.
        """
        verdict = self.judge(presented, Demands(origin.address))
        if verdict.code is not Code.VALID:
            raise refusal_of(verdict, self._now())
        return caller_of(verdict, origin)

    def judge(self, presented: Presented, demands: Demands) -> Verdict:
        """
        Say whether what is presented is good for what is demanded.

        Raises:
            MalformedCredential, Unavailable: As ``admit`` does.
        """
        now = self._now()
        claim = claim_of(presented, self._mint, now)
        if claim is None:
            self._tell(_UNKNOWN, "none", _NOWHERE)
            return _UNKNOWN
        kind = claim.kind or SESSION
        verdict = self._vouched(claim, demands, now)
        if verdict is not None:
            self._tell(verdict, kind, _CACHE)
            return verdict
        began = perf_counter()
        verdict = self._asked(claim, demands, now)
        self._tell(verdict, kind, _DATABASE, perf_counter() - began)
        return verdict

    def judge_all(self, questions: Sequence[Question]) -> list[Verdict]:
        """
        Answer up to 100 questions, in order, with one look at the database.

        Raises:
            MalformedCredential, Unavailable: As ``admit`` does.
        """
        now = self._now()
        # All of them first: what is malformed says so before anything is used up.
        claims = [claim_of(presented, self._mint, now) for presented, _ in questions]
        verdicts: dict[int, Verdict] = {}
        asked: dict[int, Claim] = {}
        for number, (claim, (_, demands)) in enumerate(
            zip(claims, questions, strict=True)
        ):
            if claim is None:
                self._tell(_UNKNOWN, "none", _NOWHERE)
                verdicts[number] = _UNKNOWN
            elif vouched := self._vouched(claim, demands, now):
                self._tell(vouched, claim.kind or SESSION, _CACHE)
                verdicts[number] = vouched
            else:
                asked[number] = claim
        began, position = perf_counter(), self._position()
        public_ids = {claim.public_id for claim in asked.values()}
        found = lookup.find_all([*public_ids]) if public_ids else {}
        for number, claim in asked.items():
            principal, (_, demands) = found.get(claim.public_id), questions[number]
            verdicts[number] = self._decided(claim, principal, demands, now, position)
        share = (perf_counter() - began) / max(len(asked), 1)
        for number, claim in asked.items():
            self._tell(verdicts[number], claim.kind or SESSION, _DATABASE, share)
        return [verdicts[number] for number in range(len(questions))]

    def _tell(
        self, verdict: Verdict, kind: str, source: str, seconds: float = 0.0
    ) -> None:
        """Count a verification, and let a refusal be heard of."""
        self._tally[kind, verdict.code, source].append(seconds)
        if verdict.code is not Code.VALID:
            self._listener.refused(verdict.code, verdict.principal)

    def _vouched(self, claim: Claim, demands: Demands, now: datetime) -> Verdict | None:
        """Return a good verdict from the cache, or none at all."""
        principal = self._cache.find(claim.public_id)
        try:
            proof = self._prover.prove(claim, principal, now)
        except Unavailable:
            # By a key that the ring has lost: the row may have been renewed since.
            return None
        if (
            principal is None
            or decide(principal, proof, demands, now) is not Code.VALID
        ):
            return None
        return self._settled(claim, principal, proof, demands, now)

    def _asked(self, claim: Claim, demands: Demands, now: datetime) -> Verdict:
        position = self._position()
        find = lookup.find_session if claim.kind is None else lookup.find
        principal = find(claim.public_id)
        return self._decided(claim, principal, demands, now, position)

    def _position(self) -> Head | None:
        """Return where the feed stands, and make sure that it goes on."""
        self._feed.start()
        return self._cache.position

    def _decided(
        self,
        claim: Claim,
        principal: Principal | None,
        demands: Demands,
        now: datetime,
        position: Head | None,
    ) -> Verdict:
        proof = self._prover.prove(claim, principal, now)
        code = decide(principal, proof, demands, now)
        if code is Code.UNKNOWN or principal is None:
            return _UNKNOWN
        if code is not Code.VALID:
            return Verdict(code, principal, proof)
        stored = credential_of(principal)
        if stored is None or not stored.is_limited:
            # By which limits its uses are counted, only the row may say.
            self._cache.keep(principal, position)
        return self._settled(claim, principal, proof, demands, now)

    def _settled(
        self,
        claim: Claim,
        principal: Principal,
        proof: Proof,
        demands: Demands,
        now: datetime,
    ) -> Verdict:
        """Take what the use of a good credential costs, and count it."""
        signed = claim.signed
        if signed is not None and signed.changes_state:
            assert claim.date is not None
            try:
                self._replay.use_up(signed.signature, claim.date + WINDOW)
            except UsedSignature:
                return Verdict(Code.REPLAYED, principal, proof)
        stored = credential_of(principal)
        if stored is None:
            return Verdict(Code.VALID, principal, proof)
        charge = charges.take(stored, demands.cost, now)
        if charge.code is Code.VALID:
            self._note(claim, stored, proof, now)
        return Verdict(charge.code, principal, proof, charge)

    def _note(self, claim: Claim, stored: Stored, proof: Proof, now: datetime) -> None:
        retained = proof is Proof.RETAINED
        session = claim.kind is None
        renewed = None if retained or session else self._prover.renewed(claim, stored)
        self._counters.note(stored.id, now, renewed, retained)
