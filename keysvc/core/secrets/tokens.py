"""Make and take apart keys. Pure functions: no clock, no database."""

import re
import secrets
import string
from typing import NamedTuple
from zlib import crc32

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PAIRS = [one + two for one in _BASE62 for two in _BASE62]
_SLUG32 = string.ascii_uppercase + "234567"

#: 34 x log2(62) = 202 random bits in a secret key.
_RANDOM_LENGTH = 34
_CHECKSUM_LENGTH = 6
_ACCESS_KEY = re.compile(r"[0-9A-Za-z]+([-_]{1,2}[0-9A-Za-z]+)*")
_SECRET_KEY = re.compile(rf"[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECKSUM_LENGTH}}}")

_PUBLIC_LENGTH, _TOKEN_SECRET_LENGTH = 16, 32
_TOKEN = re.compile(
    r"(([0-9A-Za-z_]{1,16})_([0-9A-Za-z]{16})([0-9A-Za-z]{32}))([0-9A-Za-z]{6})"
)


def mint_keypair() -> tuple[str, str]:
    """
    Return a new access key and its secret key.

    The access key is ``KP`` and 18 characters of ``[A-Z2-7]``; the secret key 40 of
    base62, the last 6 of them a checksum of all that precedes.
    """
    access_key = "KP" + _random(_SLUG32, 18)
    return access_key, mint_secret_key(access_key)


def mint_secret_key(access_key: str) -> str:
    """Return a new secret key for *access_key*."""
    body = _random(_BASE62, _RANDOM_LENGTH)
    return body + checksum(access_key + body)


def is_keypair(access_key: str, secret_key: str) -> bool:
    """
    Tell whether ``mint_keypair`` can have made this pair.

    What fails here is refused without asking the database; whether such a pair was
    ever issued is another question.
    """
    body = secret_key[:-_CHECKSUM_LENGTH]
    return (
        is_access_key(access_key)
        and bool(_SECRET_KEY.fullmatch(secret_key))
        and secret_key == body + checksum(access_key + body)
    )


def is_access_key(text: str) -> bool:
    """Tell whether *text* is a slug, as every access key is."""
    return _ACCESS_KEY.fullmatch(text) is not None


class Token(NamedTuple):
    """A token taken apart: which credential it names, and the secret that proves it."""

    prefix: str
    public_id: str
    secret: str


def mint_token(prefix: str) -> tuple[Token, str]:
    """Return a new token, taken apart and as the one string that its bearer carries."""
    return renew_token(prefix, _random(_BASE62, _PUBLIC_LENGTH))


def renew_token(prefix: str, public_id: str) -> tuple[Token, str]:
    """Return a token with a new secret for the credential of *public_id*."""
    token = Token(prefix, public_id, _random(_BASE62, _TOKEN_SECRET_LENGTH))
    text = f"{prefix}_{public_id}{token.secret}"
    return token, text + checksum(text)


def read_token(text: str) -> Token | None:
    """Take a token apart; None if its shape or its checksum is wrong."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        return None
    body, prefix, public_id, secret, check = found.groups()
    return Token(prefix, public_id, secret) if checksum(body) == check else None


def checksum(text: str) -> str:
    """Return the CRC-32 of *text* in UTF-8 as 6 characters of base62."""
    high, low = divmod(crc32(text.encode("utf-8", "surrogatepass")), len(_PAIRS))
    high, middle = divmod(high, len(_PAIRS))
    return _PAIRS[high] + _PAIRS[middle] + _PAIRS[low]


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
