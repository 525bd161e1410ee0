"""Whatever is done with a secret, no database, log or audit holds it in clear."""

import json
import os
import sqlite3
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from psycopg import sql

from tests.service.planting import plant
from tests.service.planting import send
from tests.service.planting import Sent
from tests.service.planting import USER
from tests.service.servers import eventually
from tests.service.servers import new_admin
from tests.service.servers import Pair
from tests.service.servers import run
from tests.service.servers import Server

#: What somebody has pasted into a field where no secret belongs.
PASTED = "pasted-8Xk2QmVt5LwZr9"


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
    # With the access log of gunicorn too, for whoever asks for it.
    more = ("--workers", "2", "--", "--access-logfile", "-")
    server = Server(tmp_path, *more, logs=tmp_path / "log", **settings)
    with server:
        admin = new_admin(tmp_path, **settings)
        pairs = [admin, *(_create(server, admin) for _ in range(2))]
        answers = "".join(plant(server, pair) for pair in pairs)
        said = _command(tmp_path, settings, pairs)
        sent, words = _quoting(empty_url, admin)
        failed = send(server, sent)
        assert failed.status in (500, 503), failed.text
        done = run(*words, directory=tmp_path, **settings)
        assert done.returncode == 1 and "Error: " in done.stderr
        said += done.stdout + done.stderr
        answers += failed.text + server.ask("GET", "/metrics").text
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
    for line in ("audit head", "Traceback", "Invalid request", "refused"):
        assert line in logs
    assert "http_requests_total" in planted.answers
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

    assert len(planted.secrets) == 5
    assert found == set()
    # This one lies in the database, but no exception may quote it.
    del places["database"]
    assert [place for place, said in places.items() if PASTED.encode() in said] == []


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


def _quoting(url: str, admin: Pair) -> tuple[Sent, tuple[str, ...]]:
    """Return a request, and a command, that fail with an exception that quotes."""
    if url.startswith("sqlite"):
        _execute(url, f"UPDATE keysvc_credential SET created_at = '{PASTED}'")
        asked = Sent("REPORT", "/v2/admin/keypairs/admin", admin)
        return asked, ("keypairs", "list", "admin")
    _execute(
        url,
        "CREATE FUNCTION quote() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION ''row %'', NEW; END'",
    )
    _execute(
        url,
        "CREATE TRIGGER quoting BEFORE INSERT ON keysvc_credential FOR EACH ROW"
        f" WHEN (NEW.description = '{PASTED}') EXECUTE FUNCTION quote()",
    )
    asked = Sent("POST", f"{USER}/create", admin, {"props": {"description": PASTED}})
    return asked, ("keypairs", "create", "u1", f"description={PASTED}")


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
