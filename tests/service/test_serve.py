"""``keysvc serve``: from an empty directory to a service that stops well."""

import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import RING
from tests.service.servers import BIN
from tests.service.servers import environment
from tests.service.servers import eventually
from tests.service.servers import free_port
from tests.service.servers import KEYSVC
from tests.service.servers import new_admin
from tests.service.servers import run
from tests.service.servers import Server

ADMIN = "/v2/admin/keypairs/admin"

Make = Callable[..., Server]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Return a function that makes servers: ``make("--workers", "1", KEYSVC_X=1)``."""
    made: list[Server] = []

    def make(
        *arguments: str, directory: Path | None = None, **settings: object
    ) -> Server:
        if directory is None:
            directory = tmp_path / "empty"
            directory.mkdir(exist_ok=True)
        logs = tmp_path / f"log-{len(made)}"
        made.append(Server(directory, *arguments, logs=logs, **settings))
        return made[-1]

    yield make
    for server in made:
        server.kill()


def test_without_a_terminal_no_secret_is_told_and_nobody_made(make: Make) -> None:
    with make("--workers", "1") as server:
        home = server.directory / "instance"

        assert (home / "secret-keys").exists()
        assert (home / "keysvc.db").exists()
        assert "`keysvc init`" in server.said()
        assert not re.search(r"KP[A-Z2-7]{18}", server.said())
        assert (home / "secret-keys").read_text().strip() not in server.said()
        listed = run("keypairs", "list", "admin", "--json", directory=server.directory)
        assert json.loads(listed.stdout) == []

        # And so init makes the first one, which works at once.
        made = run("init", "--json", directory=server.directory)
        pair = json.loads(made.stdout)
        answer = server.ask("REPORT", ADMIN, (pair["accessKey"], pair["secretKey"]))
        assert answer.status == 200
        assert answer.json["paging"]["count"] == 1


def test_on_a_terminal_it_prints_a_curl_line_that_works(tmp_path: Path) -> None:
    bind = f"127.0.0.1:{free_port()}"
    with _on_a_terminal(tmp_path, "--bind", bind, "--workers", "1") as read:
        said = read("Booting worker")
        [curl] = [x.strip() for x in said.splitlines() if x.strip().startswith("curl ")]
        eventually(lambda: _curl(curl).returncode == 0)

        done = _curl(curl)

    assert re.search(r"accessKey: KP[A-Z2-7]{18}\r?\n", said)
    assert re.search(r"secretKey: [0-9A-Za-z]{40}\r?\n", said)
    assert "shown this one time" in said
    assert bind in curl
    assert json.loads(done.stdout)["paging"] == {"pages": 1, "count": 1}


def test_on_a_terminal_again_nothing_is_made(tmp_path: Path) -> None:
    new_admin(tmp_path)
    bind = f"127.0.0.1:{free_port()}"
    with _on_a_terminal(tmp_path, "--bind", bind, "--workers", "1") as read:
        said = read("Booting worker")

    assert "KP" not in said
    assert "Made a ring" not in said
    assert "Migrated" not in said


def test_a_second_start_reuses_everything(make: Make) -> None:
    with make("--workers", "1") as first:
        pair = new_admin(first.directory)
        assert first.stop() == 0
    home = first.directory / "instance"
    ring = (home / "secret-keys").read_bytes()

    with make("--workers", "1") as second:
        answer = second.ask("REPORT", ADMIN, pair)
        assert second.stop() == 0

    assert answer.status == 200
    assert answer.json["paging"]["count"] == 1
    assert (home / "secret-keys").read_bytes() == ring
    # With nothing to make, there is nothing on any stream but JSON.
    assert len(second.said().splitlines()) == len(second.lines()) > 0


def test_every_request_is_one_json_line_with_its_id(make: Make) -> None:
    with make("--workers", "2") as server:
        pair = new_admin(server.directory)
        asked = {f"request-{number}" for number in range(20)}
        for request_id in asked:
            headers = {"X-Request-ID": request_id}
            server.ask("REPORT", ADMIN, pair, headers=headers)
        own = server.ask("GET", "/nowhere").headers["X-Request-ID"]
        assert server.stop() == 0

    told = [x for x in server.lines() if x["logger"] == "keysvc.request"]
    ids = [line["requestId"] for line in told]
    assert len(ids) == len(set(ids))
    assert asked | {own} <= set(ids)
    assert {x["caller"] for x in told if x["requestId"] in asked} == {pair[0]}
    plain = [x for x in server.said().splitlines() if not x.startswith("{")]
    assert all(re.match("Made a ring|Migrated|There is no admin", x) for x in plain)


def test_a_graceful_stop_counts_every_request(engine_server: Server) -> None:
    server = engine_server
    pair = new_admin(server.directory, **server.settings)
    for _ in range(30):
        assert server.ask("REPORT", ADMIN, pair).status == 200

    assert server.stop() == 0

    shown = run(
        *("keypairs", "show", "admin", pair[0], "--json"),
        directory=server.directory,
        **server.settings,
    )
    values = json.loads(shown.stdout)
    assert values["totalQueries"] == 30
    assert values["lastUsedAt"] is not None


@pytest.fixture
def engine_server(make: Make, empty_url: str) -> Server:
    """Return a server on each engine whose counters wait for its end."""
    server = make(
        *("--workers", "2"), KEYSVC_DATABASE_URL=empty_url, KEYSVC_FLUSH_INTERVAL=3600
    )
    server.start()
    return server


def test_hup_brings_new_workers_and_loses_no_request(make: Make) -> None:
    with make("--workers", "2", KEYSVC_FLUSH_INTERVAL=3600) as server:
        pair = new_admin(server.directory)
        eventually(lambda: len(server.workers()) == 2)
        old, asked = server.workers(), 0

        server.signal(signal.SIGHUP)
        while len(server.workers()) < 4:
            assert server.ask("REPORT", ADMIN, pair).status == 200
            asked += 1
        eventually(lambda: not any(_lives(pid) for pid in old))
        assert server.ask("REPORT", ADMIN, pair).status == 200
        assert server.stop() == 0

    shown = run(
        *("keypairs", "show", "admin", pair[0], "--json"), directory=server.directory
    )
    assert json.loads(shown.stdout)["totalQueries"] == asked + 1


def test_what_follows_the_dashes_goes_to_gunicorn(make: Make, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    with make("--workers", "1", "--", "--pid", str(pid_file)) as server:
        assert int(pid_file.read_text()) == server.pid


def test_a_wrong_argument_of_gunicorn_is_told(tmp_path: Path) -> None:
    done = run("serve", "--", "--no-such-thing", directory=tmp_path)

    assert done.returncode == 2
    assert "--no-such-thing" in done.stderr


@pytest.mark.parametrize("option", ["--workers", "--threads"])
def test_less_than_one_is_refused(tmp_path: Path, option: str) -> None:
    done = run("serve", option, "0", directory=tmp_path)

    assert done.returncode == 2
    assert option in done.stderr
    assert not (tmp_path / "instance").exists()


def test_nothing_is_read_from_the_working_directory(make: Make) -> None:
    server = make("--workers", "1")
    (server.directory / "gunicorn.conf.py").write_text("raise SystemExit(7)")
    with server:
        assert server.ask("GET", "/healthz").status == 200


def test_it_starts_where_nothing_can_be_written(make: Make, tmp_path: Path) -> None:
    directory = _unwritable(tmp_path)
    with pytest.raises(OSError):
        (directory / "probe").mkdir()
    home = tmp_path / "elsewhere" / "home"

    with make("--workers", "1", directory=directory, KEYSVC_HOME=home) as server:
        pair = new_admin(directory, KEYSVC_HOME=home)
        assert server.ask("REPORT", ADMIN, pair).status == 200
        assert server.stop() == 0

    assert {p.name for p in home.iterdir()} >= {"keysvc.db", "secret-keys"}


def test_where_nothing_can_be_written_a_home_is_asked_for(tmp_path: Path) -> None:
    done = run("serve", directory=_unwritable(tmp_path))

    assert done.returncode == 1
    assert "KEYSVC_HOME" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("KEYSVC_POOL_SIZE", "none"),
        ("KEYSVC_DATABASE_URL", "mysql://h/n"),
        ("KEYSVC_SECRET_KEYS", "short"),
    ],
)
def test_a_bad_setting_stops_the_start(tmp_path: Path, key: str, value: str) -> None:
    done = run("serve", directory=tmp_path, **{key: value})

    assert done.returncode == 1
    [line] = [x for x in done.stderr.splitlines() if x.startswith("Error: ")]
    assert key in line
    assert "Traceback" not in done.stderr


def test_a_foreign_ring_stops_the_start(tmp_path: Path) -> None:
    new_admin(tmp_path)

    done = run("serve", directory=tmp_path, KEYSVC_SECRET_KEYS=RING)

    assert done.returncode == 1
    assert "belongs to another ring" in done.stderr
    assert RING not in done.stderr


_HOST = """
from flask import Flask
from keysvc import KeyService

