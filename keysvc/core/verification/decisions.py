"""What a principal that has proven itself may do here and now. Pure functions."""

from datetime import datetime
from typing import Protocol

from keysvc.core import access
from keysvc.core.verification.callers import credential_of
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
    code = state_of(principal, proof, demands.realm, now)
    if code is not Code.VALID or principal is None:
        return code
    stored = credential_of(principal)
    allowed = stored.allowed_ips if stored is not None else ()
    if allowed and not access.address_allowed(allowed, demands.address):
        return Code.IP_NOT_ALLOWED
    return fits(principal, demands)


def state_of(
    principal: Principal | None, proof: Proof, realm: Owner | None, now: datetime
) -> Code:
    """Say whether *principal* lives, whoever uses it, for what, and from where."""
    if principal is None or proof is Proof.NONE:
        return Code.UNKNOWN
    if realm is not None and principal.owner != realm:
        return Code.UNKNOWN
    if isinstance(principal, StoredSession):
        return _of_session(principal, now)
    return _of_credential(principal, now)


def _of_session(session: StoredSession, now: datetime) -> Code:
    """A session is as good as what has logged in is now."""
    if session.ends_at <= now:
        return Code.EXPIRED
    if session.operator is not None and not session.operator.is_active:
        return Code.INACTIVE
    credential = session.credential
    return Code.VALID if credential is None else _of_credential(credential, now)


def _of_credential(stored: Stored, now: datetime) -> Code:
    if not (stored.is_active and stored.owner_active):
        return Code.INACTIVE
    if stored.expires_at is not None and stored.expires_at <= now:
        return Code.EXPIRED
    return Code.VALID


def fits(principal: _Scoped, demands: Demands) -> Code:
    """Say whether one that is good is of a demanded kind, and covers the scopes."""
    if demands.kinds and principal.principal_kind not in demands.kinds:
        return Code.FORBIDDEN
    if demands.scopes and not access.covers_all(principal.scopes, demands.scopes):
        return Code.FORBIDDEN
    return Code.VALID
