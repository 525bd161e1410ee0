"""
An organization's key reaches its own organization: of others it learns nothing.

Every route is asked with every other tenant's ids, tokens and page tokens; whatever
is another's answers, to the letter, like what was never there.
"""

from itertools import permutations
from itertools import product
from typing import Any
from typing import NamedTuple
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from keysvc.core.service import Service
from keysvc.model import Issued
from tests.api.answers import told
from tests.api.organizations import carrying
from tests.api.organizations import everything
from tests.api.organizations import issue_key
from tests.api.organizations import keys_of
from tests.api.organizations import NEW
from tests.conftest import Client

#: Names that look alike, or contain each other, among others.
TENANTS = ("acme", "Acme", "acme ", "acm", "umbrella", "acm%65", "é", "e\u0301")

#: Of which nothing was ever made.
NOBODY = "nobody"

#: All that a tenant's own manager may hold, but ``realm:any``.
SCOPES = ("access-keys:*", "audit:read", "keypairs:*", "service-accounts:*", "verify")

#: Every route: method, whether it names a key, body.
ROUTES: list[tuple[str, bool, Any]] = [
    ("GET", False, None),
    ("POST", False, NEW),
    ("POST", False, {**NEW, "scopes": ["access-keys:read"]}),
    ("GET", True, None),
    ("PATCH", True, {"description": "told"}),
    ("PATCH", True, {"active": False}),
    ("PATCH", True, {}),
    ("DELETE", True, None),
    ("DELETE", True, {}),
]


class Tenant(NamedTuple):
    """One organization: its manager, its keys, and page tokens of its list."""

    name: str
    client: Client
    manager: Issued
    keys: tuple[Issued, ...]
    page_tokens: dict[str, str]

    @property
    def path(self) -> str:
        return keys_of(self.name.replace("%", "%25"))


@pytest.fixture
def tenants(app: Flask, service: Service) -> list[Tenant]:
    service.installation.ensure_ready()
    return [_tenant(app, service, name) for name in TENANTS]


def _tenant(app: Flask, service: Service, name: str) -> Tenant:
    manager = issue_key(service, name, *SCOPES)
    keys = tuple(issue_key(service, name, name=f"{name} {n}") for n in range(2))
    client = carrying(app, manager.secret)
    made = Tenant(name, client, manager, keys, {})
    for reverse in ("false", "true"):
        query = {"limit": 1, "reverse": reverse}
        page = told(client.get(made.path, query_string=query))
        made.page_tokens[reverse] = page["nextPageToken"]
    return made


def ask(client: Client, path: str, route: tuple[str, bool, Any]) -> TestResponse:
    method, _, body = route
    return client.open(path, method=method, json=body)


def seen(answer: TestResponse) -> tuple[Any, ...]:
    """All that an answer tells, but the name of the request."""
    headers = [h for h in answer.headers if h[0] != "X-Request-ID"]
    return answer.status, answer.data, headers


def id_of(issued: Issued) -> str:
    return str(issued.credential.id)


def listed(tenant: Tenant) -> list[str]:
    return [key["id"] for key in everything(tenant.client, tenant.path, limit=2)]


def test_every_route_with_every_other_tenants_path_and_ids(
    tenants: list[Tenant],
) -> None:
    before = {tenant.name: listed(tenant) for tenant in tenants}
    for mine, other in permutations(tenants, 2):
        ids = [id_of(other.keys[0]), id_of(mine.keys[0]), str(uuid4()), "no-uuid"]
        for route in ROUTES:
            if not route[1]:
                here = ask(mine.client, other.path, route)
                nowhere = ask(mine.client, keys_of(NOBODY), route)
                assert here.status_code == 404, (mine.name, other.name, route)
                assert seen(here) == seen(nowhere)
                continue
            answers = {
                repr(seen(ask(mine.client, f"{path}/{id_}", route)))
                for path, id_ in product((other.path, keys_of(NOBODY)), ids)
            }
            # Nor is another's key found under one's own name.
            for id_ in (ids[0], *ids[2:]):
                answer = ask(mine.client, f"{mine.path}/{id_}", route)
                assert answer.status_code == 404
                answers.add(repr(seen(answer)))
            assert len(answers) == 1, (mine.name, other.name, route)
    assert {tenant.name: listed(tenant) for tenant in tenants} == before


