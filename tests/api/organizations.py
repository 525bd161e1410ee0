"""Organizations and their access keys, as tests speak to them."""

from collections.abc import Callable
from datetime import datetime
from datetime import UTC
from typing import Any
from uuid import uuid4

from flask import Flask
from werkzeug.test import TestResponse

from keysvc.commands.group import operator
from keysvc.core.secrets.tokens import mint_token
from keysvc.core.secrets.tokens import renew_token
from keysvc.core.service import Service
from keysvc.model import AccountDraft
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import KeyLogin
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.model import Owner
from keysvc.model import OwnerKind
from tests.api.answers import told
from tests.conftest import Client

CLI = operator()
HERE = Origin("127.0.0.1")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ELSEWHERE = ("192.0.2.0/24",)

#: The least that a new key needs.
NEW = {"name": "deploy", "description": "for the pipeline"}

Headers = dict[str, str]


def owner(organization: str) -> Owner:
    """Return the realm that is this organization's."""
    return Owner(OwnerKind.ORGANIZATION, organization)


def keys_of(organization: str) -> str:
    """Return the path of an organization's keys."""
    return f"/organizations/{organization}/access-keys"


def issue_key(
    service: Service, organization: str = "acme", *scopes: str, **draft: Any
) -> Issued:
    """Make an access key, as the command line does."""
    made = Draft(**{**NEW, **draft}, scopes=scopes)
    return service.credentials.issue(CLI, Kind.ACCESS_KEY, owner(organization), made)


def manager(
    app: Flask, organization: str = "acme", *scopes: str, **draft: Any
) -> Client:
    """Return a client that carries a new access key of *organization*."""
    service: Service = app.extensions["keysvc"]
    return carrying(app, issue_key(service, organization, *scopes, **draft).secret)


def carrying(app: Flask, token: str, scheme: str = "AccessKey") -> Client:
    """Return a client that carries *token*."""
    client = app.test_client()
    assert isinstance(client, Client)
    client.environ_base["HTTP_AUTHORIZATION"] = f"{scheme} {token}"
    return client


def refusal(response: TestResponse) -> tuple[int, str]:
    """Return the status of an error and its code; the shape is checked on the way."""
    body = told(response)
    assert response.mimetype == "application/json"
    assert list(body) == ["code", "message", "details"]
    assert isinstance(body["message"], str) and body["message"]
    for messages in body["details"].values():
        assert messages and all(isinstance(said, str) for said in messages)
    assert response.headers["X-Request-ID"]
    return response.status_code, body["code"]


def wrong_fields(response: TestResponse) -> set[str]:
    """Return which fields an answer of 422 names."""
    assert refusal(response) == (422, "ValidationFailed"), response.text
    return set(told(response)["details"])


def everything(client: Client, path: str, **query: Any) -> list[dict[str, Any]]:
    """Return all that the pages from the first to the last hold."""
    found: list[dict[str, Any]] = []
    token = None
    while token != "":
        asked = query if token is None else {**query, "pageToken": token}
        answer = client.get(path, query_string=asked)
        assert answer.status_code == 200, answer.text
        page = told(answer)
        found += page["results"]
        token = page["nextPageToken"]
    return found


def _api_key(service: Service) -> str:
    account = service.accounts.create(CLI, AccountDraft(name=f"a-{uuid4()}"))
    made = Draft(name="k", scopes=("*",))
    return service.credentials.issue(CLI, Kind.API_KEY, account.owner, made).secret


def _session(service: Service) -> str:
    return service.sessions.log_in(KeyLogin(_api_key(service)), HERE).token


def _broken(token: str) -> str:
    return token[:-1] + ("a" if token[-1] != "a" else "b")


def _holding(*scopes: str, organization: str = "acme", **draft: Any) -> "Token":
    """The token of a key; ``$`` stands for the scope that the route needs."""

    def token(service: Service, scope: str) -> str:
        held = tuple(scope if s == "$" else s for s in scopes)
        return issue_key(service, organization, *filter(None, held), **draft).secret

    return token


def _lacking(*more: str, organization: str = "acme") -> "Token":
    def token(service: Service, scope: str) -> str:
        held = (*sorted(KEYSVCS_OWN - {scope}), *more)
        return issue_key(service, organization, *held).secret

    return token


#: All of keysvc's own scopes, but the one that lets a caller leave its realm.
KEYSVCS_OWN = {
    f"{area}:{action}"
    for area in ("keypairs", "service-accounts", "api-keys", "access-keys")
    for action in ("read", "write")
} | {"credentials:read", "credentials:write", "verify"}
KEYSVCS_OWN |= {"audit:read", "metrics:read", "leaks:write"}

#: Makes the token of a caller, who asks a route that needs a scope.
Token = Callable[[Service, str], str]

TOKENS: dict[str, Token] = {
    "ak_no_token": lambda service, scope: "",
    "ak_no_key": lambda service, scope: "kso_short",
    "ak_bad_checksum": lambda service, scope: _broken(
        issue_key(service, "acme", "*").secret
    ),
    "ak_unknown": lambda service, scope: mint_token("kso")[1],
    "ak_wrong_secret": lambda service, scope: renew_token(
        "kso", issue_key(service, "acme", "*").credential.public_id
    )[1],
    "ak_api_key": lambda service, scope: _api_key(service),
    "ak_session": lambda service, scope: _session(service),
    "ak_inactive": _holding("*", is_active=False),
    "ak_expired": _holding("*", expires_at=LONG_AGO),
    "ak_elsewhere": _holding("*", allowed_ips=ELSEWHERE),
    "ak_nothing": _holding(),
    "ak_lacking": _lacking(),
    "ak_holding": _holding("$"),
    "ak_bearer": _holding("$"),
    "ak_other": _holding(*sorted(KEYSVCS_OWN), organization="Acme"),
    "ak_any_realm": _holding("$", "realm:any", organization="umbrella"),
    "ak_any_realm_lacking": _lacking("realm:any", organization="umbrella"),
    "ak_admin": _holding("*"),
}


def headers_of(service: Service, who: str, scope: str) -> Headers:
    """Return what a caller of ``TOKENS`` sends to a route that needs *scope*."""
    scheme = "Bearer" if who == "ak_bearer" else "AccessKey"
    return {"Authorization": f"{scheme} {TOKENS[who](service, scope)}"}
