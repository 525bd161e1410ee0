"""A kept connection to the service, and what came of each request on it."""

import json
import threading
import time
from base64 import b64encode
from collections import Counter
from http.client import HTTPConnection
from http.client import HTTPException
from typing import Any
from typing import NamedTuple

from tests.service.servers import Pair

#: Seconds that a stop and a start may take.
_PATIENCE = 30


class Heard(NamedTuple):
    """An answer, and when its question began; by the monotonic clock."""

    status: int
    text: str
    begun: float

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Tally:
    """What all lines together have heard."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.done: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.broken = 0
        self.wrong: list[str] = []

    def heard(self, status: int) -> None:
        with self._lock:
            self.statuses[status] += 1

    def cut_off(self) -> None:
        with self._lock:
            self.broken += 1

    def did(self, what: str) -> None:
        with self._lock:
            self.done[what] += 1

    def blame(self, what: str) -> None:
        """Note something that must never be."""
        with self._lock:
            self.wrong.append(what)


def basic(pair: Pair) -> str:
    """Return the header of a keypair."""
    return f"Basic {b64encode(':'.join(pair).encode()).decode()}"


class Line:
    """One client's connection; whoever answers may be killed at any time."""

    def __init__(self, port: int, admin: Pair, tally: Tally) -> None:
        self._port, self._admin, self._tally = port, basic(admin), tally
        self._connection: HTTPConnection | None = None

    def ask(
        self, method: str, path: str, body: Any = None, carried: str = ""
    ) -> Heard | None:
        """Return the answer; None if it was cut off, so that nobody knows."""
        headers = {"Authorization": carried or self._admin}
        content = None if body is None else json.dumps(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        connection = self._opened()
        begun = time.monotonic()
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            heard = Heard(response.status, response.read().decode(), begun)
        except (OSError, HTTPException):
            self.close()
            self._tally.cut_off()
            return None
        self._tally.heard(heard.status)
        return heard

    def insist(self, method: str, path: str, body: Any = None) -> Heard:
        """Ask until an answer comes that says how it is: for what may be repeated."""
        end = time.monotonic() + _PATIENCE
        while True:
            heard = self.ask(method, path, body)
            if heard is not None and heard.status < 500:
                return heard
            if time.monotonic() > end:
                raise AssertionError(f"no answer to {method} {path}: {heard}")
            time.sleep(0.05)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> HTTPConnection:
        end = time.monotonic() + _PATIENCE
        while self._connection is None:
            connection = HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE)
            try:
                connection.connect()
            except OSError:
                assert time.monotonic() < end, "nobody listens"
                time.sleep(0.05)
            else:
                self._connection = connection
        return self._connection
