"""What ZenML's client asks before its first real call."""

from typing import Any
from uuid import UUID
from uuid import uuid4

import pytest
from flask import Flask

from keysvc.core.service import Service
from tests.api.accounts import bearer
from tests.api.accounts import good
from tests.api.accounts import hire
from tests.api.accounts import key_login
from tests.api.accounts import log_in
from tests.api.accounts import new_account
from tests.api.accounts import new_key
from tests.api.accounts import PASSWORD
from tests.api.accounts import refusal
from tests.api.accounts import secret_of
from tests.api.accounts import USER
from tests.conftest import Client

API = "/api/v1"


@pytest.fixture
def config(config: dict[str, Any]) -> dict[str, Any]:
    return config | {"KEYSVC_PASSWORD_COST": 4}


@pytest.fixture
def olga(app: Flask, service: Service, stranger: Client) -> Client:
    hire(service, "olga", "*")
    token = good(log_in(stranger, username="olga", password=PASSWORD))["access_token"]
    return bearer(app, token)


def test_info_is_told_to_everyone_and_stays(stranger: Client, engine: str) -> None:
    info = good(stranger.get(f"{API}/info"))
    assert good(stranger.get(f"{API}/info")) == info
    assert UUID(info.pop("id"))
    assert isinstance(info.pop("name"), str)
    assert info == {
        "version": "0.98.0",
        "active": True,
        "debug": False,
        "deployment_type": "other",
        "database_type": "sqlite" if engine == "sqlite" else "other",
        "secrets_store_type": "none",
        "auth_scheme": "OAUTH2_PASSWORD_BEARER",
        "server_url": "",
        "dashboard_url": "",
        "analytics_enabled": False,
        "metadata": {},
        "last_user_activity": None,
        "pro_dashboard_url": None,
        "pro_api_url": None,
        "pro_organization_id": None,
        "pro_organization_name": None,
        "pro_workspace_id": None,
        "pro_workspace_name": None,
    }


def test_version_and_health_are_told_to_everyone(stranger: Client) -> None:
    assert good(stranger.get(f"{API}/version")) == "0.98.0"
    health = stranger.get("/health")
    assert (health.status_code, health.text) == (200, "ok")


def test_everything_else_asks_who_is_there(stranger: Client) -> None:
    for path in ("current-user", "projects", "stacks", "stacks/x", "projects/x"):
        answer = stranger.get(f"{API}/{path}")
        assert refusal(answer) == (401, "Not authenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_current_user_may_be_an_operator(olga: Client) -> None:
    user = good(olga.get(USER))
    body, metadata = user.pop("body"), user.pop("metadata")
    assert UUID(user.pop("id"))
    assert user == {"name": "olga", "resources": None, "permission_denied": False}
    changed = metadata.pop("password_changed_at")
    assert body.pop("created") == body.pop("updated") == changed
    assert body == {
        "active": True,
        "activation_token": None,
        "full_name": "",
        "email_opted_in": None,
        "is_service_account": False,
        "is_admin": True,
        "default_project_id": None,
        "avatar_url": None,
    }
    assert metadata == {
        "email": None,
        "external_user_id": None,
        "user_metadata": {},
        "oidc_claims": {},
    }
    assert good(olga.get(USER, query_string={"hydrate": "no"}))["metadata"] is None


def test_the_current_user_may_be_a_service_account(
    app: Flask, admin: Client, stranger: Client
) -> None:
    account = new_account(admin, full_name="Cici")
    weak = secret_of(new_key(admin, account, "weak"))
    strong = secret_of(new_key(admin, account, "strong", scopes=["*"]))
    for token, is_admin in (
        (weak, False),
        (strong, True),
        (key_login(stranger, weak), False),
        (key_login(stranger, strong), True),
    ):
        user = good(bearer(app, token).get(USER))
        assert (user["id"], user["name"]) == (account["id"], "ci")
        assert user["body"]["full_name"] == "Cici"
        assert user["body"]["is_service_account"] is True
        assert user["body"]["is_admin"] is is_admin
        assert user["metadata"]["password_changed_at"] is None


def test_a_keypair_is_no_user(admin: Client) -> None:
    assert refusal(admin.get(USER)) == (403, "IllegalOperationError")


def test_there_are_no_projects_and_one_stack(olga: Client) -> None:
    query = {"page": "1", "size": "20", "name": "default", "sort_by": "created"}
    empty = {"index": 1, "max_size": 20, "total_pages": 1, "total": 0, "items": []}
    assert good(olga.get(f"{API}/projects", query_string=query)) == empty
    page = good(olga.get(f"{API}/stacks", query_string=query))
    (stack,) = page["items"]
    assert page["total"] == page["total_pages"] == 1
    assert UUID(stack["id"]) and stack["name"] == "default"
    assert set(stack["body"]) == {"created", "updated"}
    for path in ("projects", "stacks"):
        for id_ in (stack["id"], uuid4(), "default"):
            assert refusal(olga.get(f"{API}/{path}/{id_}")) == (404, "KeyError")


def test_the_clients_own_request_id_comes_back(stranger: Client) -> None:
    answer = stranger.get(USER, headers={"X-Request-ID": "abc-1"})
    assert answer.headers["X-Request-ID"] == "abc-1"
    answer = stranger.get(f"{API}/nowhere", headers={"X-Request-ID": "abc-2"})
    assert answer.headers["X-Request-ID"] == "abc-2"
