"""New secrets, family by family."""

from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from keysvc.config import Settings
from keysvc.core.secrets import tokens
from keysvc.model import Kind
from keysvc.model import SESSION

#: Families whose secret must be read again, to check signatures made with it.
SEALED = frozenset({Kind.KEYPAIR})

#: Families that show the last characters of a token for ever, and how many.
_SUFFIXED = {Kind.ACCESS_KEY: 6}


class Minted(NamedTuple):
    """
    A new secret.

    *secret* is what its digest is made of; *shown* is what its bearer is told, this
    one time; *attributes* are what is shown of it for ever.
    """

    public_id: str
    secret: str
    shown: str
    attributes: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        """Tell whose it is, never what it is."""
        return f"Minted({self.public_id!r})"


class Mint:
    """Make secrets in the form of each family, with the estate's own prefixes."""

    def __init__(self, settings: Settings) -> None:
        self._prefixes = {
            Kind.API_KEY: settings.api_key_prefix,
            Kind.ACCESS_KEY: settings.access_key_prefix,
        }
        self._session_prefix = settings.session_prefix
        self._kinds = {prefix: kind for kind, prefix in self._prefixes.items()}

    def issue(self, kind: Kind) -> Minted:
        """Return the secret of a new credential."""
        if kind is Kind.KEYPAIR:
            access_key, secret_key = tokens.mint_keypair()
            return Minted(access_key, secret_key, secret_key)
        return _of_kind(kind, *tokens.mint_token(self._prefixes[kind]))

    def rotate(self, kind: Kind, public_id: str) -> Minted:
        """Return another secret for the credential of *public_id*."""
        if kind is Kind.KEYPAIR:
            secret_key = tokens.mint_secret_key(public_id)
            return Minted(public_id, secret_key, secret_key)
        return _of_kind(kind, *tokens.renew_token(self._prefixes[kind], public_id))

    def session(self) -> Minted:
        """Return the token of a new session."""
        token, shown = tokens.mint_token(self._session_prefix)
        return Minted(token.public_id, token.secret, shown)

    def token_kinds(self) -> dict[str, str]:
        """Return, by each prefix, what a token that begins so is the token of."""
        return {**self._kinds, self._session_prefix: SESSION}

    def kind_of(self, prefix: str) -> Kind | None:
        """Return the family whose tokens have this prefix."""
        return self._kinds.get(prefix)

    def is_session(self, prefix: str) -> bool:
        """Tell whether the tokens of sessions have this prefix."""
        return prefix == self._session_prefix


def _of_kind(kind: Kind, token: tokens.Token, shown: str) -> Minted:
    length = _SUFFIXED.get(kind)
    attributes = {"suffix": shown[-length:]} if length else {}
    return Minted(token.public_id, token.secret, shown, attributes)
