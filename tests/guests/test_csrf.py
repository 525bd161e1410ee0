"""Hosts that protect their forms: keysvc carries no cookie, and needs none of it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask_wtf import CSRFProtect

from keysvc import KeyService
from keysvc.testing import client_with_key


@pytest.fixture
def host(mounted: Callable[..., Flask]) -> Flask:
    """Return a host whose every form is protected."""
    host = mounted(Flask("shop"))
    host.secret_key = "the host's own"
    csrf = CSRFProtect(host)
    for blueprint in KeyService.blueprints:
        csrf.exempt(blueprint)
    host.post("/buy")(lambda: "bought")
    return host


def test_forms_of_the_host_stay_protected(host: Flask) -> None:
    assert host.test_client().post("/buy").status_code == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/keys/v2/admin/keypairs/alice/create", {"json": {"props": {}}}),
        ("/keys/v1/verify", {"json": {"token": "x"}}),
        ("/keys/api/v1/service_accounts", {"json": {"name": "ci", "active": True}}),
    ],
)
def test_routes_of_keysvc_need_no_token_of_a_form(
    host: Flask, path: str, body: dict[str, Any]
) -> None:
    client = client_with_key(host, "keypair", scopes=["*"])
    assert client.post(path, **body).status_code == 200


def test_a_login_needs_none_either(host: Flask) -> None:
    refused = host.test_client().post(
        "/keys/api/v1/login", data={"username": "olga", "password": "wrong"}
    )
    assert refused.status_code == 401
