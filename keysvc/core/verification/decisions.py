"""What a principal that has proven itself may do here and now. Pure functions."""

from datetime import datetime
from typing import Protocol

from keysvc.core import access
from keysvc.model import Code
from keysvc.model import Demands
from keysvc.model import Owner
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
    flaw = _flaw_of(principal, proof, demands.realm, now)
    if flaw is not None or principal is None:
        return flaw or Code.UNKNOWN
    stored = principal.credential if isinstance(principal, StoredSession) else principal
    allowed = () if stored is None else stored.allowed_ips
    if allowed and not access.address_allowed(allowed, demands.address):
        return Code.IP_NOT_ALLOWED
    return fits(principal, demands)


def state_of(
    principal: Principal | None, proof: Proof, realm: Owner | None, now: datetime
) -> Code:
    """Say whether *principal* lives, whoever uses it, for what, and from where."""
    return _flaw_of(principal, proof, realm, now) or Code.VALID


def _flaw_of(
    principal: Principal | None, proof: Proof, realm: Owner | None, now: datetime
) -> Code | None:
    if principal is None or proof is Proof.NONE:
        return Code.UNKNOWN
    if realm is not None and principal.owner != realm:
        return Code.UNKNOWN
    if isinstance(principal, StoredSession):
        return _of_session(principal, now)
    return _of_credential(principal, now)


def _of_session(session: StoredSession, now: datetime) -> Code | None:
    """A session is as good as what has logged in is now."""
    if session.ends_at <= now:
        return Code.EXPIRED
    if session.operator is not None and not session.operator.is_active:
        return Code.INACTIVE
    return session.credential and _of_credential(session.credential, now)


def _of_credential(stored: Stored, now: datetime) -> Code | None:
    if not (stored.is_active and stored.owner_active):
        return Code.INACTIVE
    if stored.expires_at is not None and stored.expires_at <= now:
        return Code.EXPIRED
    return None


def fits(principal: _Scoped, demands: Demands) -> Code:
    """Say whether one that is good is of a demanded kind, and covers the scopes."""
    if demands.kinds and principal.principal_kind not in demands.kinds:
        return Code.FORBIDDEN
    if demands.scopes and not access.covers_all(principal.scopes, demands.scopes):
        return Code.FORBIDDEN
    return Code.VALID
