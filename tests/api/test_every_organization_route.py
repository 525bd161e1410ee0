"""The doors of ``/organizations``: each route, asked by every kind of caller."""

from collections.abc import Callable
from collections.abc import Iterator
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from keysvc.core.service import Service
from keysvc.model import Issued
from tests.api.answers import told
from tests.api.organizations import CLI
from tests.api.organizations import Headers
from tests.api.organizations import headers_of as organization_headers
from tests.api.organizations import issue_key
from tests.api.organizations import keys_of
from tests.api.organizations import NEW
from tests.api.organizations import refusal
from tests.api.organizations import TOKENS as ORGANIZATIONS
from tests.api.tables import statuses_of
from tests.api.test_every_bearer_route import CALLERS as OTHER_CALLERS
from tests.api.test_every_bearer_route import headers_of as other_headers
from tests.api.test_every_bearer_route import World
from tests.api.test_every_route import Route
from tests.api.test_every_route import routes_of
from tests.conftest import Client

KEYS = "/organizations/<organization_id>/access-keys"
KEY = f"{KEYS}/<access_key_id>"
READ, WRITE = "access-keys:read", "access-keys:write"

ROUTES = {
    "list": Route("GET", KEYS, READ),
    "create": Route("POST", KEYS, WRITE, NEW),
    "get": Route("GET", KEY, READ),
    "change": Route("PATCH", KEY, WRITE, {"description": "told"}),
    "delete": Route("DELETE", KEY, WRITE),
}

#: About a key of ``acme``; whoever begins with ``ak_`` is of it, if not told otherwise.
TABLE = """
                     list   create get    change delete
none                 401    401    401    401    401
malformed            401    401    401    401    401
no_base64            401    401    401    401    401
no_colon             401    401    401    401    401
unknown_scheme       401    401    401    401    401
wrong_secret         401    401    401    401    401
wrong_checksum       401    401    401    401    401
unknown_key          401    401    401    401    401
inactive             401    401    401    401    401
expired              401    401    401    401    401
inactive_address     401    401    401    401    401
wrong_address        403    403    403    403    403
other_realm          404    404    404    404    404
nothing_elsewhere    404    404    404    404    404
any_realm            200    201    200    200    204
any_realm_lacking    403    403    403    403    403
lacking              404    404    404    404    404
holding              404    404    404    404    404
holding_wildcard     404    404    404    404    404
admin                200    201    200    200    204
no_token             401    401    401    401    401
no_key               401    401    401    401    401
bad_checksum         401    401    401    401    401
unknown_prefix       401    401    401    401    401
unknown_token        401    401    401    401    401
secret_of_another    401    401    401    401    401
inactive_key         401    401    401    401    401
expired_key          401    401    401    401    401
inactive_account     401    401    401    401    401
key_elsewhere        403    403    403    403    403
own_nothing          404    404    404    404    404
own_holding          404    404    404    404    404
other_all            404    404    404    404    404
other_any_realm      200    201    200    200    204
unknown_session      401    401    401    401    401
session_nothing      404    404    404    404    404
session_holding      404    404    404    404    404
operator_nothing     404    404    404    404    404
operator_realm       403    403    403    403    403
operator_all         200    201    200    200    204
operator_disabled    401    401    401    401    401
ak_no_token          401    401    401    401    401
ak_no_key            401    401    401    401    401
ak_bad_checksum      401    401    401    401    401
ak_unknown           401    401    401    401    401
ak_wrong_secret      401    401    401    401    401
ak_api_key           401    401    401    401    401
ak_session           401    401    401    401    401
ak_inactive          401    401    401    401    401
ak_expired           401    401    401    401    401
ak_elsewhere         403    403    403    403    403
ak_nothing           403    403    403    403    403
ak_lacking           403    403    403    403    403
ak_holding           200    201    200    200    204
ak_bearer            200    201    200    200    204
ak_other             404    404    404    404    404
ak_any_realm         200    201    200    200    204
ak_any_realm_lacking 403    403    403    403    403
ak_admin             200    201    200    200    204
"""

#: Keypairs and service accounts, all of other realms, and every access key.
CALLERS = OTHER_CALLERS


@pytest.fixture
def world(service: Service, issue: Callable[..., Issued]) -> World:
    service.installation.ensure_ready()
    return World(service, issue)


def headers_of(world: World, who: str, scope: str) -> Headers:
    if who in ORGANIZATIONS:
        return organization_headers(world.service, who, scope)
    return other_headers(world, who, world.target(), scope)


def path_of(route: Route, issued: Issued, organization: str = "acme") -> str:
    path = route.rule.replace("<organization_id>", organization)
    return path.replace("<access_key_id>", str(issued.credential.id))


def asked(
    client: Client, world: World, who: str
) -> Iterator[tuple[str, Route, TestResponse]]:
    """Ask every route as *who*, about one key of ``acme``."""
    target, headers = issue_key(world.service), dict[str, Headers]()
    for name, route in ROUTES.items():
        if route.scope not in headers:
            headers[route.scope] = headers_of(world, who, route.scope)
        answer = client.open(
            path_of(route, target),
            method=route.method,
            json=route.json,
            headers=headers[route.scope],
        )
        yield name, route, answer


def table() -> dict[str, dict[str, int]]:
    return statuses_of(TABLE)


