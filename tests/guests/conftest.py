"""Applications that somebody else wrote, over each engine; and a keysvc beside them."""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from keysvc import KeyService
from keysvc.core.background import finish_all
from keysvc.model import Issued
from keysvc.store.connection import disconnect
from keysvc.testing import issue_key

#: Makes a key: ``new_key("api_key", scopes=["jobs:run"])``.
NewKey = Callable[..., Issued]


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve *app* over HTTP, and yield its URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def mounted(config: dict[str, Any]) -> Iterator[Callable[..., Flask]]:
    """Return a function that mounts keysvc in a host: ``mounted(host, "/keys")``."""

    def mount(host: Flask, url_prefix: str | None = "/keys") -> Flask:
        host.config.update(config)
        KeyService(host, url_prefix=url_prefix)
        return host

    yield mount
    finish_all()
    disconnect()


@pytest.fixture
def new_key(app: Flask) -> NewKey:
    """Return a function that issues keys in the key store of this test."""

    def new_key(kind: str = "keypair", **draft: Any) -> Issued:
        return issue_key(app, kind, **{"owner": "alice", **draft})

    return new_key


def _local(app: Flask, config: dict[str, Any]) -> Iterator[Flask]:
    host = Flask("shop")
    host.config.update(config)
    KeyService(host, url_prefix=None)
    yield host


def _remote(app: Flask, config: dict[str, Any]) -> Iterator[Flask]:
    asker = issue_key(app, "access_key", scopes=["verify", "realm:any"])
    with served(app) as url:
        host = Flask("shop")
        host.config.update(KEYSVC_URL=url, KEYSVC_TOKEN=asker.secret)
        KeyService(host, url_prefix=None)
        yield host


_WAYS = {"local": _local, "remote": _remote}


@pytest.fixture(params=_WAYS)
def host(
    request: pytest.FixtureRequest, app: Flask, config: dict[str, Any]
) -> Iterator[Flask]:
    """Return a host that verifies in process, and one that asks over HTTP."""
    yield from _WAYS[request.param](app, config)
