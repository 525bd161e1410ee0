"""Passwords of operators: slow on purpose, and never in a queue."""

import os
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from threading import BoundedSemaphore

import bcrypt

from keysvc.errors import Invalid
from keysvc.errors import Unavailable

#: Characters. Nobody's password is too long, but it must not be a way to hold us up.
MINIMUM, MAXIMUM = 12, 4096


class Passwords:
    """
    Hash and check passwords with bcrypt.

    At most one a processor runs at a time, and nobody waits for a turn: waiting
    threads would keep verifications from being answered.

    Args:
        cost: The power of two of bcrypt's rounds.
    """

    def __init__(self, cost: int) -> None:
        self._cost = cost
        self._turns = BoundedSemaphore(os.cpu_count() or 1)
        self._nobody: bytes | None = None

    def hash(self, password: str) -> str:
        """
        Return what may be kept of *password*: 60 characters.

        Raises:
            Invalid: If it has fewer than 12 characters.
        """
        if not MINIMUM <= len(password) <= MAXIMUM:
            message = f"A password has {MINIMUM} to {MAXIMUM} characters."
            raise Invalid(message, {"password": [message]})
        with self._turn():
            return bcrypt.hashpw(_prepared(password), self._salt()).decode()

    def matches(self, password: str, hashed: str | None) -> bool:
        """
        Tell whether *password* is the one of this hash; of None it never is.

        Both cost the same.

        Raises:
            Unavailable: If as many as may are being checked already.
        """
        with self._turn():
            if hashed is None and self._nobody is None:
                self._nobody = bcrypt.hashpw(_prepared(""), self._salt())
            right = hashed.encode() if hashed is not None else self._nobody or b""
            return bcrypt.checkpw(_prepared(password), right) and hashed is not None

    def _salt(self) -> bytes:
        return bcrypt.gensalt(self._cost)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(blocking=False):
            raise Unavailable("Too many passwords are being checked.")
        try:
            yield
        finally:
            self._turns.release()


def _prepared(password: str) -> bytes:
    """Return 44 bytes that stand for *password*: bcrypt refuses more than 72."""
    return b64encode(sha256(password.encode("utf-8", "surrogatepass")).digest())