def test_every_page_token_is_of_one_tenant_and_one_direction(
    tenants: list[Tenant],
) -> None:
    for mine, other in product(tenants, tenants):
        for made, asked in product(("false", "true"), repeat=2):
            token = other.page_tokens[made]
            query = {"pageToken": token, "reverse": asked, "limit": 5}
            answer = mine.client.get(mine.path, query_string=query)
            if (mine, made) == (other, asked):
                assert len(told(answer)["results"]) == 2
                continue
            assert answer.status_code == 422
            forged = {**query, "pageToken": f"{token[:-1]}{'AE'[token[-1] == 'A']}"}
            made_up = mine.client.get(mine.path, query_string=forged)
            assert seen(answer) == seen(made_up)
            # Whatever the token, another's list is not there.
            if mine is not other:
                foreign = mine.client.get(other.path, query_string=query)
                nowhere = mine.client.get(keys_of(NOBODY), query_string=query)
                assert foreign.status_code == 404
                assert seen(foreign) == seen(nowhere)


def test_a_list_holds_ones_own_and_nothing_else(tenants: list[Tenant]) -> None:
    for tenant in tenants:
        own = [id_of(issued) for issued in (tenant.manager, *tenant.keys)]
        assert listed(tenant) == own
        for reverse in (False, True):
            records = everything(
                tenant.client, tenant.path, limit=1, reverse=str(reverse)
            )
            ids = [record["id"] for record in records]
            assert ids == (own[::-1] if reverse else own)
            assert {r["organizationId"] for r in records} == {tenant.name}


def test_what_a_tenant_makes_is_its_own(tenants: list[Tenant]) -> None:
    for tenant in tenants:
        made = told(tenant.client.post(tenant.path, json=NEW))["accessKey"]
        assert made["organizationId"] == tenant.name
        for other in tenants:
            status = other.client.get(f"{tenant.path}/{made['id']}").status_code
            assert status == (200 if other is tenant else 404)


def test_a_tenant_reads_its_own_changes_in_the_audit(tenants: list[Tenant]) -> None:
    for tenant in tenants:
        items = told(tenant.client.get("/v1/audit?limit=100"))["items"]
        own = {id_of(issued) for issued in (tenant.manager, *tenant.keys)}
        assert {item["credentialId"] for item in items} == own


def test_no_tenant_is_a_user_or_an_account_of_its_name(
    tenants: list[Tenant], admin: Client
) -> None:
    """An owner is a kind and an id: ``acme`` the user is somebody else."""
    assert admin.post("/v2/admin/keypairs/acme/create").status_code == 200
    acme = tenants[0].client
    for method, path in (
        ("REPORT", "/v2/admin/keypairs/acme"),
        ("POST", "/v2/admin/keypairs/acme/create"),
        ("GET", f"/v2/admin/keypairs/acme/{tenants[0].keys[0].credential.public_id}"),
        ("GET", "/api/v1/service_accounts/acme"),
        ("GET", f"/api/v1/service_accounts/{uuid4()}/api_keys"),
    ):
        query = {"keys": "isActive"} if method == "GET" and "v2" in path else {}
        answer = acme.open(path, method=method, query_string=query)
        assert answer.status_code == 404, path
    assert told(acme.get("/api/v1/service_accounts"))["items"] == []


def test_another_tenants_token_is_another_tenant(
    app: Flask, tenants: list[Tenant]
) -> None:
    for mine, other in permutations(tenants, 2):
        for scheme in ("AccessKey", "Bearer"):
            stolen = carrying(app, other.manager.secret, scheme)
            assert stolen.get(mine.path).status_code == 404
            assert stolen.get(other.path).status_code == 200
        # A key without scopes is in its own realm, and may do nothing there.
        weak = carrying(app, other.keys[0].secret)
        assert weak.get(mine.path).status_code == 404
        assert weak.get(other.path).status_code == 403