def test_the_table_names_every_route_and_every_caller(app: Flask) -> None:
    guarded = {(route.method, route.rule) for route in ROUTES.values()}
    mounted = {(m, r) for m, r in routes_of(app) if r.startswith("/organizations/")}
    assert guarded == mounted
    assert len(guarded) == len(ROUTES)
    assert set(table()) == set(CALLERS)
    assert set(CALLERS) > set(ORGANIZATIONS)
    assert all(list(row) == list(ROUTES) for row in table().values())


@pytest.mark.parametrize("who", CALLERS)
def test_every_route_answers_as_the_table_says(
    who: str, stranger: Client, world: World
) -> None:
    found = {}
    for name, _, answer in asked(stranger, world, who):
        found[name] = answer.status_code
        asks = answer.headers.getlist("WWW-Authenticate")
        assert asks == (["AccessKey"] if answer.status_code == 401 else []), name
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Request-ID"]
        assert ("Content-Type" in answer.headers) is (answer.status_code != 204)
        if answer.status_code >= 400:
            codes = {401: "Unauthorized", 403: "Forbidden", 404: "ResourceNotFound"}
            status = answer.status_code
            assert refusal(answer) == (status, codes[status])
    assert found == table()[who]


UNTOLD = [who for who, row in table().items() if row["list"] == 401]


def test_what_is_not_good_looks_the_same(stranger: Client, world: World) -> None:
    seen = set()
    for who in UNTOLD:
        headers = headers_of(world, who, READ)
        for path in (keys_of("acme"), keys_of("nobody"), keys_of("a" * 129)):
            answer = stranger.get(path, headers=headers)
            kept = [h for h in answer.headers if h[0] != "X-Request-ID"]
            seen.add((answer.status, answer.data, tuple(kept)))
    assert len(UNTOLD) >= 25
    assert len(seen) == 1


@pytest.mark.parametrize("scheme", ["AccessKey", "accesskey", "ACCESSKEY", "Bearer"])
def test_the_scheme_is_read_in_any_case(
    scheme: str, stranger: Client, service: Service
) -> None:
    token = issue_key(service, "acme", READ).secret
    for spaces in (" ", "  "):
        headers = {"Authorization": f"{scheme}{spaces}{token}"}
        assert stranger.get(keys_of("acme"), headers=headers).status_code == 200
    for wrong in (
        f"{scheme}{token}",
        f"{scheme} {token} {token}",
        f"Access-Key {token}",
    ):
        headers = {"Authorization": wrong}
        assert stranger.get(keys_of("acme"), headers=headers).status_code == 401


def test_refusals_come_in_order(stranger: Client, service: Service) -> None:
    """401, 422, 404, 403, 409: each is told only to whom no earlier one applies."""
    weak = issue_key(service, "acme").secret
    strong = issue_key(service, "acme", "*").secret
    managed = str(_managed(service).credential.id)
    other = str(issue_key(service, "umbrella").credential.id)
    unknown, absent = "kso_x", str(uuid4())
    bad, good = {"name": ""}, {"name": "ab"}
    for token, organization, id_, body, status in (
        (unknown, "umbrella", "no-uuid", bad, 401),
        (weak, "umbrella", "no-uuid", bad, 422),
        (weak, "umbrella", absent, bad, 422),
        (weak, "umbrella", other, good, 404),
        (weak, "nobody", absent, good, 404),
        (weak, "acme", "no-uuid", good, 403),
        (weak, "acme", absent, good, 403),
        (weak, "acme", other, good, 403),
        (weak, "acme", managed, good, 403),
        (strong, "acme", "no-uuid", good, 404),
        (strong, "acme", absent, good, 404),
        (strong, "acme", other, good, 404),
        (strong, "acme", managed, bad, 422),
        (strong, "acme", managed, good, 409),
    ):
        headers = {"Authorization": f"AccessKey {token}"}
        path = f"{keys_of(organization)}/{id_}"
        answer = stranger.patch(path, json=body, headers=headers)
        assert answer.status_code == status, (token, organization, id_, body)


def _managed(service: Service) -> Issued:
    return issue_key(service, "acme", attributes={"managed": True})


def test_an_access_key_is_no_key_to_log_in_with(
    stranger: Client, service: Service
) -> None:
    token = issue_key(service, "acme", "*").secret
    for grant in ({}, {"grant_type": "zenml-api-key"}):
        answer = stranger.post("/api/v1/login", data={**grant, "password": token})
        assert answer.status_code == 401
        assert told(answer)["detail"][0] == "CredentialsNotValid"


def test_what_a_key_may_do_is_read_anew(stranger: Client, service: Service) -> None:
    issued = issue_key(service, "acme", READ)
    headers = {"Authorization": f"AccessKey {issued.secret}"}
    kind, owner = issued.credential.kind, issued.credential.owner
    for change, status in (
        ({"scopes": ()}, 403),
        ({"scopes": (READ,)}, 200),
        ({"is_active": False}, 401),
        ({"is_active": True}, 200),
        ({"allowed_ips": ("192.0.2.0/24",)}, 403),
        ({"allowed_ips": ()}, 200),
    ):
        service.credentials.change(
            CLI,
            kind,
            owner,
            str(issued.credential.id),
            change,  # type: ignore[arg-type]
        )
        answer = stranger.get(keys_of("acme"), headers=headers)
        assert answer.status_code == status, change
    service.credentials.delete(CLI, kind, owner, str(issued.credential.id))
    assert stranger.get(keys_of("acme"), headers=headers).status_code == 401
