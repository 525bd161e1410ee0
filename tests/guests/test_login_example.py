"""The example of Flask-Login: a session logs in a user, and so does his keypair."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask_login import current_user

from examples.login.app import create_app
from keysvc.testing import client_with_key
from keysvc.testing import issue_key
from keysvc.testing import key_store
from keysvc.testing import revoke_key

USE = ["site:use"]


@pytest.fixture
def site() -> Iterator[Flask]:
    """Return the application of the example."""
    with key_store() as settings:
        yield create_app(settings)


def test_a_session_logs_in_as_ever(site: Flask) -> None:
    client = site.test_client()
    assert client.get("/me").status_code == 401
    ada = {"name": "ada", "password": "analytical"}
    assert client.post("/login", data=ada | {"password": "x"}).status_code == 401
    assert client.post("/login", data=ada).text == "Welcome, ada."
    assert client.get("/me").json == {"name": "ada"}
    client.post("/logout")
    assert client.get("/me").status_code == 401


def test_a_keypair_logs_its_user_in_for_one_request(site: Flask) -> None:
    client = client_with_key(site, "keypair", owner="grace", scopes=USE)
    answer = client.get("/me")
    assert answer.json == {"name": "grace"}
    assert "Set-Cookie" not in answer.headers
    del client.environ_base["HTTP_AUTHORIZATION"]
    assert client.get("/me").status_code == 401


def test_a_session_comes_first(site: Flask) -> None:
    client = client_with_key(site, "keypair", owner="grace", scopes=USE)
    client.post("/login", data={"name": "ada", "password": "analytical"})
    assert client.get("/me").json == {"name": "ada"}


def test_a_revoked_keypair_logs_nobody_in(site: Flask) -> None:
    key = issue_key(site, "keypair", owner="ada", scopes=USE)
    client = client_with_key(site, key=key)
    assert client.get("/me").status_code == 200
    revoke_key(site, key)
    assert client.get("/me").status_code == 401


@pytest.mark.parametrize(
    ("kind", "draft", "status"),
    [
        ("keypair", {"owner": "nobody", "scopes": USE}, 401),
        ("keypair", {"owner": "ada", "scopes": ["site:look"]}, 401),
        ("keypair", {"owner": "ada", "scopes": USE, "remaining": 0}, 401),
        ("keypair", {"owner": "ada", "scopes": USE, "is_active": False}, 401),
        # Not of the user ada, but of an organization and a service account.
        ("access_key", {"owner": "ada", "scopes": USE}, 401),
        ("api_key", {"owner": "ada", "scopes": USE}, 401),
    ],
)
def test_who_is_no_user_is_not_logged_in(
    site: Flask, kind: str, draft: dict[str, Any], status: int
) -> None:
    client = client_with_key(site, kind, **draft)
    assert client.get("/me").status_code == status


def test_an_error_page_may_ask_for_the_user(site: Flask) -> None:
    @site.errorhandler(404)
    def absent(error: Exception) -> tuple[str, int]:
        return f"nothing for {getattr(current_user, 'id', 'you')}", 404

    key = issue_key(site, "access_key", scopes=USE)
    assert client_with_key(site, key=key).get("/absent").text == "nothing for you"


def test_what_is_open_asks_for_no_key(site: Flask) -> None:
    client = client_with_key(site, "keypair", owner="ada")
    assert client.get("/").status_code == 200
    assert client.get("/keys/healthz").status_code == 200
