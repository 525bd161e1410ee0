"""
A kit for the tests of hosts: a key store in memory, and clients that carry a key.

    @pytest.fixture
    def app():
        with key_store() as settings:
            yield create_app(settings)

    def test_jobs(app):
        assert app.test_client().get("/jobs").status_code == 401
        client = client_with_key(app, scopes=["jobs:read"])
        assert client.get("/jobs").status_code == 200
"""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from keysvc.core.background import finish_all
from keysvc.core.service import Service
from keysvc.current import EXTENSION
from keysvc.errors import NotFound
from keysvc.model import AccountDraft
from keysvc.model import Caller
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store import migrate
from keysvc.store.connection import connect_memory
from keysvc.store.connection import disconnect

_TESTS = Caller(kind="cli", id="tests", owner=None, scopes=("*",))


@contextmanager
def key_store(**settings: Any) -> Iterator[dict[str, Any]]:
    """
    Hold a key store in this process's memory, and yield the settings that name it.

    They overrule the environment once they are in ``app.config``; *settings*, such as
    ``KEYSVC_API_KEY_PREFIX``, are added. A process has one at a time.

    Raises:
        Misconfigured: If the process holds another key store.
    """
    url = connect_memory()
    try:
        migrate.migrate()
        yield {
            "KEYSVC_DATABASE_URL": url,
            "KEYSVC_SECRET_KEYS": token_hex(32),
            "KEYSVC_SECRET_KEYS_FILE": "",
            "KEYSVC_URL": "",
            "KEYSVC_PASSWORD_COST": 4,
            **settings,
        }
    finally:
        finish_all()
        disconnect()


def issue_key(
    app: Flask, kind: str = "api_key", *, owner: str = "tester", **draft: Any
) -> Issued:
    """
    Issue a credential in the key store of *app*: its ``secret`` is what is presented.

    Args:
        kind: ``api_key``, ``keypair`` or ``access_key``.
        owner: The user or organization; of an API key the service account, by its name,
            which is made if there is none.
        draft: ``scopes``, ``expires_at``, ``allowed_ips``, ``rate_limit``,
            ``remaining``, ``is_active``, ``name``, ``description``.
    """
    service, family = _service(app), Kind(kind)
    whose = {
        Kind.KEYPAIR: lambda: Owner(OwnerKind.USER, owner),
        Kind.API_KEY: lambda: _account(service, owner),
        Kind.ACCESS_KEY: lambda: Owner(OwnerKind.ORGANIZATION, owner),
    }[family]()
    given = {"name": token_hex(8), **draft}
    for name in ("scopes", "allowed_ips"):
        given[name] = tuple(given.get(name, ()))
    return service.credentials.issue(_TESTS, family, whose, Draft(**given))


def revoke_key(app: Flask, issued: Issued) -> None:
    """Delete a credential: from now on it opens nothing."""
    key = issued.credential
    _service(app).credentials.delete(_TESTS, key.kind, key.owner, key.wire_id)


def client_with_key(
    app: Flask,
    kind: str = "api_key",
    *,
    key: Issued | None = None,
    owner: str = "tester",
    **draft: Any,
) -> FlaskClient:
    """
    Return a test client whose requests carry *key*, or one that is issued for them.

    It takes what ``issue_key`` takes, and is of the application's own class of clients.
    """
    key = key or issue_key(app, kind, owner=owner, **draft)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = authorization_of(key)
    return client


def authorization_of(key: Issued) -> str:
    """Return the ``Authorization`` by which *key* is presented."""
    if key.credential.kind is not Kind.KEYPAIR:
        return f"Bearer {key.secret}"
    pair = f"{key.credential.public_id}:{key.secret}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _service(app: Flask) -> Service:
    service: Service = app.extensions[EXTENSION]
    service.ensure_ready()
    return service


def _account(service: Service, name: str) -> Owner:
    try:
        return service.accounts.get(_TESTS, name).owner
    except NotFound:
        return service.accounts.create(_TESTS, AccountDraft(name=name)).owner
