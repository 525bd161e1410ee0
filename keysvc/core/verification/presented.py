"""What can be presented to be verified, and which credential it claims to be."""

from datetime import datetime
from typing import NamedTuple

from keysvc.core.lifecycle.minting import Mint
from keysvc.core.secrets import tokens
from keysvc.core.verification import signing
from keysvc.core.verification.signing import Signed
from keysvc.model import Kind


class Pair(NamedTuple):
    """An access key and its secret key."""

    access_key: str
    secret_key: str

    def __repr__(self) -> str:
        """Tell which pair it is, not what proves it."""
        return f"Pair({self.access_key!r})"


class Token(NamedTuple):
    """The token of a credential of this *kind*; without it, of any, or of a session."""

    text: str
    kind: Kind | None = None

    def __repr__(self) -> str:
        """Tell nothing: all of it is secret."""
        return "Token()"


Presented = Pair | Token | Signed


def presented_of(text: str) -> Pair | Token:
    """Return what *text* writes: ``accessKey:secretKey``, or a token."""
    access_key, colon, secret_key = text.partition(":")
    return Pair(access_key, secret_key) if colon else Token(text)


class Claim(NamedTuple):
    """
    Which principal something presented claims to be, and what shall prove it.

    *kind* is None for a session; *secret* is empty for a signed request of *date*.
    """

    kind: Kind | None
    public_id: str
    secret: str
    signed: Signed | None = None
    date: datetime | None = None

    def __repr__(self) -> str:
        """Tell whom it names, not what proves it."""
        return f"Claim({self.public_id!r})"


def claim_of(presented: Presented, mint: Mint, now: datetime) -> Claim | None:
    """
    Return what *presented* claims; None if nobody here can have issued it.

    So what has a wrong checksum, or a date 15 minutes or more from *now*, is refused
    before anything is asked of the database.

    Raises:
        MalformedCredential: If the date or version of a signed request is none.
    """
    if isinstance(presented, Token):
        return _of_token(presented, mint)
    if isinstance(presented, Pair):
        if not tokens.is_keypair(*presented):
            return None
        return Claim(Kind.KEYPAIR, presented.access_key, presented.secret_key)
    # Read first, both: what is malformed says so before anything is used up.
    date, _ = signing.read_date(presented.date), signing.read_version(presented.version)
    timely = signing.is_timely(date, now)
    if not timely or not tokens.is_access_key(presented.access_key):
        return None
    return Claim(Kind.KEYPAIR, presented.access_key, "", presented, date)


def _of_token(presented: Token, mint: Mint) -> Claim | None:
    token = tokens.read_token(presented.text)
    if token is None:
        return None
    if mint.is_session(token.prefix):
        session = Claim(None, token.public_id, token.secret)
        return session if presented.kind is None else None
    kind = mint.kind_of(token.prefix)
    if kind is None or presented.kind not in (None, kind):
        return None
    return Claim(kind, token.public_id, token.secret)
