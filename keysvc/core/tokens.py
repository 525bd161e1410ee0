"""Make and take apart keys. Pure functions: no clock, no database."""

import re
import secrets
import string
from zlib import crc32

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SLUG32 = string.ascii_uppercase + "234567"

#: 34 x log2(62) = 202 random bits in a secret key.
_RANDOM_LENGTH = 34
_CHECKSUM_LENGTH = 6
_ACCESS_KEY = re.compile(r"[0-9A-Za-z]+([-_]{1,2}[0-9A-Za-z]+)*")
_SECRET_KEY = re.compile(rf"[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECKSUM_LENGTH}}}")


def mint_keypair() -> tuple[str, str]:
    """
    Return a new access key and its secret key.

    The access key is ``KP`` and 18 characters of ``[A-Z2-7]``; the secret key 40 of
    base62, the last 6 of them a checksum of all that precedes.
    """
    access_key = "KP" + _random(_SLUG32, 18)
    body = _random(_BASE62, _RANDOM_LENGTH)
    return access_key, body + checksum(access_key + body)


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


def checksum(text: str) -> str:
    """Return the CRC-32 of *text* in UTF-8 as 6 characters of base62."""
    value, digits = crc32(text.encode("utf-8", "surrogatepass")), ""
    for _ in range(_CHECKSUM_LENGTH):
        value, digit = divmod(value, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
