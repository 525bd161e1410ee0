"""Whom a verdict lets in as a caller of this service, or how it refuses him."""

from datetime import datetime

from keysvc.core.verification.charges import WINDOW
from keysvc.errors import AddressNotAllowed
from keysvc.errors import ExpiredCredential
from keysvc.errors import Forbidden
from keysvc.errors import InactiveCredential
from keysvc.errors import KeysvcError
from keysvc.errors import QuotaExceeded
from keysvc.errors import RateLimited
from keysvc.errors import UnknownCredential
from keysvc.errors import UsedSignature
from keysvc.model import Caller
from keysvc.model import Code
from keysvc.model import Origin
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Principal
from keysvc.model import Proof
from keysvc.model import Stored
from keysvc.model import StoredOperator
from keysvc.model import StoredSession
from keysvc.model import Verdict

_REFUSALS: dict[Code, type[KeysvcError]] = {
    Code.UNKNOWN: UnknownCredential,
    Code.INACTIVE: InactiveCredential,
    Code.EXPIRED: ExpiredCredential,
    Code.FORBIDDEN: Forbidden,
    Code.IP_NOT_ALLOWED: AddressNotAllowed,
    Code.QUOTA_EXCEEDED: QuotaExceeded,
    Code.REPLAYED: UsedSignature,
}

_CODES = {error: code for code, error in _REFUSALS.items()} | {
    RateLimited: Code.RATE_LIMITED
}


def credential_of(principal: Principal | None) -> Stored | None:
    """Return the credential that was used: itself, or a session's parent."""
    if isinstance(principal, StoredSession):
        return principal.credential
    return principal


def caller_of(verdict: Verdict, origin: Origin) -> Caller:
    """Return the caller that a good *verdict* lets in; of a session, its parent."""
    principal = verdict.principal
    stored = credential_of(principal)
    if stored is not None:
        return _credential(stored, verdict.proof, origin)
    assert isinstance(principal, StoredSession) and principal.operator is not None
    return _operator(principal.operator, origin)


def refusal_of(verdict: Verdict, now: datetime) -> KeysvcError:
    """Return the error that says what *verdict* does."""
    if verdict.code is not Code.RATE_LIMITED:
        return _REFUSALS[verdict.code]()
    stored = credential_of(verdict.principal)
    reset_at = verdict.charge.reset_at or now
    return RateLimited(
        "This credential was used too often.",
        (reset_at - now).total_seconds(),
        limit=stored.rate_limit if stored else None,
        window=WINDOW,
    )


def code_of(error: KeysvcError) -> Code | None:
    """Return why somebody was refused, of an error that says so."""
    return _CODES.get(type(error))


def _credential(stored: Stored, proof: Proof, origin: Origin) -> Caller:
    return Caller(
        kind=stored.kind,
        id=stored.principal_id,
        owner=stored.owner,
        scopes=stored.scopes,
        expires_at=stored.expires_at,
        allowed_ips=stored.allowed_ips,
        rate_limit=stored.rate_limit,
        remaining=stored.remaining,
        credential_id=stored.id,
        generation=stored.generation - (proof is Proof.RETAINED),
        origin=origin,
    )


def _operator(operator: StoredOperator, origin: Origin) -> Caller:
    return Caller(
        kind="operator",
        id=operator.id,
        owner=Owner(OwnerKind.OPERATOR, operator.id),
        scopes=operator.scopes,
        origin=origin,
    )
