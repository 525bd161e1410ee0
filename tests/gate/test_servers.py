"""``keysvc.gate:application`` under gunicorn and under granian: the same answers."""

import socket
from collections.abc import Iterator
from datetime import datetime
from datetime import UTC
from pathlib import Path
from typing import Any
from typing import NamedTuple

import pytest

from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.service import Service
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.store.connection import disconnect
from tests.api.signer import signer_of
from tests.gate.doors import basic
from tests.gate.doors import bearer
from tests.gate.doors import Door
from tests.gate.doors import Headers
from tests.gate.doors import x_api_key
from tests.gate.servers import Granian
from tests.gate.servers import Gunicorn
from tests.service.servers import eventually
from tests.service.servers import Server

#: What each server says of itself and of the connection.
_OF_THE_SERVER = {"server", "date", "connection", "transfer-encoding"}


SERVERS = {"gunicorn": Gunicorn, "granian": Granian}


@pytest.fixture
def house(config: dict[str, Any]) -> Iterator[Door]:
    """Return a service that issues what the servers are asked about."""
    service = Service(Settings.from_mapping(config))
    service.ensure_ready()
    yield Door(service, None)
    finish_all()
    disconnect()


@pytest.fixture
def settings(config: dict[str, Any]) -> dict[str, Any]:
    return config | {"KEYSVC_FORWARDED": "x-original"}


class Said(NamedTuple):
    """An answer without what the server adds."""

    status: int
    headers: dict[str, str]
    text: str


def ask(server: Server, headers: Headers, query: str = "", method: str = "GET") -> Said:
    answer = server.ask(method, f"/v1/auth{query}", headers=headers)
    kept = {
        name.lower(): value
        for name, value in answer.headers.items()
        if name.lower() not in _OF_THE_SERVER
    }
    # Some say it of an empty answer too.
    if answer.status == 204 or not answer.text:
        kept.pop("content-length", None)
    return Said(answer.status, kept, answer.text)


def _signed(issued: Issued, target: str = "/jobs?a=%2F") -> Headers:
    signer = signer_of(issued, datetime.now(UTC).isoformat()).but(host="api.example")
    return signer.headers("GET", target) | {
        "X-Original-Method": "GET",
        "X-Original-URI": "/jobs?a=%2F",
        "X-Original-Host": "api.example",
        "Host": "keysvc",
    }


def test_both_say_the_same(
    house: Door, settings: dict[str, Any], tmp_path: Path
) -> None:
    pair, key = house.issue("älice", scopes=("a:b",)), house.issue_key()
    local = house.issue_key(allowed_ips=("203.0.113.0/24",))
    spent = house.issue(remaining=0)
    questions: dict[str, tuple[int, tuple[Any, ...]]] = {
        "keypair": (204, (basic(pair),)),
        "key": (204, (bearer(key),)),
        "x-api-key": (204, (x_api_key(key),)),
        "scope": (204, (basic(pair), "?scope=a%3Ab")),
        "head": (204, (basic(pair), "", "HEAD")),
        "signed": (204, (_signed(pair),)),
        "signed for another": (401, (_signed(pair, "/jobs"),)),
        "address": (204, (x_api_key(local) | {"X-Original-For": "203.0.113.9"},)),
        "no address": (403, (x_api_key(local),)),
        "spoofed": (403, (x_api_key(local) | {"X-Forwarded-For": "203.0.113.9"},)),
        "nobody": (401, ({},)),
        "nobody, head": (401, ({}, "", "HEAD")),
        "garbage": (401, ({"Authorization": "Bearer \xe9\xff"},)),
        "malformed": (401, ({"Authorization": "Basic %"},)),
        "no scope": (403, (basic(pair), "?scope=other")),
        "wrong question": (400, (basic(pair), "?scop=a:b")),
        "wrong method": (405, (basic(pair), "", "POST")),
        "spent": (429, (basic(spent),)),
    }
    said: dict[str, dict[str, Said]] = {}
    for name, server in SERVERS.items():
        with server(tmp_path, logs=tmp_path / name, **settings) as running:
            said[name] = {q: ask(running, *how) for q, (_, how) in questions.items()}
            nothing = running.ask("GET", "/v1/audit")
            assert nothing.status == 404, nothing

    assert said["gunicorn"] == said["granian"]
    statuses = {question: answer.status for question, answer in said["granian"].items()}
    assert statuses == {question: status for question, (status, _) in questions.items()}
    assert said["granian"]["keypair"].headers["x-keysvc-owner"] == "%C3%A4lice"


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
def test_a_head_leaves_the_connection_as_it_was(
    house: Door, settings: dict[str, Any], server: type[Server], tmp_path: Path
) -> None:
    refused = b"HEAD /v1/auth HTTP/1.1\r\nHost: h\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    with (
        server(tmp_path, logs=tmp_path / "log", **settings) as running,
        socket.create_connection(("127.0.0.1", running.port), 10) as wire,
    ):
        wire.sendall(refused + last)
        came = b"".join(iter(lambda: wire.recv(4096), b""))

    head, first, second = came.split(b"HTTP/1.1 ")
    assert head == b""
    assert first.startswith(b"401") and first.endswith(b"\r\n\r\n")
    assert second.startswith(b"200") and second.endswith(b'{"status":"ok"}')


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
def test_what_was_counted_is_written_at_the_end(
    house: Door, settings: dict[str, Any], server: type[Server], tmp_path: Path
) -> None:
    issued = house.issue()
    credential = issued.credential
    never = settings | {"KEYSVC_FLUSH_INTERVAL": 3600}

    with server(tmp_path, logs=tmp_path / "log", **never) as running:
        assert [ask(running, basic(issued)).status for _ in range(3)] == [204] * 3
        assert running.stop() == 0

    found = house.service.credentials.get(
        operator(), Kind.KEYPAIR, credential.owner, credential.public_id
    )
    assert found.total_queries == 3


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
def test_who_is_revoked_is_out(
    house: Door, settings: dict[str, Any], server: type[Server], tmp_path: Path
) -> None:
    issued = house.issue()
    credential = issued.credential
    with server(tmp_path, logs=tmp_path / "log", **settings) as running:
        assert ask(running, basic(issued)).status == 204
        house.service.credentials.delete(
            operator(), Kind.KEYPAIR, credential.owner, credential.public_id
        )
        eventually(lambda: ask(running, basic(issued)).status == 401, 5)
