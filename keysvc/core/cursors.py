"""Page tokens: where a list goes on, signed, so that nobody makes one up."""

import re
from collections.abc import Callable
from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from typing import TypeVar

from itsdangerous import BadData
from itsdangerous import URLSafeSerializer

from keysvc.core.secrets.vault import Vault
from keysvc.errors import Invalid
from keysvc.model import Cut
from keysvc.model import Keyset

T = TypeVar("T")

#: A signature of 32 bytes, in the one spelling of the several that base64 would read.
_CANONICAL = re.compile(r"^[A-Za-z0-9._-]+\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]\Z")


class Cursors:
    """
    Sign positions with the ring; older keys go on verifying after a rotation.

    A token is bound to the list it was cut from: its *scope*, any JSON value.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def cut(
        self,
        scope: Any,
        keyset: Keyset,
        read: Callable[[Any, int], Sequence[T]],
        place: Callable[[T], Any],
    ) -> Cut[T]:
        """
        Return the part of a list that *keyset* asks for.

        Args:
            scope: What its tokens are bound to.
            read: Returns at most so many items after a position; None is before all.
            place: Returns the position of an item, as JSON can hold it.

        Raises:
            Invalid: If the token is not one of this list.
        """
        after = self.read(scope, keyset.token) if keyset.token else None
        # One more than is wanted tells whether there is a next part.
        found = read(after, keyset.limit + 1)
        items = found[: keyset.limit]
        more = len(found) > len(items)
        return Cut(items, self.sign(scope, place(items[-1])) if more else None)

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
        found, position = self._open(token)
        if position is None or found != scope:
            message = "Not a page token of this list."
            raise Invalid(message, {"pageToken": [message]})
        return position

    def _open(self, token: str) -> Any:
        """Return what *token* holds, or nothing twice."""
        if not _CANONICAL.search(token):
            return None, None
        known = self._vault.ring.ids
        try:
            return self._serializer.loads(token)
        except BadData:
            if self._vault.reload().ids == known:
                return None, None
        # Another process may have signed it, with a key that was new to this one.
        return self._open(token)

    @property
    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(
            list(self._vault.page_token_keys()),
            salt="keysvc page token",
            signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
        )
