"""Service accounts, their keys and logins, as tests speak to them."""

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from keysvc.commands.group import operator
from keysvc.core.service import Service
from keysvc.model import Operator
from tests.api.answers import told
from tests.conftest import Client

ACCOUNTS = "/api/v1/service_accounts"
LOGIN = "/api/v1/login"
USER = "/api/v1/current-user"
PASSWORD = "correct horse battery staple"


def bearer(app: Flask, token: str, address: str = "127.0.0.1") -> Client:
    """Return a client that carries *token*."""
    client = app.test_client()
    assert isinstance(client, Client)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    client.environ_base["REMOTE_ADDR"] = address
    return client


def good(response: TestResponse) -> Any:
    """Return what a good answer says."""
    assert response.status_code == 200, response.text
    return told(response)


def refusal(response: TestResponse) -> tuple[int, str]:
    """Return the status of an error and its name, or its whole detail if it has none.

    The shape is checked on the way.
    """
    body = told(response)
    assert response.mimetype == "application/json"
    assert set(body) == {"detail"}
    assert response.headers["X-Request-ID"]
    detail = body["detail"]
    if isinstance(detail, str):
        return response.status_code, detail
    name, message = detail
    assert isinstance(message, str) and message
    return response.status_code, name


def new_account(client: Client, name: str = "ci", **body: Any) -> Any:
    """Create a service account and return its envelope."""
    return good(client.post(ACCOUNTS, json={"name": name, "active": True, **body}))


def keys_of(account: Any) -> str:
    """Return the path of an account's keys."""
    return f"{ACCOUNTS}/{account['id']}/api_keys"


def new_key(client: Client, account: Any, name: str = "runner", **body: Any) -> Any:
    """Create an API key and return its envelope, which holds the key."""
    return good(client.post(keys_of(account), json={"name": name, **body}))


def secret_of(key: Any) -> str:
    """Return the key itself, of a fresh envelope."""
    secret: str = key["body"]["key"]
    return secret


def log_in(client: Client, **form: str) -> TestResponse:
    """Log in with a form."""
    return client.post(LOGIN, data=form)


def key_login(client: Client, secret: str) -> str:
    """Log in with an API key and return the session's token."""
    answer = log_in(client, grant_type="zenml-api-key", password=secret)
    token: str = good(answer)["access_token"]
    return token


def hire(service: Service, name: str = "olga", *scopes: str) -> Operator:
    """Make an operator, whose password is ``PASSWORD``."""
    return service.operators.add(operator(), name, PASSWORD, scopes)
