"""The doors of ``/api/v1``: each route, asked by every kind of caller and token."""

from collections.abc import Callable
from collections.abc import Iterator
from itertools import count
from typing import Any
from typing import NamedTuple
from uuid import uuid4

import pytest
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
from keysvc.model import PasswordLogin
from keysvc.model import ServiceAccount
from tests.api.organizations import ELSEWHERE
from tests.api.organizations import Headers
from tests.api.organizations import headers_of as organization_headers
from tests.api.organizations import KEYSVCS_OWN
from tests.api.organizations import LONG_AGO
from tests.api.organizations import TOKENS as ORGANIZATIONS
from tests.api.tables import statuses_of
from tests.api.test_every_route import CALLERS as KEYPAIR_CALLERS
from tests.api.test_every_route import Route
from tests.api.test_every_route import routes_of
from tests.conftest import Client

ACCOUNTS = "/api/v1/service_accounts"
ACCOUNT = f"{ACCOUNTS}/<name_or_id>"
KEYS = f"{ACCOUNTS}/<service_account_id>/api_keys"
KEY = f"{KEYS}/<name_or_id>"
SA_READ, SA_WRITE = "service-accounts:read", "service-accounts:write"
KEY_READ, KEY_WRITE = "api-keys:read", "api-keys:write"

#: What is deleted comes last: the keys of an account go with it.
ROUTES = {
    "user": Route("GET", "/api/v1/current-user", ""),
    "projs": Route("GET", "/api/v1/projects", ""),
    "proj": Route("GET", "/api/v1/projects/<id>", ""),
    "stks": Route("GET", "/api/v1/stacks", ""),
    "stk": Route("GET", "/api/v1/stacks/<id>", ""),
    "accs": Route("GET", ACCOUNTS, SA_READ),
    "make": Route("POST", ACCOUNTS, SA_WRITE, {"name": "$", "active": True}),
    "acc": Route("GET", ACCOUNT, SA_READ),
    "put": Route("PUT", ACCOUNT, SA_WRITE, {"description": "told"}),
    "keys": Route("GET", KEYS, KEY_READ),
    "mint": Route("POST", KEYS, KEY_WRITE, {"name": "$"}),
    "key": Route("GET", KEY, KEY_READ),
    "set": Route("PUT", KEY, KEY_WRITE, {"description": "told"}),
    "turn": Route("PUT", f"{KEY}/rotate", KEY_WRITE, {}),
    "unkey": Route("DELETE", KEY, KEY_WRITE),
    "unacc": Route("DELETE", ACCOUNT, SA_WRITE),
}

OPEN = {("POST", "/api/v1/login"), ("GET", "/api/v1/info"), ("GET", "/api/v1/version")}

