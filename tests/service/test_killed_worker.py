"""``kill -9`` of one worker while all of them verify."""

import os
import signal
import threading
import time
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

from tests.service.servers import eventually
from tests.service.servers import new_admin
from tests.service.servers import Pair
from tests.service.servers import REVOCATION
from tests.service.servers import Server

_THREADS = 4


class Asked(NamedTuple):
    """When a question began, and what it was answered."""

    begun: float
    status: int


class Crowd:
    """Threads that ask of one keypair, each time on a connection of its own."""

    def __init__(self, server: Server, pair: Pair) -> None:
        self.asked: list[Asked] = []
        self._server, self._pair = server, pair
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(_THREADS)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._over.is_set():
            begun = time.monotonic()
            try:
                status = self._server.ask("GET", "/v1/auth", self._pair).status
            except (OSError, HTTPException):
                # The worker that was killed had it.
                continue
            self.asked.append(Asked(begun, status))

    def since(self, moment: float) -> set[int]:
        """Return how questions were answered that began after *moment*."""
        return {asked.status for asked in self.asked if asked.begun > moment}

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def test_a_killed_worker_takes_no_revocation_along(
    empty_url: str, tmp_path: Path
) -> None:
    settings = {"KEYSVC_DATABASE_URL": empty_url}
    with Server(
        tmp_path, "--workers", "2", logs=tmp_path / "log", **settings
    ) as server:
        admin = new_admin(tmp_path, **settings)
        made = server.ask("POST", "/v2/admin/keypairs/alice/create", admin, {}).json
        pair = made["accessKey"], made["secretKey"]
        good, off = Crowd(server, admin), Crowd(server, pair)
        try:
            eventually(lambda: 204 in good.since(0) and 204 in off.since(0))
            before = server.workers()

            os.kill(min(before), signal.SIGKILL)
            path = f"/v2/admin/keypairs/alice/{pair[0]}"
            change = {"props": {"isActive": False}}
            assert server.ask("PATCH", path, admin, change).status == 204
            answered = time.monotonic()
            eventually(lambda: len(server.workers()) > len(before))
            os.kill(max(server.workers()), signal.SIGKILL)
            eventually(lambda: len(server.workers()) > len(before) + 1)
            came_back = time.monotonic()
            bound = max(answered + REVOCATION, came_back)
            eventually(lambda: good.since(bound) and off.since(bound))
        finally:
            good.end()
            off.end()
    assert good.since(0) == {204}
    assert off.since(answered + REVOCATION) == {401}
