"""The bound: a second after the answer, no worker accepts what was revoked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.revocation.__main__ import HEADER
from benchmarks.revocation.__main__ import line_of
from benchmarks.revocation.asking import lags
from benchmarks.revocation.asking import WORKERS
from benchmarks.revocation.cases import CASES
from benchmarks.revocation.cases import House
from tests.service.servers import new_admin
from tests.service.servers import Server

#: Seconds. The one time that tests hold anything to: the contract promises it.
BOUND = 1.0


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[tuple[House, int]]:
    settings = {"KEYSVC_HOME": tmp_path / "home", "KEYSVC_DATABASE_URL": database_url}
    pair = new_admin(tmp_path, **settings)
    workers = ("--workers", str(WORKERS))
    with Server(tmp_path, *workers, logs=tmp_path / "log", **settings) as server:
        yield House(server.port, pair), server.pid


def test_no_worker_accepts_what_was_revoked_a_second_ago(
    server: tuple[House, int], engine: str
) -> None:
    house, master = server
    print(f"\n{engine}\n{HEADER}")
    for name in CASES:
        found = lags(house, master, name)
        print(line_of(name, found))
        assert len(found) == WORKERS
        assert max(found) <= BOUND, name