TABLE = """
                  user projs proj stks stk accs make acc put keys mint key set turn unkey unacc
none              401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
malformed         401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
no_base64         401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
no_colon          401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
unknown_scheme    401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
wrong_secret      401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
wrong_checksum    401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
unknown_key       401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
inactive          401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
expired           401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
inactive_address  401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
wrong_address     403  403   403  403  403 403  403  403 403 403  403  403 403 403  403   403
other_realm       403  200   404  200  404 200  403  404 404 404  404  404 404 404  404   404
nothing_elsewhere 403  200   404  200  404 403  403  404 404 404  404  404 404 404  404   404
any_realm         403  200   404  200  404 200  200  200 200 200  200  200 200 200  200   200
any_realm_lacking 403  200   404  200  404 403  403  403 403 403  403  403 403 403  403   403
lacking           403  200   404  200  404 403  403  404 404 404  404  404 404 404  404   404
holding           403  200   404  200  404 200  403  404 404 404  404  404 404 404  404   404
holding_wildcard  403  200   404  200  404 200  403  404 404 404  404  404 404 404  404   404
admin             403  200   404  200  404 200  200  200 200 200  200  200 200 200  200   200
no_token          401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
no_key            401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
bad_checksum      401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
unknown_prefix    401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
unknown_token     401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
secret_of_another 401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
inactive_key      401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
expired_key       401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
inactive_account  401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
key_elsewhere     403  403   403  403  403 403  403  403 403 403  403  403 403 403  403   403
own_nothing       200  200   404  200  404 200  403  200 403 200  403  200 403 403  403   403
own_holding       200  200   404  200  404 200  403  200 200 200  200  200 200 200  200   200
other_all         200  200   404  200  404 200  403  404 404 404  404  404 404 404  404   404
other_any_realm   200  200   404  200  404 200  200  200 200 200  200  200 200 200  200   200
unknown_session   401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
session_nothing   200  200   404  200  404 200  403  200 403 200  403  200 403 403  403   403
session_holding   200  200   404  200  404 200  403  200 200 200  200  200 200 200  200   200
operator_nothing  200  200   404  200  404 403  403  404 404 404  404  404 404 404  404   404
operator_realm    200  200   404  200  404 403  403  403 403 403  403  403 403 403  403   403
operator_all      200  200   404  200  404 200  200  200 200 200  200  200 200 200  200   200
operator_disabled 401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
ak_no_token       401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
ak_no_key         401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
ak_bad_checksum   401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
ak_unknown        401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
ak_wrong_secret   401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
ak_api_key        401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
ak_session        401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
ak_inactive       401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
ak_expired        401  401   401  401  401 401  401  401 401 401  401  401 401 401  401   401
ak_elsewhere      403  403   403  403  403 403  403  403 403 403  403  403 403 403  403   403
ak_nothing        403  200   404  200  404 403  403  404 404 404  404  404 404 404  404   404
ak_lacking        403  200   404  200  404 403  403  404 404 404  404  404 404 404  404   404
ak_holding        403  200   404  200  404 200  403  404 404 404  404  404 404 404  404   404
ak_bearer         403  200   404  200  404 200  403  404 404 404  404  404 404 404  404   404
ak_other          403  200   404  200  404 200  403  404 404 404  404  404 404 404  404   404
ak_any_realm      403  200   404  200  404 200  200  200 200 200  200  200 200 200  200   200
ak_any_realm_lacking 403  200   404  200  404 403  403  403 403 403  403  403 403 403  403   403
ak_admin          403  200   404  200  404 200  200  200 200 200  200  200 200 200  200   200
"""  # noqa: E501

PASSWORD = "a password of some length"
HERE = Origin("127.0.0.1")
CLI = operator()


class Target(NamedTuple):
    """What is asked about: an account, and one of its keys."""

    account: ServiceAccount
    key: Issued


class World:
    """Makes accounts, keys and whoever asks about them."""

    def __init__(self, service: Service, issue: Callable[..., Issued]) -> None:
        self.service, self.issue = service, issue
        self._numbers = count()

    def name(self) -> str:
        return f"n{next(self._numbers)}"

    def account(self, **draft: Any) -> ServiceAccount:
        made = AccountDraft(name=self.name(), **draft)
        return self.service.accounts.create(CLI, made)

    def key(self, account: ServiceAccount, *scopes: str, **draft: Any) -> Issued:
        made = Draft(name=self.name(), scopes=tuple(s for s in scopes if s), **draft)
        return self.service.credentials.issue(CLI, Kind.API_KEY, account.owner, made)

    def target(self) -> Target:
        account = self.account()
        return Target(account, self.key(account))

    def session_of_key(self, account: ServiceAccount, *scopes: str) -> str:
        login = KeyLogin(self.key(account, *scopes).secret)
        return self.service.sessions.log_in(login, HERE).token

    def session(self, *scopes: str, active: bool = True) -> str:
        name = self.name()
        self.service.operators.add(CLI, name, PASSWORD, scopes)
        token = self.service.sessions.log_in(PasswordLogin(name, PASSWORD), HERE).token
        if not active:
            self.service.operators.change(CLI, name, is_active=False)
        return token


Token = Callable[[World, Target, str], str]


def wrong_checksum(world: World, target: Target, scope: str) -> str:
    secret = world.key(target.account, "*").secret
    return secret[:-1] + ("a" if secret[-1] != "a" else "b")


def secret_of_another(world: World, target: Target, scope: str) -> str:
    """The checksum is right: only the database can tell."""
    return renew_token("ksa", world.key(target.account, "*").credential.public_id)[1]


def key_of_inactive(world: World, target: Target, scope: str) -> str:
    account = world.account()
    token = world.key(account, "*").secret
    world.service.accounts.change(CLI, account.name, {"is_active": False})
    return token


