"""``keysvc.gate:application``: a server finds it, and it knows nothing but the gate."""

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.service import Service
from keysvc.errors import Misconfigured
from keysvc.gate.alone import Application
from keysvc.store import migrate
from keysvc.store.connection import disconnect
from tests.conftest import RING
from tests.gate.doors import basic
from tests.gate.doors import Door
from tests.gate.doors import identity
from tests.gate.doors import ONE_ENGINE
from tests.gate.doors import refusal


@pytest.fixture
def environment(
    empty_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    """Have settings in the environment alone, of a database without tables."""
    for key in Settings().environment():
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("KEYSVC_HOME", str(tmp_path))
    monkeypatch.setenv("KEYSVC_DATABASE_URL", empty_url)
    monkeypatch.setenv("KEYSVC_SECRET_KEYS", RING)
    yield
    finish_all()
    disconnect()


def application() -> Application:
    """Return what a server finds under the name."""
    found = import_module("keysvc.gate").application
    assert isinstance(found, Application)
    return found


def test_it_waits_for_its_database(environment: None) -> None:
    wsgi = application()
    service = Service(Settings.from_mapping(os.environ))
    door = Door(service, wsgi)
    assert refusal(door.ask({"X-API-Key": "ksa_x"})) == 503
    door.path = "/healthz"
    assert door.ask().status_code == 200
    door.path = "/v1/auth"

    migrate.migrate()
    service.installation.ensure_ready()

    assert identity(door.ask(basic(door.issue())))


@ONE_ENGINE
def test_a_wrong_setting_stops_the_start(
    environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYSVC_FORWARDED", "forwarded")

    with pytest.raises(Misconfigured, match="KEYSVC_FORWARDED"):
        application()


@ONE_ENGINE
def test_another_ring_stops_the_start(
    environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    application()
    migrate.migrate()
    Service(Settings.from_mapping(os.environ)).installation.ensure_ready()
    monkeypatch.setenv("KEYSVC_SECRET_KEYS", "x" * 40)

    with pytest.raises(Misconfigured, match="ring"):
        application()


def test_nothing_else_has_a_name_there() -> None:
    assert not hasattr(import_module("keysvc.gate"), "applications")
