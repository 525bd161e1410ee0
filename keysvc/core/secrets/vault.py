"""Protect secrets at rest, with keys derived from the ring."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from collections.abc import Sequence
from uuid import UUID

from cryptography.fernet import Fernet
from cryptography.fernet import InvalidToken

from keysvc.core.secrets.ring import Purpose
from keysvc.core.secrets.ring import Ring
from keysvc.errors import Unavailable
from keysvc.model import Secret


class Vault:
    """
    What is made here carries the id of the key that made it.

    A key that this process does not have yet is looked for in the ring's source once
    more: so workers follow a rotated ring file without being restarted.

    Args:
        load: Reads the ring; called at first use.
    """

    def __init__(self, load: Callable[[], Ring]) -> None:
        self._load = load
        self._ring: Ring | None = None
        self._fernets: dict[tuple[Purpose, str], Fernet] = {}
        self._peppers: dict[str, hmac.HMAC] = {}

    @property
    def ring(self) -> Ring:
        """Return the ring, read at first use."""
        if self._ring is None:
            self._ring = self._load()
        return self._ring

    def reload(self) -> Ring:
        """Read the ring again."""
        self._ring, self._peppers = self._load(), {}
        return self._ring

    def protect(self, id_: UUID, secret: str, *, sealed: bool) -> Secret:
        """
        Return what may be kept of the *secret* of credential *id_*.

        Args:
            sealed: Whether it must be possible to read the secret again.
        """
        # Read anew, lest a rotated or dropped key go on making in a running process.
        maker = self.reload().maker
        return Secret(
            digest=self.digest(id_, secret, maker),
            digest_key=maker,
            sealed=self._sealed(id_, secret, maker) if sealed else None,
            sealed_key=maker if sealed else None,
        )

    def digest(self, id_: UUID, secret: str, key_id: str) -> str:
        """
        Return HMAC-SHA-256 of id and *secret* under the pepper, in hexadecimal.

        The id is in it, so that the digests of two rows cannot be swapped.
        """
        # A copy of one that has taken in its key costs half of hmac.digest.
        mac = self._peppers.get(key_id) or self._pepper(key_id)
        mac = mac.copy()
        mac.update(id_.bytes + secret.encode("utf-8", "surrogatepass"))
        return mac.hexdigest()

    def matches(self, id_: UUID, secret: str, digest: str, key_id: str) -> bool:
        """Tell in constant time whether *secret* is the one of this *digest*."""
        return hmac.compare_digest(self.digest(id_, secret, key_id), digest)

    def wrap_audit_key(self, key_id: str, audit_key: bytes, wrapper: str) -> str:
        """
        Encrypt the audit key of a ring key that leaves, under the key *wrapper*.

        Under a purpose of its own and with its name inside: no other seal can stand
        in its place.
        """
        content = key_id.encode() + b":" + audit_key
        return self._fernet(Purpose.AUDIT_WRAP, wrapper).encrypt(content).decode()

    def unwrap_audit_key(self, key_id: str, wrapped: str, wrapper: str) -> bytes:
        """Return what ``wrap_audit_key`` has encrypted for *key_id*, and no other."""
        content = self._open(Purpose.AUDIT_WRAP, wrapped, wrapper)
        name, _, audit_key = content.partition(b":")
        if name != key_id.encode():
            raise Unavailable("A wrapped audit key belongs to another key.")
        return audit_key

    def _pepper(self, key_id: str) -> hmac.HMAC:
        mac = hmac.new(self._key(Purpose.PEPPER, key_id), digestmod="sha256")
        self._peppers[key_id] = mac
        return mac

    def _sealed(self, id_: UUID, secret: str, key_id: str) -> str:
        content = id_.bytes + secret.encode()
        return self._fernet(Purpose.SEAL, key_id).encrypt(content).decode()

    def _open(self, purpose: Purpose, sealed: str, key_id: str) -> bytes:
        try:
            return self._fernet(purpose, key_id).decrypt(sealed)
        except (InvalidToken, ValueError):
            raise Unavailable("A sealed secret cannot be opened.") from None

    def seal_with(self, word: str, content: bytes) -> str:
        """Encrypt under the ring's first key and a *word* that is not kept."""
        maker = self.ring.maker
        sealed = self._fernet_with(word, maker).encrypt(content).decode()
        return f"{maker}:{sealed}"

    def open_with(self, word: str, sealed: str) -> bytes:
        """
        Read what ``seal_with`` has encrypted.

        Raises:
            Unavailable: If it was changed, or sealed with a key that is not here.
        """
        maker, _, content = sealed.partition(":")
        try:
            return self._fernet_with(word, maker).decrypt(content)
        except InvalidToken:
            raise Unavailable("A first answer cannot be opened.") from None

    def _fernet_with(self, word: str, key_id: str) -> Fernet:
        key = self._key(Purpose.IDEMPOTENCY, key_id, word.encode())
        return Fernet(urlsafe_b64encode(key))

    def unseal(self, id_: UUID, sealed: str, key_id: str) -> str:
        """
        Return the sealed secret of credential *id_*, and of no other.

        Raises:
            Unavailable: If it was changed, or sealed with a key that is not here.
        """
        content = self._open(Purpose.SEAL, sealed, key_id)
        if not hmac.compare_digest(content[:16], id_.bytes):
            raise Unavailable("A sealed secret belongs to another credential.")
        return content[16:].decode()

    def page_token_keys(self) -> Sequence[bytes]:
        """Return the keys for page tokens, oldest first, as itsdangerous wants them."""
        ids = reversed(self.ring.ids)
        return [self._key(Purpose.PAGE_TOKEN, key_id) for key_id in ids]

    def knows(self, key_id: str) -> bool:
        """Tell whether the ring at hand has this key."""
        return key_id in self.ring.ids

    def audit_key(self, key_id: str) -> bytes:
        """Return the key that signs audit records."""
        return self._key(Purpose.AUDIT, key_id)

    def _fernet(self, purpose: Purpose, key_id: str) -> Fernet:
        if (purpose, key_id) not in self._fernets:
            key = urlsafe_b64encode(self._key(purpose, key_id))
            self._fernets[purpose, key_id] = Fernet(key)
        return self._fernets[purpose, key_id]

    def _key(self, purpose: Purpose, key_id: str, salt: bytes | None = None) -> bytes:
        key = self.ring.derive(purpose, key_id, salt)
        if key is None:
            key = self.reload().derive(purpose, key_id, salt)
        if key is None:
            raise Unavailable(f"The ring lacks the key {key_id}.")
        return key
