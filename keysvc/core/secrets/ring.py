"""The key ring: what every secret at rest hangs on."""

import re
import secrets
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keysvc.config import Settings
from keysvc.core import files
from keysvc.errors import Misconfigured

_MINIMUM = 32
_SEPARATORS = re.compile(r"[,\n]")


class Purpose(StrEnum):
    """What a key is derived for; no purpose's key tells anything of another's."""

    PEPPER = "pepper"
    SEAL = "seal"
    PAGE_TOKEN = "page token"
    AUDIT = "audit"
    AUDIT_WRAP = "audit key wrap"
    IDEMPOTENCY = "idempotency"


class Ring:
    """
    The keys of a deployment, newest first: the first one makes, all of them verify.

    A key is known by its *id*, 16 hexadecimal characters derived from it. What was
    made with it keeps that id.
    """

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._keys = {_derive(key, "id", 8).hex(): key for key in keys}
        #: The ids of the keys, newest first.
        self.ids = tuple(self._keys)
        #: The id of the key that makes.
        self.maker = self.ids[0]

    def derive(
        self, purpose: Purpose, key_id: str, salt: bytes | None = None
    ) -> bytes | None:
        """Return 32 bytes for *purpose*, or None if the ring has no such key."""
        key = self._keys.get(key_id)
        if key is None or salt is None:
            return None if key is None else _derive(key, purpose, 32)
        # What is salted serves once: it would only push the others out of the cache.
        return _hkdf(key, purpose, 32, salt)

    def without(self, key_id: str) -> str:
        """Return the text of a ring file that lacks this key."""
        return _text(key for id_, key in self._keys.items() if id_ != key_id)

    def with_new(self) -> str:
        """Return the text of a ring file that begins with a new key."""
        return new_key() + "\n" + _text(self._keys.values())


@lru_cache(maxsize=256)
def _derive(key: bytes, purpose: str, length: int) -> bytes:
    return _hkdf(key, purpose, length, None)


def _hkdf(key: bytes, purpose: str, length: int, salt: bytes | None) -> bytes:
    """Derive a key by HKDF-SHA-256 (RFC 5869), the purpose being its info."""
    return HKDF(SHA256(), length, salt, f"keysvc {purpose}".encode()).derive(key)


def _text(keys: Iterable[bytes]) -> str:
    return "".join(key.decode() + "\n" for key in keys)


def new_key() -> str:
    """Return a new key as text: 384 random bits."""
    return secrets.token_urlsafe(48)


def load(settings: Settings) -> Ring:
    """
    Read the ring that *settings* name.

    Raises:
        Misconfigured: If there is none, or a key is too short.
    """
    if settings.secret_keys:
        return parse(settings.secret_keys, "KEYSVC_SECRET_KEYS")
    path = settings.ring_file
    try:
        return parse(path.read_text(), str(path))
    except FileNotFoundError:
        raise Misconfigured(
            f"There are no secret keys: {path} does not exist and"
            " KEYSVC_SECRET_KEYS is not set. `keysvc init` makes them."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {type(error).__name__}.") from None


def parse(text: str, source: str) -> Ring:
    """Read keys separated by commas or line ends, newest first."""
    keys = [w.strip().encode() for w in _SEPARATORS.split(text) if w.strip()]
    if not keys or any(len(key) < _MINIMUM for key in keys):
        raise Misconfigured(
            f"{source} must hold keys of at least {_MINIMUM} bytes,"
            " separated by commas, newest first."
        )
    return Ring(keys)


def exists(settings: Settings) -> bool:
    """Tell whether *settings* name a ring that is there."""
    return bool(settings.secret_keys) or settings.ring_file.exists()


def create(path: Path) -> None:
    """Make a ring of one key in a new file that only its owner can read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with files.written(path, replacing=False) as fresh:
        fresh.write_text(new_key() + "\n")


def rewrite(settings: Settings, text: str) -> None:
    """
    Replace the ring's file at one blow.

    Raises:
        Misconfigured: If the ring is not in a file.
    """
    if settings.secret_keys:
        raise Misconfigured(
            "The ring is in KEYSVC_SECRET_KEYS, which keysvc cannot change: edit it"
            " there (a new key goes first; `openssl rand -base64 48` makes one)."
        )
    path = settings.ring_file
    try:
        with files.written(path, replacing=True) as fresh:
            fresh.write_text(text)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}.") from error