TOKENS: dict[str, Token] = {
    "no_token": lambda world, target, scope: "",
    "no_key": lambda world, target, scope: "ksa_short",
    "bad_checksum": wrong_checksum,
    "unknown_prefix": lambda world, target, scope: mint_token("xyz")[1],
    "unknown_token": lambda world, target, scope: mint_token("ksa")[1],
    "secret_of_another": secret_of_another,
    "inactive_key": lambda w, t, scope: w.key(t.account, "*", is_active=False).secret,
    "expired_key": lambda w, t, s: w.key(t.account, "*", expires_at=LONG_AGO).secret,
    "inactive_account": key_of_inactive,
    "key_elsewhere": lambda w, t, s: (
        w.key(t.account, "*", allowed_ips=ELSEWHERE).secret
    ),
    "own_nothing": lambda world, target, scope: world.key(target.account).secret,
    "own_holding": lambda world, target, scope: world.key(target.account, scope).secret,
    "other_all": lambda w, t, scope: w.key(w.account(), *sorted(KEYSVCS_OWN)).secret,
    "other_any_realm": lambda w, t, s: w.key(w.account(), s, "realm:any").secret,
    "unknown_session": lambda world, target, scope: mint_token("kss")[1],
    "session_nothing": lambda world, target, s: world.session_of_key(target.account),
    "session_holding": lambda world, target, s: world.session_of_key(target.account, s),
    "operator_nothing": lambda world, target, scope: world.session(),
    "operator_realm": lambda world, target, scope: world.session("realm:any"),
    "operator_all": lambda world, target, scope: world.session("*"),
    "operator_disabled": lambda world, target, s: world.session("*", active=False),
}

CALLERS = [*KEYPAIR_CALLERS, *TOKENS, *ORGANIZATIONS]


@pytest.fixture
def world(service: Service, issue: Callable[..., Issued]) -> World:
    service.installation.ensure_ready()
    return World(service, issue)


def headers_of(world: World, who: str, target: Target, scope: str) -> Headers:
    if who in KEYPAIR_CALLERS:
        held = scope or "verify"
        return KEYPAIR_CALLERS[who](world.issue, held)
    if who in ORGANIZATIONS:
        return organization_headers(world.service, who, scope)
    return {"Authorization": f"Bearer {TOKENS[who](world, target, scope)}"}


def path_of(route: Route, target: Target) -> str:
    reference = target.key.credential if "api_keys" in route.rule else target.account
    return (
        route.rule.replace("<service_account_id>", str(target.account.id))
        .replace("<name_or_id>", str(reference.id))
        .replace("<id>", str(target.account.id))
    )


def asked(
    client: Client, world: World, who: str
) -> Iterator[tuple[str, Route, TestResponse]]:
    """Ask every route as *who*, about one target."""
    target, headers = world.target(), dict[str, Headers]()
    for name, route in ROUTES.items():
        if route.scope not in headers:
            headers[route.scope] = headers_of(world, who, target, route.scope)
        body = route.json
        if body and body.get("name") == "$":
            body = {**body, "name": world.name()}
        yield (
            name,
            route,
            client.open(
                path_of(route, target),
                method=route.method,
                json=body,
                headers=headers[route.scope],
            ),
        )


def table() -> dict[str, dict[str, int]]:
    return statuses_of(TABLE)


def test_the_table_names_every_route_and_every_caller(app: Flask) -> None:
    guarded = {(route.method, route.rule) for route in ROUTES.values()}
    mounted = {(m, rule) for m, rule in routes_of(app) if rule.startswith("/api/v1/")}
    assert guarded | OPEN == mounted
    assert len(guarded) == len(ROUTES)
    assert set(table()) == set(CALLERS)
    assert all(list(row) == list(ROUTES) for row in table().values())


@pytest.mark.parametrize("who", CALLERS)
def test_every_route_answers_as_the_table_says(
    who: str, stranger: Client, world: World
) -> None:
    found = {}
    for name, _, answer in asked(stranger, world, who):
        found[name] = answer.status_code
        told = answer.headers.getlist("WWW-Authenticate")
        assert told == (["Bearer"] if answer.status_code == 401 else []), name
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Request-ID"]
        assert answer.mimetype == "application/json"
        if answer.status_code >= 400:
            assert answer.json is not None
            assert list(answer.json) == ["detail"]
    assert found == table()[who]


