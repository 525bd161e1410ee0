"""What keysvc says in a host's log, by whatever format: where, who, and no secret."""

import io
import logging
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any
from typing import NoReturn

import pytest
from flask import Flask

from keysvc.core.background import Background
from keysvc.current import EXTENSION
from keysvc.guard import require_key
from keysvc.signals import verification_refused
from keysvc.testing import client_with_key

Mount = Callable[..., Flask]
SECRET = "8Xk2QmVt5LwZr9"
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def said() -> Iterator[Callable[[], str]]:
    """Return a function that returns the host's log, with all that its records hold."""
    stream = io.StringIO()

    class Everything(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return f"{super().format(record)} {record.__dict__}"

    handler = logging.StreamHandler(stream)
    handler.setFormatter(Everything("%(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    yield stream.getvalue
    root.removeHandler(handler)
    root.setLevel(level)


def _fail(*args: Any, **kwargs: Any) -> NoReturn:
    raise ValueError(SECRET)


def test_a_fault_in_a_route_is_no_quotation(
    mounted: Mount, said: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = mounted(Flask("shop"))
    monkeypatch.setattr(host.extensions[EXTENSION].credentials, "get", _fail)
    client = client_with_key(host, "keypair", owner="alice", scopes=["*"])

    answer = client.get(
        f"/keys/organizations/acme/access-keys/{SECRET}?q={SECRET}",
        headers={"Referer": SECRET},
    )

    assert answer.status_code == 500
    assert SECRET not in answer.text
    assert "a request has failed" in said() and "in _fail" in said()
    assert "ValueError" in said()
    assert SECRET not in said()


def test_nor_is_one_in_a_guard_or_in_forward_auth(
    mounted: Mount, said: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = mounted(Flask("shop"))
    host.add_url_rule("/jobs", view_func=require_key()(lambda: "jobs"))
    client = client_with_key(host, "keypair")
    monkeypatch.setattr(host.extensions[EXTENSION].verifier, "judge", _fail)

    # Whatever is wrong inside: nobody is let in.
    for path in ("/jobs", "/keys/v1/auth"):
        assert client.get(f"{path}?scope=a:b").status_code == 503

    assert said().count("in _fail") >= 2
    assert SECRET not in said()


def test_nor_is_one_in_the_background_or_of_a_receiver(
    mounted: Mount, said: Callable[[], str]
) -> None:
    host = mounted(Flask("shop"))
    with verification_refused.connected_to(_fail, sender=host):
        refused = host.test_client().get(
            "/keys/v1/audit", headers={"Authorization": f"Bearer {SECRET}"}
        )
    background = Background("a-test", 60, _fail)
    background.start()
    background.finish()

    assert refused.status_code == 401
    assert "a receiver of verification-refused failed" in said()
    assert "a-test failed" in said()
    assert SECRET not in said()


def test_whoever_was_refused_can_be_found(
    mounted: Mount, said: Callable[[], str]
) -> None:
    host = mounted(Flask("shop"))
    client = client_with_key(host, "keypair", owner="alice", is_active=False)

    client.get("/keys/v1/audit", headers={"X-Request-ID": "r1"})
    client.get("/keys/v1/auth", headers={"X-Request-ID": "r2"})

    lines = [x for x in said().splitlines() if "keysvc.auth.refusals refused" in x]
    for line, request_id in zip(lines, ("r1", "r2"), strict=True):
        assert f"'requestId': '{request_id}'" in line
        assert "INACTIVE" in line and "'id': 'KP" in line
