"""``keysvc serve`` with several workers: one answer for all of them."""

import os
import signal
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysvc.metrics.directory import VARIABLE
from tests.gate.servers import Granian
from tests.gate.servers import Gunicorn
from tests.metrics.reading import read
from tests.metrics.reading import Told
from tests.service.servers import eventually
from tests.service.servers import new_admin
from tests.service.servers import Server

ADMIN = "/v2/admin/keypairs/admin"
LISTED = "http_requests_total{method=REPORT,route=/v2/admin/keypairs/<user>,status=200}"
ASKED = "http_requests_total{method=GET,route=/v1/auth,status=204}"

Make = Callable[..., Server]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Return a function that makes servers over one database."""
    made: list[Server] = []

    def make(*arguments: str, of: type[Server] = Server, **settings: object) -> Server:
        logs = tmp_path / f"log-{len(made)}"
        made.append(of(tmp_path, *arguments, logs=logs, **settings))
        return made[-1]

    yield make
    for server in made:
        server.kill()


def told(server: Server) -> Told:
    answer = server.ask("GET", "/metrics")
    assert answer.status == 200, answer.text
    return read(answer.text)


def directories_of(server: Server) -> set[Path]:
    """Return where the workers of *server* write."""
    mapped = [
        line.split()[-1]
        for worker in server.workers()
        if _lives(worker)
        for line in Path(f"/proc/{worker}/maps").read_text().splitlines()
    ]
    return {Path(file).parent for file in mapped if file.endswith(".db")}


def test_the_workers_are_told_of_as_one(make: Make) -> None:
    with make("--workers", "2") as server:
        pair = new_admin(server.directory)
        for _ in range(20):
            assert server.ask("REPORT", ADMIN, pair).status == 200

        eventually(lambda: told(server)[LISTED] == 20)
        eventually(lambda: told(server)["feeds{state=fresh}"] == 2)
        assert told(server)["pool_connections_limit"] == 40
        [directory] = directories_of(server)
        assert directory.stat().st_mode & 0o077 == 0

        # What a killed worker has counted stays, and its connections are gone.
        eventually(lambda: len(server.workers()) == 2)
        os.kill(min(server.workers()), signal.SIGKILL)
        eventually(lambda: len(server.workers()) == 3)
        for _ in range(20):
            assert server.ask("REPORT", ADMIN, pair).status == 200
        eventually(lambda: told(server)[LISTED] == 40)
        eventually(lambda: told(server)["pool_connections_limit"] == 40)

        # So does what workers have counted that a reload has replaced.
        server.signal(signal.SIGHUP)
        eventually(lambda: len(server.workers()) == 5)
        eventually(lambda: told(server)["pool_connections_limit"] == 40)
        assert told(server)[LISTED] == 40
        assert directories_of(server) == {directory}
        assert server.stop() == 0

    assert not directory.exists()


def test_an_application_that_is_loaded_before_its_workers_shares_too(
    make: Make,
) -> None:
    with make("--workers", "2", "--", "--preload") as server:
        pair = new_admin(server.directory)
        for _ in range(20):
            assert server.ask("REPORT", ADMIN, pair).status == 200

        eventually(lambda: told(server)[LISTED] == 20)
        assert server.stop() == 0


def test_gates_alone_share_the_directory_that_they_are_told(
    make: Make, tmp_path: Path
) -> None:
    shared = tmp_path / "metrics"
    settings = {VARIABLE: shared}
    with (
        make("--workers", "1", **settings) as server,
        make(of=Gunicorn, **settings) as gunicorn,
        make(of=Granian, **settings) as granian,
    ):
        pair = new_admin(server.directory)
        for asked in (server, gunicorn, gunicorn, granian, granian, granian):
            assert asked.ask("GET", "/v1/auth", pair).status == 204

        eventually(lambda: told(server)[ASKED] == 6)
        assert gunicorn.ask("GET", "/metrics").status == 404
        assert [s.stop() for s in (granian, gunicorn, server)] == [0, 0, 0]

    # It is not the servers' to remove.
    assert any(shared.iterdir())


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
