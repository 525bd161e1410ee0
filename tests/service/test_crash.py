"""``kill -9`` of the whole service in the middle of its work."""

import json
import threading
import time
from pathlib import Path

from tests.service.servers import new_admin
from tests.service.servers import Pair
from tests.service.servers import run
from tests.service.servers import Server

_THREADS = 6
_ENOUGH = 60


def test_what_was_answered_is_there_after_a_crash(
    empty_url: str, tmp_path: Path
) -> None:
    settings = {"KEYSVC_DATABASE_URL": empty_url}
    server = Server(tmp_path, "--workers", "2", logs=tmp_path / "log", **settings)
    answered: list[tuple[str, Pair]] = []
    failed: list[Exception] = []
    with server:
        admin = new_admin(tmp_path, **settings)
        creators = [
            threading.Thread(target=_create, args=(server, admin, n, answered, failed))
            for n in range(_THREADS)
        ]
        for creator in creators:
            creator.start()
        end = time.monotonic() + 30
        while len(answered) < _ENOUGH and time.monotonic() < end:
            time.sleep(0.001)

        server.kill()

        for creator in creators:
            creator.join(30)
    # It fell in the middle: every thread was still at it.
    assert len(failed) == _THREADS
    assert len(answered) >= _ENOUGH

    server.start()
    try:
        for user, pair in answered:
            path = f"/v2/admin/keypairs/{user}"
            own = server.ask("GET", f"{path}/{pair[0]}?keys=isActive", pair)
            assert (own.status, own.text.strip()) == (200, '{"values":[true]}')
        again = server.ask("POST", "/v2/admin/keypairs/after/create", admin, {})
        assert again.status == 200
        assert server.stop() == 0
    finally:
        server.kill()
    verified = run("audit", "verify", "--json", directory=tmp_path, **settings)
    assert verified.returncode == 0, verified.stderr
    found = json.loads(verified.stdout)
    assert found["flaw"] is None
    # One record for each: the administrator, what was answered, the one afterwards,
    # and at most one more of each thread, done but not answered.
    assert 0 <= found["good"] - (len(answered) + 2) <= _THREADS


def _create(
    server: Server,
    admin: Pair,
    number: int,
    answered: list[tuple[str, Pair]],
    failed: list[Exception],
) -> None:
    """Create keypairs, noting each that was answered, until the server is gone."""
    user = f"user-{number}"
    try:
        while True:
            answer = server.ask(
                "POST",
                f"/v2/admin/keypairs/{user}/create",
                admin,
                {"props": {"scopes": ["keypairs:read"]}},
            )
            assert answer.status == 200, answer.text
            made = answer.json
            answered.append((user, (made["accessKey"], made["secretKey"])))
    except Exception as error:
        failed.append(error)
