"""Whom a good secret stands for."""

from enum import Enum

from keysvc.errors import InactiveCredential
from keysvc.errors import UnknownCredential
from keysvc.model import Caller
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Stored
from keysvc.store.lookup import StoredOperator
from keysvc.store.lookup import StoredSession


class Proof(Enum):
    """What a presented secret is to a credential."""

    NONE = "none of its secrets"
    CURRENT = "its secret"
    RETAINED = "the one before, still retained"


def caller_of(stored: Stored, proof: Proof, origin: Origin) -> Caller:
    """Return the caller that *stored* makes, when *proof* is what was presented."""
    return Caller(
        kind=stored.kind,
        id=stored.public_id if stored.kind is Kind.KEYPAIR else str(stored.id),
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


def caller_of_operator(
    operator: StoredOperator, session: StoredSession, origin: Origin
) -> Caller:
    """
    Return the caller that a session of *operator* makes.

    Raises:
        UnknownCredential: If the password has changed since.
        InactiveCredential: If the operator was switched off.
    """
    if operator.generation != session.generation:
        raise UnknownCredential
    if not operator.is_active:
        raise InactiveCredential
    return Caller(
        kind="operator",
        id=operator.id,
        owner=Owner(OwnerKind.OPERATOR, operator.id),
        scopes=operator.scopes,
        origin=origin,
    )
