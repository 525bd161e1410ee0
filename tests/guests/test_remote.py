"""A host that asks another keysvc: what it does when that one does not answer."""

import json
import os
import socket
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import ExitStack
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from werkzeug import Request
from werkzeug import Response

from keysvc import KeyService
from keysvc.errors import Misconfigured
from keysvc.guard import require_key
from keysvc.model import Code
from keysvc.signals import verification_refused
from keysvc.testing import issue_key
from tests.guests.conftest import served

TOKEN = "ksa_" + "x" * 54


def guarded(url: str, token: str = TOKEN, **settings: Any) -> Flask:
    """Return a host that asks the keysvc at *url*."""
    host = Flask("shop")
    host.config.update(KEYSVC_URL=url, KEYSVC_TOKEN=token, **settings)
    KeyService(host, url_prefix=None)
    host.get("/mine")(require_key()(lambda: "mine"))
    return host


def status(host: Flask) -> int:
    answer = host.test_client().get("/mine", headers={"X-API-Key": "ksa_presented"})
    if answer.status_code == 503:
        assert answer.headers["Retry-After"] == "1"
    return answer.status_code


def answering(answer: Callable[[Request], Response]) -> Any:
    """Serve *answer* as if it were a keysvc."""
    return served(Request.application(answer))  # type: ignore[arg-type]


GOOD = {
    "valid": True,
    "code": "VALID",
    "kind": "api_key",
    "id": "1",
    "owner": {"kind": "service_account", "id": "2"},
    "name": "ci",
    "scopes": ["jobs:run"],
    "roleIds": [],
    "expiresAt": None,
    "remaining": None,
    "resetAt": None,
}


@pytest.mark.parametrize(
    ("code", "body", "status_of_host"),
    [
        (200, json.dumps(GOOD), 200),
        (200, json.dumps(GOOD | {"valid": False}), 503),
        (200, json.dumps(GOOD | {"code": "UNKNOWN"}), 503),
        (200, json.dumps(GOOD | {"code": "SPLENDID"}), 503),
        (200, json.dumps(GOOD | {"owner": None}), 503),
        (200, json.dumps({"valid": True}), 503),
        (200, "true", 503),
        (200, "<html>", 503),
        (200, "", 503),
        (204, "", 503),
        (302, "", 503),
        (401, "", 503),
        (403, "", 503),
        (404, "", 503),
        (413, "", 503),
        (422, "", 503),
        (422, json.dumps({"errors": {"token": ["Too long."]}}), 401),
        (422, json.dumps({"errors": {"signed.target": ["Too long."]}}), 401),
        (422, json.dumps({"errors": {"kinds": ["Unknown field."]}}), 503),
        (422, json.dumps({"errors": {"token": ["x"], "scopes": ["x"]}}), 503),
        (422, json.dumps({"errors": None}), 503),
        (429, "", 503),
        (500, "", 503),
        (503, "", 503),
    ],
)
def test_only_one_answer_lets_in(code: int, body: str, status_of_host: int) -> None:
    asked = []

    def answer(request: Request) -> Response:
        asked.append(request.path)
        return Response(body, code, {"Location": "/elsewhere"}, mimetype="text/plain")

    with answering(answer) as url:
        assert status(guarded(f"{url}/keys")) == status_of_host
    assert asked == ["/keys/v1/verify"]


def test_what_is_asked() -> None:
    asked: list[tuple[Any, ...]] = []

    def answer(request: Request) -> Response:
        asked.append((request.method, request.headers["Authorization"], request.json))
        return Response(json.dumps(GOOD), mimetype="application/json")

    with answering(answer) as url:
        host = guarded(url)
        host.get("/jobs", endpoint="jobs")(
            require_key("api_key", scopes=["jobs:run"], cost=3)(lambda: "jobs")
        )
        said = host.test_client().get("/jobs", headers={"X-API-Key": "ksa_presented"})
    assert said.text == "jobs"
    assert asked == [
        (
            "POST",
            f"Bearer {TOKEN}",
            {
                "token": "ksa_presented",
                "ip": "127.0.0.1",
                "scopes": ["jobs:run"],
                "kinds": ["api_key"],
                "cost": 3,
            },
        )
    ]


