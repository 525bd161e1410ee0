"""Whatever is done with a secret, no database, log or audit holds it in clear."""

import json
import os
import socket
import sqlite3
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from tests.service.servers import eventually
from tests.service.servers import new_admin
from tests.service.servers import Pair
from tests.service.servers import run
from tests.service.servers import Server

USER = "/v2/admin/keypairs/u1"


class Planted(NamedTuple):
    """A server, all the secrets that were given to it, and what it said to commands."""

    server: Server
    secrets: set[str]
    said: str
    answers: str


@pytest.fixture
def planted(empty_url: str, tmp_path: Path) -> Iterator[Planted]:
    """Give secrets to a service in every place where a client can put them."""
    settings = {
        "KEYSVC_DATABASE_URL": empty_url,
        "KEYSVC_LOG_LEVEL": "DEBUG",
        "KEYSVC_FLUSH_INTERVAL": 0.2,
        "KEYSVC_AUDIT_HEAD_INTERVAL": 0.2,
    }
    server = Server(tmp_path, "--workers", "2", logs=tmp_path / "log", **settings)
    with server:
        admin = new_admin(tmp_path, **settings)
        pairs = [admin, *(_create(server, admin) for _ in range(3))]
        answers = "".join(_misplace(server, admin, pair) for pair in pairs)
        said = _command(tmp_path, settings, pairs)
        _break(empty_url)
        failed = server.ask("POST", f"{USER}/create", admin, {})
        assert failed.status == 500, failed.text
        _break_more(empty_url)
        assert server.ask("REPORT", USER, admin).status == 503
        eventually(lambda: "Traceback" in server.said())
        assert server.stop() == 0
        ring = (tmp_path / "instance" / "secret-keys").read_text().split()
        assert len(ring) == 2
        secrets = {secret for _, secret in pairs} | set(ring)
        yield Planted(server, secrets, said, answers + failed.text)


def test_no_secret_is_anywhere(planted: Planted, empty_url: str) -> None:
    kept = _dump(empty_url)
    # The dump is one: it holds what it should.
    assert b"u1" in kept and b"credential.create" in kept
    logs = planted.server.said()
    assert "audit head" in logs and "Traceback" in logs and "Invalid request" in logs
    places = {
        "database": kept,
        "logs": logs.encode(),
        "commands": planted.said.encode(),
        "answers": planted.answers.encode(),
    }

    found = {
        (place, secret[:4])
        for place, content in places.items()
        for secret in planted.secrets
        for form in _forms(secret)
        if form in content
    }

    assert len(planted.secrets) == 6
    assert found == set()


def _forms(secret: str) -> set[bytes]:
    """Return *secret* as it may be written: in clear, in hexadecimal, in base64."""
    raw = secret.encode()
    # At each of three offsets base64 writes the inner bytes otherwise.
    inner = {b64encode(b"\0" * n + raw)[4:-4] for n in range(3)}
    return {raw, raw.hex().encode(), *inner}


def _create(server: Server, admin: Pair) -> Pair:
    props = {"scopes": ["keypairs:read", "keypairs:write"]}
    made = server.ask("POST", f"{USER}/create", admin, {"props": props}).json
    return made["accessKey"], made["secretKey"]


