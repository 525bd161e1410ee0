"""What a principal that has proven itself may do here and now. Pure functions."""

from datetime import datetime
from typing import Protocol

from keysvc.core import access
from keysvc.model import Code
from keysvc.model import Demands
from keysvc.model import Principal
from keysvc.model import Proof
from keysvc.model import Stored
from keysvc.model import StoredSession


class _Scoped(Protocol):
    """What can be held against what is demanded of a kind of credential."""

    @property
    def principal_kind(self) -> str: ...

    @property
    def scopes(self) -> tuple[str, ...]: ...


def decide(
    principal: Principal | None, proof: Proof, demands: Demands, now: datetime
) -> Code:
    """
    Say whether *principal* is good for what is asked, its limits aside.

    Of a foreign realm nothing is said, and of whom has proven nothing neither.
    """
    if principal is None or proof is Proof.NONE:
        return Code.UNKNOWN
    if demands.realm is not None and principal.owner != demands.realm:
        return Code.UNKNOWN
    if isinstance(principal, StoredSession):
        return _of_session(principal, demands, now)
    return _of_credential(principal, demands, now) or fits(principal, demands)


def _of_session(session: StoredSession, demands: Demands, now: datetime) -> Code:
    """A session is as good as what has logged in is now."""
    if session.ends_at <= now:
        return Code.EXPIRED
    if session.operator is not None and not session.operator.is_active:
        return Code.INACTIVE
    credential = session.credential
    refusal = credential and _of_credential(credential, demands, now)
    return refusal or fits(session, demands)


def _of_credential(stored: Stored, demands: Demands, now: datetime) -> Code | None:
    if not (stored.is_active and stored.owner_active):
        return Code.INACTIVE
    if stored.expires_at is not None and stored.expires_at <= now:
        return Code.EXPIRED
    allowed = stored.allowed_ips
    if allowed and not access.address_allowed(allowed, demands.address):
        return Code.IP_NOT_ALLOWED
    return None


def fits(principal: _Scoped, demands: Demands) -> Code:
    """Say whether one that is good is of a demanded kind, and covers the scopes."""
    if demands.kinds and principal.principal_kind not in demands.kinds:
        return Code.FORBIDDEN
    if demands.scopes and not access.covers_all(principal.scopes, demands.scopes):
        return Code.FORBIDDEN
    return Code.VALID