@contextmanager
def _silent() -> Iterator[str]:
    """Listen, and never say a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def _closing() -> Iterator[tuple[str, list[bytes]]]:
    """Take what is said, and hang up."""
    heard: list[bytes] = []

    def hang_up(listener: socket.socket) -> None:
        with ExitStack() as stack:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                stack.enter_context(peer)
                heard.append(peer.recv(65536))
                peer.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=hang_up, args=[listener], daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
        listener.shutdown(socket.SHUT_RDWR)


def test_silence_is_503() -> None:
    with _silent() as url:
        assert status(guarded(url, KEYSVC_URL_TIMEOUT=0.2)) == 503


def test_a_closed_port_is_503() -> None:
    with _silent() as url:
        pass
    assert status(guarded(url)) == 503


def test_what_was_sent_is_not_sent_again() -> None:
    """It may have been counted."""
    with _closing() as (url, heard):
        assert status(guarded(url)) == 503
        assert len(heard) == 1


def test_a_connection_that_could_not_be_made_is_tried_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = []
    connect = socket.socket.connect

    def fail_first(self: socket.socket, address: Any) -> None:
        tried.append(address)
        if len(tried) == 1:
            raise ConnectionRefusedError
        connect(self, address)

    with answering(lambda request: Response(json.dumps(GOOD))) as url:
        host = guarded(url)
        monkeypatch.setattr(socket.socket, "connect", fail_first)
        assert status(host) == 200
    assert len(tried) == 2


def test_connections_are_kept_and_no_fork_talks_on_its_parents() -> None:
    peers = []

    def answer(request: Request) -> Response:
        peers.append(request.environ["REMOTE_PORT"])
        return Response(json.dumps(GOOD))

    with answering(answer) as url:
        host = guarded(url)
        assert [status(host), status(host)] == [200, 200]
        child = os.fork()
        if child == 0:
            os._exit(0 if status(host) == 200 else 1)
        assert os.waitpid(child, 0)[1] == 0
    assert len({*peers}) >= 2


def test_what_is_not_demanded_is_not_said() -> None:
    asked: list[Any] = []

    def answer(request: Request) -> Response:
        asked.append(request.json)
        return Response(json.dumps(GOOD), mimetype="application/json")

    with answering(answer) as url:
        assert status(guarded(url)) == 200
    assert asked == [{"token": "ksa_presented", "ip": "127.0.0.1", "cost": 1}]


def test_credentials_that_go_in_clear_are_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    guarded("http://127.0.0.1:1")
    guarded("https://keys.example.com")
    assert caplog.text == ""
    guarded("http://keys.example.com")
    assert "in clear" in caplog.text


def test_nothing_presented_is_not_asked_about() -> None:
    with _silent() as url:
        assert guarded(url).test_client().get("/mine").status_code == 401


def test_no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with _silent() as url:
        pass
    caplog.set_level("DEBUG")
    assert status(guarded(url)) == 503
    assert "cannot be asked" in caplog.text
    assert "ksa_" not in caplog.text


def test_refusals_are_heard_of(app: Flask) -> None:
    asker = issue_key(app, scopes=["verify", "realm:any"])
    heard: list[dict[str, Any]] = []
    with served(app) as url:
        host = guarded(url, asker.secret)

        def hear(sender: Flask, **said: Any) -> None:
            heard.append(said)

        with verification_refused.connected_to(hear, sender=host):
            assert status(host) == 401
    assert heard == [{"code": Code.UNKNOWN, "kind": None, "id": None, "owner": None}]


def test_a_token_that_may_not_ask_lets_nobody_in(app: Flask) -> None:
    with served(app) as url:
        assert status(guarded(url, issue_key(app).secret)) == 503


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"KEYSVC_URL": "keys.example.com"}, "KEYSVC_URL"),
        ({"KEYSVC_URL": "ftp://keys.example.com"}, "KEYSVC_URL"),
        ({"KEYSVC_URL": "https://"}, "KEYSVC_URL"),
        ({"KEYSVC_URL": "https://user:pw@keys.example.com"}, "KEYSVC_URL"),
        ({"KEYSVC_URL": "https://keys.example.com?a=b"}, "KEYSVC_URL"),
        ({"KEYSVC_URL": "https://keys.example.com:x"}, "KEYSVC_URL"),
        ({"KEYSVC_URL": "https://[::1"}, "KEYSVC_URL"),
        ({"KEYSVC_URL": "https://k", "KEYSVC_TOKEN": ""}, "KEYSVC_TOKEN"),
        ({"KEYSVC_URL": "https://k", "KEYSVC_TOKEN": "a\nb"}, "KEYSVC_TOKEN"),
        ({"KEYSVC_URL": "https://k", "KEYSVC_URL_TIMEOUT": 0}, "KEYSVC_URL_TIMEOUT"),
        (
            {"KEYSVC_URL": "https://k", "KEYSVC_DATABASE_URL": "sqlite:////x"},
            "KEYSVC_DATABASE_URL",
        ),
    ],
)
def test_settings_that_cannot_be_right(settings: dict[str, Any], word: str) -> None:
    host = Flask("shop")
    host.config.update({"KEYSVC_TOKEN": TOKEN} | settings)
    with pytest.raises(Misconfigured, match=word):
        KeyService(host, url_prefix=None)


def test_over_there_nothing_can_be_mounted_here() -> None:
    host = Flask("shop")
    host.config.update(KEYSVC_URL="https://keys.example.com", KEYSVC_TOKEN=TOKEN)
    with pytest.raises(Misconfigured, match="url_prefix=None"):
        KeyService(host, url_prefix="/keys")
    KeyService(host, url_prefix=None)
    assert "keysvc" not in host.cli.commands