def _misplace(server: Server, admin: Pair, pair: Pair) -> str:
    """Send the secret everywhere but where it belongs; return what was answered."""
    access, secret = pair
    bearer = {"Authorization": f"Bearer {secret}"}
    turned = (secret, access)
    wrong = (access, secret[:-1] + ("a" if secret[-1] != "a" else "b"))
    unknown = ("KP" + "A" * 18, secret)
    answers = [
        server.ask("REPORT", USER, pair),
        server.ask("REPORT", USER, turned),
        server.ask("REPORT", USER, wrong),
        server.ask("REPORT", USER, unknown),
        server.ask("REPORT", USER, headers=bearer),
        server.ask("REPORT", USER, headers={"Authorization": secret}),
        server.ask("REPORT", USER, headers={"Authorization": f"Basic {secret}"}),
        server.ask(
            "REPORT", USER, pair, headers={"X-Request-ID": f"{secret} {secret}"}
        ),
        server.ask("POST", USER, pair, headers={"X-Method-Override": secret}),
        server.ask(secret, USER, pair),
        server.ask("REPORT", f"{USER}?secret={secret}", pair),
        server.ask("GET", f"{USER}/{secret}?keys=isActive", pair),
        server.ask("GET", f"/{quote(secret)}", pair),
        server.ask("DELETE", f"{USER}/{secret}", pair),
        server.ask("POST", f"{USER}/create", pair, f"{{{secret}".encode()),
        server.ask("POST", f"{USER}/create", wrong, {"secretKey": secret}),
        server.ask("GET", f"/v1/audit?pageToken={secret}", admin),
        server.ask("POST", "/v1/leaks", admin, {"tokens": [":".join(wrong), secret]}),
        server.ask("POST", "/v1/leaks", admin, {"tokens": [f"{access}:{secret}", 1]}),
        server.ask("POST", "/v1/leaks", admin, {"tokens": {secret: secret}}),
    ]
    assert {answer.status for answer in answers} >= {200, 400, 401, 404, 405}
    # A field's wrong value may be told to whom it came from, so these are not kept.
    for body in ({"props": {"scopes": [secret]}}, {secret: 1}, {"props": secret}):
        assert server.ask("POST", f"{USER}/create", pair, body).status == 400
    for line in (
        f"GET /{secret} and more HTTP/1.1",
        f"GET / HTTP/1.1\r\nAuthorization Basic {secret}",
        f"GET / HTTP/1.1\r\nHost: a\r\n {secret}",
        f"GET / HTTP/1.1\r\n{secret}@: a",
        f"{secret}@ / HTTP/1.1",
        f"GET / HTTP/{secret}",
        f"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {secret}",
    ):
        _send_raw(server, line)
    # Of a method that it does not know gunicorn tells its sender alone.
    told = [a for a in answers if a.headers.get("Content-Type") != "text/html"]
    return "".join(f"{dict(answer.headers)}{answer.text}" for answer in told)


def _send_raw(server: Server, line: str) -> None:
    """Send what is no HTTP request, and wait until it is refused."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        sock.sendall(f"{line}\r\n\r\n".encode())
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(4096):
            pass


def _command(directory: Path, settings: dict[str, object], pairs: list[Pair]) -> str:
    """Run every command that tells of keypairs or keys; return what they said."""
    access = pairs[1][0]
    (directory / "leaked").write_text("\n".join(map(":".join, pairs[1:])))
    commands = (
        ("keypairs", "list", "u1"),
        ("keypairs", "show", "u1", access, "--json"),
        ("keypairs", "update", "u1", access, "description=x"),
        ("keypairs", "show", "u1", "KPNONE"),
        ("secrets", "rotate"),
        ("secrets", "reseal"),
        ("secrets", "list", "--json"),
        ("audit", "verify", "--json"),
        ("scan", "--revoke", "leaked"),
        ("scan", "--json", "leaked"),
        ("keypairs", "delete", "u1", access, "--yes"),
    )
    done = [run(*words, directory=directory, **settings) for words in commands]
    # Something was not there; something was found; nothing else is amiss.
    assert [d.returncode for d in done] == [0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0]
    return "".join(d.stdout + d.stderr for d in done)


def _execute(url: str, statement: str) -> None:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        with connection:
            connection.execute(statement)
        connection.close()
    else:
        with psycopg.connect(url) as connected:
            connected.execute(statement.encode())


def _break(url: str) -> None:
    """Make the next record collide with an older one."""
    _execute(url, "UPDATE keysvc_audit_head SET seq = 0")


def _break_more(url: str) -> None:
    """Leave a table where none looks for it; its content stays."""
    _execute(url, "ALTER TABLE keysvc_credential RENAME TO keysvc_lost")


def _dump(url: str) -> bytes:
    """Return all that the database holds: raw files, or every row of every table."""
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        files = (path, path + "-wal", path + "-shm")
        return b"".join(Path(f).read_bytes() for f in files if os.path.exists(f))
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        assert len(tables) >= 5
        rows = [
            connection.execute(
                sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))
            ).fetchall()
            for (name,) in tables
        ]
    return json.dumps(rows, default=str, ensure_ascii=False).encode()
