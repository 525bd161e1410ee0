"""The gate, by every door: in the service, in a guest, and alone."""

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from keysvc import create_app
from keysvc import KeyService
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.service import Service
from keysvc.gate.alone import Application
from keysvc.store.connection import disconnect
from tests.gate.doors import Door


def _in_the_service(config: dict[str, Any]) -> Door:
    app = create_app(config)
    return Door(app.extensions["keysvc"], app)


def _in_a_guest(config: dict[str, Any]) -> Door:
    host = Flask("host")
    host.config.update(config)
    KeyService(host, url_prefix="/keys")
    return Door(host.extensions["keysvc"], host, "/keys/v1/auth")


def _alone(config: dict[str, Any]) -> Door:
    service = Service(Settings.from_mapping(config))
    return Door(service, Application(service))


DOORS = {"service": _in_the_service, "guest": _in_a_guest, "alone": _alone}


@pytest.fixture
def settings() -> dict[str, Any]:
    """Return what this test's gate is set to, beside where its database is."""
    return {}


@pytest.fixture(params=DOORS)
def door(
    request: pytest.FixtureRequest, config: dict[str, Any], settings: dict[str, Any]
) -> Iterator[Door]:
    """Return one way to reach the gate; the test runs for each."""
    yield from _opened(DOORS[request.param], config | settings)


@pytest.fixture
def alone(config: dict[str, Any], settings: dict[str, Any]) -> Iterator[Door]:
    """Return the gate alone: for what has nothing to do with the door."""
    yield from _opened(_alone, config | settings)


def _opened(
    make: Callable[[dict[str, Any]], Door], config: dict[str, Any]
) -> Iterator[Door]:
    door = make(config)
    door.service.ensure_ready()
    yield door
    finish_all()
    disconnect()