UNTOLD = [
    *("wrong_secret", "wrong_checksum", "unknown_key", "inactive", "expired"),
    *("no_key", "bad_checksum", "unknown_prefix", "unknown_token"),
    *("secret_of_another", "inactive_key", "expired_key", "inactive_account"),
    *("unknown_session", "operator_disabled"),
    *("ak_no_token", "ak_bad_checksum", "ak_unknown", "ak_wrong_secret"),
    *("ak_api_key", "ak_session", "ak_inactive", "ak_expired"),
]


def test_what_is_not_good_looks_the_same(stranger: Client, world: World) -> None:
    seen = set()
    for who in UNTOLD:
        headers = headers_of(world, who, world.target(), "")
        answer = stranger.get(ACCOUNTS, headers=headers)
        kept = [h for h in answer.headers if h[0] != "X-Request-ID"]
        seen.add((answer.status, answer.data, tuple(kept)))
    assert len(seen) == 1
    assert b"CredentialsNotValid" in seen.pop()[1]


@pytest.mark.parametrize("who", ["none", "unknown_scheme"])
def test_who_says_nothing_is_asked_to(who: str, stranger: Client, world: World) -> None:
    headers = headers_of(world, who, world.target(), "")
    answer = stranger.get(ACCOUNTS, headers=headers)
    assert answer.json == {"detail": "Not authenticated"}


def test_refusals_come_in_order(stranger: Client, world: World) -> None:
    """401, 422, 404, 403: each is told only to whom no earlier one applies."""
    mine, other = world.target(), world.target()
    bearer = {"Authorization": f"Bearer {world.key(mine.account).secret}"}
    unknown = {"Authorization": f"Bearer {mint_token('ksa')[1]}"}
    bad, good = {"name": "a/b"}, {"name": "ab"}
    keys = f"{ACCOUNTS}/{{}}/api_keys"
    for account, body, headers, status in (
        ("no-uuid", bad, unknown, 401),
        (other.account.id, bad, {}, 401),
        ("no-uuid", good, bearer, 422),
        (other.account.id, bad, bearer, 422),
        (uuid4(), bad, bearer, 422),
        (mine.account.id, bad, bearer, 422),
        (other.account.id, good, bearer, 404),
        (uuid4(), good, bearer, 404),
        (mine.account.id, good, bearer, 403),
    ):
        path = keys.format(account)
        answer = stranger.post(path, json=body, headers=headers)
        assert answer.status_code == status, (account, body)
        one = stranger.put(
            f"{path}/{mine.key.credential.id}", json=body, headers=headers
        )
        assert one.status_code == status, (account, body)
    absent = f"{keys.format(mine.account.id)}/{uuid4()}"
    assert stranger.put(absent, json=good, headers=bearer).status_code == 404
    foreign = f"{keys.format(mine.account.id)}/{other.key.credential.id}"
    assert stranger.get(foreign, headers=bearer).status_code == 404


def test_a_session_is_no_key_to_log_in_with(stranger: Client, world: World) -> None:
    for token in (world.session("*"), world.session_of_key(world.account(), "*")):
        form = {"grant_type": "zenml-api-key", "password": token}
        assert stranger.post("/api/v1/login", data=form).status_code == 401


def test_a_session_is_what_its_key_is_now(stranger: Client, world: World) -> None:
    account = world.account()
    key = world.key(account, "*")
    token = world.service.sessions.log_in(KeyLogin(key.secret), HERE).token
    headers = {"Authorization": f"Bearer {token}"}
    new = {"name": "a new one"}
    keys = f"{ACCOUNTS}/{account.id}/api_keys"
    assert stranger.post(keys, json=new, headers=headers).status_code == 200

    def change(**changed: Any) -> None:
        reference = str(key.credential.id)
        world.service.credentials.change(
            CLI,
            Kind.API_KEY,
            account.owner,
            reference,
            changed,  # type: ignore[arg-type]
        )

    for changed, status in (
        ({"scopes": ()}, 200),
        ({"allowed_ips": ELSEWHERE}, 403),
        ({"allowed_ips": ()}, 200),
        ({"is_active": False}, 401),
        ({"is_active": True}, 200),
        ({"expires_at": LONG_AGO}, 401),
    ):
        change(**changed)
        assert stranger.get(keys, headers=headers).status_code == status, changed
        assert stranger.post(keys, json=new, headers=headers).status_code in (401, 403)
