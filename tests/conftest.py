"""One application per test, on an empty database of each engine; actors that ask it."""

import shutil
from base64 import b64encode
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from keysvc import create_app
from keysvc.commands.group import operator
from keysvc.core.background import finish_all
from keysvc.core.service import Service
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store import migrate
from keysvc.store.connection import connect
from keysvc.store.connection import disconnect
from tests import databases

RING = "an old key of at least thirty-two bytes"

Tenant = Callable[..., "Client"]


class Client(FlaskClient):
    """A client that can say REPORT, and may carry a keypair."""

    def report(self, path: str, **kwargs: Any) -> TestResponse:
        return self.open(path, method="REPORT", **kwargs)

    def carrying(self, access_key: str, secret_key: str) -> "Client":
        pair = b64encode(f"{access_key}:{secret_key}".encode()).decode()
        self.environ_base["HTTP_AUTHORIZATION"] = f"Basic {pair}"
        return self


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Return the address of a PostgreSQL server: a given one, or our own."""
    with databases.server() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated SQLite database, to be copied."""
    path = tmp_path_factory.mktemp("template") / "keysvc.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> Iterator[str]:
    """Return the name of a migrated PostgreSQL database, to be copied."""
    with databases.fresh(postgres) as url:
        _migrate(url)
        yield databases.name_of(url)


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """Return which engine the test runs on; it runs on each."""
    return str(request.param)


@pytest.fixture
def empty_url(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """Return the address of a database without any table."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    with databases.fresh(request.getfixturevalue("postgres")) as url:
        yield url


@pytest.fixture
def database_url(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """Return the address of a migrated, empty database."""
    if engine == "sqlite":
        path = tmp_path / "keysvc.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    template = request.getfixturevalue("postgres_template")
    with databases.fresh(request.getfixturevalue("postgres"), template) as url:
        yield url


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> dict[str, Any]:
    """Return the settings of the application under test."""
    return {
        "KEYSVC_HOME": str(tmp_path / "home"),
        "KEYSVC_DATABASE_URL": database_url,
        "KEYSVC_SECRET_KEYS": RING,
        # The cheapest: nobody guesses here.
        "KEYSVC_PASSWORD_COST": 4,
    }


@pytest.fixture
def app(config: dict[str, Any]) -> Iterator[Flask]:
    """Return the application under test."""
    app = create_app(config)
    app.test_client_class = Client
    yield app
    finish_all()
    disconnect()


@pytest.fixture
def service(app: Flask) -> Service:
    """Return the core of the application under test."""
    service: Service = app.extensions["keysvc"]
    return service


@pytest.fixture
def issue(service: Service) -> Callable[..., Issued]:
    """Return a function that issues a keypair: ``issue("alice", scopes=(...))``."""

    def issue(user: str = "alice", **draft: Any) -> Issued:
        owner = Owner(OwnerKind.USER, user)
        return service.credentials.issue(
            operator(), Kind.KEYPAIR, owner, Draft(**draft)
        )

    return issue


@pytest.fixture
def stranger(app: Flask) -> Client:
    """Return a client without any credential."""
    client = app.test_client()
    assert isinstance(client, Client)
    return client


@pytest.fixture
def tenant(app: Flask, issue: Callable[..., Issued]) -> Tenant:
    """Return a function that makes clients: ``tenant("alice", "keypairs:read")``."""

    def tenant(user: str, *scopes: str, **draft: Any) -> Client:
        issued = issue(user, scopes=scopes, **draft)
        client = app.test_client()
        assert isinstance(client, Client)
        return client.carrying(issued.credential.public_id, issued.secret)

    return tenant


@pytest.fixture
def admin(tenant: Tenant) -> Client:
    """Return a client that may do everything."""
    return tenant("admin", "*")


def _migrate(url: str) -> None:
    connect(url, pool_size=2, pool_timeout=5)
    migrate.migrate()
    disconnect()