app = Flask("host")
app.config["KEYSVC_HOME"] = {home!r}
app.config["KEYSVC_SECRET_KEYS"] = {ring!r}
app.config["KEYSVC_ACCESS_LOG"] = False
KeyService(app)
"""


def test_what_a_host_has_set_reaches_the_workers(tmp_path: Path) -> None:
    home = tmp_path / "home-of-host"
    host = _HOST.format(home=str(home), ring=RING)
    (tmp_path / "app.py").write_text(host)
    server = _FlaskServer(tmp_path, "--workers", "1", logs=tmp_path / "log")
    with server:
        pair = new_admin(tmp_path, KEYSVC_HOME=home, KEYSVC_SECRET_KEYS=RING)
        assert server.ask("REPORT", ADMIN, pair).status == 200
        arguments = Path(f"/proc/{server.pid}/cmdline")
        if arguments.exists():
            assert RING not in arguments.read_text()
        assert server.stop() == 0

    assert not (tmp_path / "instance").exists()
    assert not (home / "secret-keys").exists()
    assert "keysvc.request" not in server.said()


class _FlaskServer(Server):
    """``flask --app app keysvc serve``."""

    command = (str(BIN / "flask"), "--app", "app", "keysvc")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _unwritable(tmp_path: Path) -> Path:
    """Return a directory where not even root can write."""
    if os.geteuid() == 0:
        return Path("/proc")
    directory = tmp_path / "read-only"
    directory.mkdir(mode=0o555, exist_ok=True)
    return directory


def _curl(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=30
    )


@contextmanager
def _on_a_terminal(directory: Path, *arguments: str) -> Iterator[Callable[[str], str]]:
    """Run ``keysvc serve`` on a terminal; yield what reads it up to some words."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [KEYSVC, "serve", *arguments],
        cwd=directory,
        env=environment(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    said = b""

    def read(until: str) -> str:
        nonlocal said
        while until.encode() not in said:
            try:
                said += os.read(ours, 65536)
            except OSError as error:
                raise AssertionError(said.decode()) from error
        return said.decode()

    try:
        yield read
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(ours)
