"""Page tokens: where a list goes on, signed, so that nobody makes one up."""

from hashlib import sha256
from typing import Any

from itsdangerous import BadData
from itsdangerous import URLSafeSerializer

from keysvc.core.secrets.vault import Vault
from keysvc.errors import Invalid


class Cursors:
    """
    Sign positions with the ring; older keys go on verifying after a rotation.

    A token is bound to the list it was cut from: its *scope*, any JSON value.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def sign(self, scope: Any, position: Any) -> str:
        """Return the token for what follows *position*, of ``[A-Za-z0-9._-]``."""
        token = self._serializer.dumps([scope, position])
        return token if isinstance(token, str) else token.decode()

    def read(self, scope: Any, token: str) -> Any:
        """
        Return the position that *token* holds.

        Raises:
            Invalid: If it was not made here, or for another list.
        """
        try:
            found, position = self._serializer.loads(token)
        except BadData:
            found, position = None, None
        if position is None or found != scope:
            message = "Not a page token of this list."
            raise Invalid(message, {"pageToken": [message]})
        return position

    @property
    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(
            list(self._vault.page_token_keys()),
            salt="keysvc page token",
            signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
        )
