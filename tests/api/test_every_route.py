"""Every door says who may enter: each route, asked by every kind of caller."""

from base64 import b64encode
from collections.abc import Callable
from collections.abc import Iterator
from functools import cache
from functools import lru_cache
from typing import Any
from typing import NamedTuple

import pytest
from flask import Flask
from werkzeug.exceptions import default_exceptions
from werkzeug.test import TestResponse

from keysvc import errors
from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.errors import problem_of
from keysvc.api.errors import STATUS
from keysvc.api.shapes import ACCESS_KEYS
from keysvc.api.shapes import API_KEYS
from keysvc.api.shapes import CORE
from keysvc.api.shapes import KEYPAIRS
from keysvc.api.shapes import LOGIN
from keysvc.api.shapes import Shape
from keysvc.auth.chain import authenticated
from keysvc.auth.chain import judged
from keysvc.auth.chain import public
from keysvc.auth.chain import watching
from keysvc.core.secrets.tokens import checksum
from keysvc.core.secrets.tokens import mint_keypair
from keysvc.core.service import Service
from keysvc.extension import FAMILIES
from keysvc.model import Issued
from keysvc.schemas.problems import CodeSchema
from keysvc.schemas.problems import DetailSchema
from tests.api.organizations import ELSEWHERE
from tests.api.organizations import Headers
from tests.api.organizations import headers_of
from tests.api.organizations import KEYSVCS_OWN
from tests.api.organizations import LONG_AGO
from tests.api.organizations import TOKENS
from tests.api.tables import statuses_of
from tests.conftest import Client

Issue = Callable[..., Issued]


class Route(NamedTuple):
    """One method of one rule; the scope it needs, and a body it takes."""

    method: str
    rule: str
    scope: str
    json: Any = None


ROUTES = {
    "list": Route("REPORT", "/v2/admin/keypairs/<user>", "keypairs:read"),
    "create": Route("POST", "/v2/admin/keypairs/<user>/create", "keypairs:write"),
    "get": Route(
        "GET",
        "/v2/admin/keypairs/<user>/<access_key>",
        "keypairs:read",
        {"keys": ["isActive"]},
    ),
    "change": Route(
        "PATCH",
        "/v2/admin/keypairs/<user>/<access_key>",
        "keypairs:write",
        {"props": {"description": "told"}},
    ),
    "delete": Route(
        "DELETE", "/v2/admin/keypairs/<user>/<access_key>", "keypairs:write"
    ),
    "audit": Route("GET", "/v1/audit", "audit:read"),
    "met": Route("GET", "/metrics", "metrics:read"),
    "ask": Route("POST", "/v1/verify", "verify", {"token": "x"}),
    "asks": Route(
        "POST", "/v1/verify/batch", "verify", {"questions": [{"token": "x"}]}
    ),
    "find": Route("GET", "/v1/credentials", "credentials:read"),
    "turn": Route(
        "POST", "/v1/credentials/<credential_id>/rotate", "credentials:write"
    ),
    "off": Route(
        "POST",
        "/v1/credentials/deactivate",
        "credentials:write",
        {"owner": {"kind": "user", "id": "alice"}, "dryRun": True},
    ),
    "leak": Route("POST", "/v1/leaks", "leaks:write", {"tokens": ["x"]}),
}

#: Open to all, and yet lets in only whom it knows: tests/gate asks it.
GATE = ("GET", "/v1/auth")

#: What everyone may see: the rule, and a path that it matches.
OPEN = {
    "/": "/",
    "/health": "/health",
    "/healthz": "/healthz",
    "/readyz": "/readyz",
    "/openapi.json": "/openapi.json",
    "/docs": "/docs",
    "/docs/start.js": "/docs/start.js",
    "/docs/assets/<path:name>": "/docs/assets/swagger-ui.css",
}

#: What begins so has a table of its own, in test_every_bearer_route and in
#: test_every_organization_route.
ELSEWHERE_TOLD = ("/api/v1/", "/organizations/")

TABLE = """
                     list create get change delete audit met ask asks find turn off leak
none                 401  401    401 401    401    401   401 401 401  401  401  401 401
malformed            400  400    400 400    400    401   401 401 401  401  401  401 401
no_base64            400  400    400 400    400    401   401 401 401  401  401  401 401
no_colon             400  400    400 400    400    401   401 401 401  401  401  401 401
unknown_scheme       401  401    401 401    401    401   401 401 401  401  401  401 401
wrong_secret         401  401    401 401    401    401   401 401 401  401  401  401 401
wrong_checksum       401  401    401 401    401    401   401 401 401  401  401  401 401
unknown_key          401  401    401 401    401    401   401 401 401  401  401  401 401
inactive             401  401    401 401    401    401   401 401 401  401  401  401 401
expired              401  401    401 401    401    401   401 401 401  401  401  401 401
inactive_address     401  401    401 401    401    401   401 401 401  401  401  401 401
wrong_address        403  403    403 403    403    403   403 403 403  403  403  403 403
other_realm          404  404    404 404    404    200   200 200 200  200  404  200 200
nothing_elsewhere    404  404    404 404    404    403   403 403 403  403  404  403 403
any_realm            200  200    200 204    204    200   200 200 200  200  200  200 200
any_realm_lacking    403  403    403 403    403    403   403 403 403  403  403  403 403
lacking              403  403    403 403    403    403   403 403 403  403  403  403 403
holding              200  200    200 204    204    200   200 200 200  200  200  200 200
holding_wildcard     200  200    200 204    204    200   200 403 403  200  200  200 200
admin                200  200    200 204    204    200   200 200 200  200  200  200 200
ak_no_token          401  401    401 401    401    401   401 401 401  401  401  401 401
ak_no_key            401  401    401 401    401    401   401 401 401  401  401  401 401
ak_bad_checksum      401  401    401 401    401    401   401 401 401  401  401  401 401
ak_unknown           401  401    401 401    401    401   401 401 401  401  401  401 401
ak_wrong_secret      401  401    401 401    401    401   401 401 401  401  401  401 401
ak_api_key           401  401    401 401    401    401   401 401 401  401  401  401 401
ak_session           401  401    401 401    401    401   401 401 401  401  401  401 401
ak_inactive          401  401    401 401    401    401   401 401 401  401  401  401 401
ak_expired           401  401    401 401    401    401   401 401 401  401  401  401 401
ak_elsewhere         403  403    403 403    403    403   403 403 403  403  403  403 403
ak_nothing           404  404    404 404    404    403   403 403 403  403  404  403 403
ak_lacking           404  404    404 404    404    403   403 403 403  403  404  403 403
ak_holding           404  404    404 404    404    200   200 200 200  200  404  200 200
ak_bearer            404  404    404 404    404    200   200 200 200  200  404  200 200
ak_other             404  404    404 404    404    200   200 200 200  200  404  200 200
ak_any_realm         200  200    200 204    204    200   200 200 200  200  200  200 200
ak_any_realm_lacking 403  403    403 403    403    403   403 403 403  403  403  403 403
ak_admin             200  200    200 204    204    200   200 200 200  200  200  200 200
"""

#: As by way of a proxy: who sits at this machine may read metrics.
FROM_AFAR = {"X-Forwarded-For": "203.0.113.9"}

Who = Callable[[Issue, str], Headers]
Ask = Callable[[str, str], TestResponse]


def basic(pair: str) -> Headers:
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def bearer_of(issued: Issued) -> Headers:
    return basic(f"{issued.credential.public_id}:{issued.secret}")


def raw(authorization: str) -> Who:
    return lambda issue, scope: {"Authorization": authorization}


def with_secret_of_another(issue: Issue, scope: str) -> Headers:
    return basic(f"{issue(scopes=('*',)).credential.public_id}:{issue().secret}")


def with_wrong_secret(issue: Issue, scope: str) -> Headers:
    """The checksum is right: only the database can tell."""
    access_key = issue(scopes=("*",)).credential.public_id
    body = "a" * 34
    return basic(f"{access_key}:{body}{checksum(access_key + body)}")


def unknown(issue: Issue, scope: str) -> Headers:
    return basic(":".join(mint_keypair()))


def keypair(user: str = "alice", *scopes: str, **draft: Any) -> Who:
    """Whoever holds this keypair; ``$`` stands for the scope that the route needs."""

    def who(issue: Issue, scope: str) -> Headers:
        needed = {"$": scope, "$*": scope.partition(":")[0] + ":*"}
        held = tuple(needed.get(s, s) for s in scopes)
        return bearer_of(issue(user, scopes=held, **draft))

    return who


def lacking(issue: Issue, scope: str) -> Headers:
    """Whoever holds all scopes but the one that the route needs."""
    return bearer_of(issue(scopes=tuple(sorted(KEYSVCS_OWN - {scope}))))


def lacking_anywhere(issue: Issue, scope: str) -> Headers:
    held = (*sorted(KEYSVCS_OWN - {scope}), "realm:any")
    return bearer_of(issue("bob", scopes=held))


CALLERS: dict[str, Who] = {
    "none": lambda issue, scope: {},
    "malformed": raw("Basic"),
    "no_base64": raw("Basic !"),
    "no_colon": raw("Basic bm9jb2xvbg=="),
    "unknown_scheme": raw("Negotiate abc"),
    "wrong_secret": with_wrong_secret,
    "wrong_checksum": with_secret_of_another,
    "unknown_key": unknown,
    "inactive": keypair("alice", "*", is_active=False),
    "expired": keypair("alice", "*", expires_at=LONG_AGO),
    "inactive_address": keypair("alice", "*", is_active=False, allowed_ips=ELSEWHERE),
    "wrong_address": keypair("alice", "*", allowed_ips=ELSEWHERE),
    "other_realm": keypair("bob", *sorted(KEYSVCS_OWN)),
    "nothing_elsewhere": keypair("bob"),
    "any_realm": keypair("bob", "$", "realm:any"),
    "any_realm_lacking": lacking_anywhere,
    "lacking": lacking,
    "holding": keypair("alice", "$"),
    "holding_wildcard": keypair("alice", "$*"),
    "admin": keypair("admin", "*"),
}

UNTOLD = [
    *("wrong_secret", "wrong_checksum", "unknown_key", "inactive", "expired"),
    *("ak_no_token", "ak_no_key", "ak_bad_checksum", "ak_unknown", "ak_api_key"),
    *("ak_wrong_secret", "ak_session", "ak_inactive", "ak_expired"),
]


#: Whoever carries a keypair, and whoever carries an access key.
EVERYONE = [*CALLERS, *TOKENS]


def table() -> dict[str, dict[str, int]]:
    return statuses_of(TABLE)


@pytest.fixture
def ask(stranger: Client, issue: Issue, service: Service) -> Ask:
    """Return a function that asks a route as a kind of caller, about alice's."""

    # Issuing is slow: each caller is made once for a scope, and a target lives on
    # until it is deleted.
    @cache
    def headers(who: str, scope: str) -> Headers:
        if who in CALLERS:
            return CALLERS[who](issue, scope)
        return headers_of(service, who, scope)

    target = lru_cache(lambda: issue("alice").credential.public_id)

    def ask(who: str, name: str) -> TestResponse:
        route = ROUTES[name]
        path = route.rule.replace("<user>", "alice")
        path = path.replace("<access_key>", "<credential_id>")
        answer = stranger.open(
            path.replace("<credential_id>", target()),
            method=route.method,
            json=route.json,
            headers=headers(who, route.scope) | FROM_AFAR,
        )
        if route.method == "DELETE" and answer.status_code == 204:
            target.cache_clear()
        return answer

    return ask


def routes_of(app: Flask) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            yield method, rule.rule


def test_the_table_names_every_route_and_no_other(app: Flask) -> None:
    guarded = {(route.method, route.rule) for route in ROUTES.values()}
    here = {
        (m, rule) for m, rule in routes_of(app) if not rule.startswith(ELSEWHERE_TOLD)
    }
    assert guarded | {("GET", rule) for rule in OPEN} | {GATE} == here
    assert len(guarded) == len(ROUTES)


def test_the_table_is_whole() -> None:
    assert set(table()) == set(EVERYONE)
    assert all(list(row) == list(ROUTES) for row in table().values())


def test_every_route_answers_every_caller_as_the_table_says(ask: Ask) -> None:
    found = {
        who: {name: ask(who, name).status_code for name in ROUTES} for who in EVERYONE
    }
    assert found == table()


def test_what_is_open_is_open_to_all(stranger: Client, issue: Issue) -> None:
    for path in OPEN.values():
        for who in ("none", "malformed", "unknown_scheme", "expired", "wrong_address"):
            headers = CALLERS[who](issue, "")
            answer = stranger.get(path, headers=headers, buffered=True)
            assert answer.status_code == 200, (who, path)
            assert "WWW-Authenticate" not in answer.headers


def test_every_answer_has_the_manners_of_its_family(ask: Ask) -> None:
    expected = table()
    for name, route in ROUTES.items():
        family_a = route.rule.startswith("/v2/admin/keypairs")
        challenge = 'Basic realm="keysvc"' if family_a else "Bearer"
        for who in EVERYONE:
            answer = ask(who, name)
            status = expected[who][name]
            told = answer.headers.getlist("WWW-Authenticate")
            assert told == ([challenge] if status == 401 else []), (who, name)
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Request-ID"]
            assert ("Content-Type" in answer.headers) is (status != 204)
            if status >= 400:
                assert answer.mimetype == "application/problem+json"
                assert answer.json is not None
                assert answer.json["status"] == status


def test_unknown_wrong_inactive_and_expired_look_the_same(ask: Ask) -> None:
    for name in ROUTES:
        seen = set()
        for who in UNTOLD:
            answer = ask(who, name)
            headers = [h for h in answer.headers if h[0] != "X-Request-ID"]
            seen.add((answer.status, answer.data, tuple(headers)))
        assert len(seen) == 1, name


TYPES = {
    "none": "auth-failed",
    "malformed": "invalid-auth-params",
    "no_base64": "invalid-auth-params",
    "no_colon": "invalid-auth-params",
    "unknown_scheme": "auth-failed",
    "wrong_secret": "auth-failed",
    "wrong_checksum": "auth-failed",
    "unknown_key": "auth-failed",
    "inactive": "auth-failed",
    "expired": "auth-failed",
    "wrong_address": "generic-forbidden",
    "lacking": "generic-forbidden",
    "other_realm": "keypair-not-found",
}


def test_keypairs_name_each_problem(ask: Ask) -> None:
    for name, route in ROUTES.items():
        if not route.rule.startswith("/v2"):
            continue
        found = {who: (ask(who, name).json or {})["type"] for who in TYPES}
        prefix = "https://api.backend.ai/probs/"
        assert found == {who: prefix + suffix for who, suffix in TYPES.items()}, name


STRANGE_PAIRS = [
    "KP\0:secret",
    "\u00e9:\u00e9",
    "KP" + "A" * 100_000 + ":" + "a" * 40,
    "a:b:c",
    "KPAAAA:",
    "' OR 1=1 --:x",
]


STRANGE_KEYS = ["KP\0", "\u00e9", "KP" + "A" * 5000, "KP\n", "'", "a b", "%"]


def test_a_strange_pair_is_an_unknown_one(stranger: Client) -> None:
    # With a right checksum too, which anyone can compute.
    right = [f"{k}:{'a' * 34}{checksum(k + 'a' * 34)}" for k in STRANGE_KEYS]
    found = {
        pair: stranger.report(
            "/v2/admin/keypairs/alice", headers=basic(pair)
        ).status_code
        for pair in STRANGE_PAIRS + right
    }
    assert found == dict.fromkeys(found, 401)
    assert len(found) == 13


MALFORMED = [
    "Basic",
    "basic ",
    "BASIC !!!!",
    "Basic a",
    "Basic YQ",
    "Basic " + b64encode(b"nocolon").decode(),
    "Basic " + b64encode(b":secret").decode(),
    "Basic " + b64encode(b"\xff\xfe:x").decode(),
    "Basic \u00e9\u00e9\u00e9\u00e9",
    "Basic YTpi YTpi",
]


def test_what_basic_cannot_read_is_malformed(stranger: Client) -> None:
    for authorization in MALFORMED:
        headers = {"Authorization": authorization}
        answer = stranger.report("/v2/admin/keypairs/alice", headers=headers)
        assert answer.status_code == 400, authorization
        assert answer.json is not None
        assert answer.json["type"].endswith("/probs/invalid-auth-params")
        assert "WWW-Authenticate" not in answer.headers

        answer = stranger.get("/v1/audit", headers=headers)
        assert answer.status_code == 401, authorization
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_scheme_is_read_in_any_case(stranger: Client, issue: Issue) -> None:
    _, _, parameters = bearer_of(issue(scopes=("*",)))["Authorization"].partition(" ")
    for scheme in ("Basic", "basic", "BASIC", "Basic "):
        headers = {"Authorization": f"{scheme} {parameters}"}
        answer = stranger.report("/v2/admin/keypairs/alice", headers=headers)
        assert answer.status_code == 200, scheme


def test_every_family_says_who_may_enter(app: Flask) -> None:
    mounted = {b for b in app.blueprints.values() if isinstance(b, FamilyBlueprint)}
    assert mounted >= set(FAMILIES)
    for family in mounted:
        assert family.entry in (authenticated, judged, public, watching)
        assert family.entry in family.before_request_funcs[None]


def test_only_routes_of_authenticated_families_are_guarded(app: Flask) -> None:
    guarded = {route.rule for route in ROUTES.values()}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(ELSEWHERE_TOLD):
            continue
        family = app.blueprints.get(rule.endpoint.rpartition(".")[0])
        entry = family.entry if isinstance(family, FamilyBlueprint) else public
        assert (rule.rule in guarded) is (entry in (authenticated, watching)), rule


def test_head_and_options_are_guarded_like_the_rest(app: Flask) -> None:
    client = app.test_client()
    for route in ROUTES.values():
        path = route.rule.replace("<user>", "alice").replace("<access_key>", "KPA")
        assert client.options(path, headers=FROM_AFAR).status_code == 401
        if route.method == "GET":
            assert client.head(path, headers=FROM_AFAR).status_code == 401


def every_error(kind: type[errors.KeysvcError]) -> Iterator[type[errors.KeysvcError]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from every_error(inner)


def test_every_error_has_a_status() -> None:
    found = set(every_error(errors.KeysvcError))
    assert len(found) >= 13
    assert found == set(STATUS)
    assert all(400 <= status < 600 for status in STATUS.values())


@pytest.mark.parametrize("shape", [CORE, KEYPAIRS, API_KEYS, LOGIN, ACCESS_KEYS])
def test_every_error_can_be_told_in_every_shape(shape: Shape) -> None:
    ours = set(every_error(errors.KeysvcError))
    for kind in ours | set(default_exceptions.values()):
        late = kind is errors.RateLimited
        error = errors.RateLimited("too often", 1.5) if late else kind()
        problem = problem_of(error, shape.statuses, shape.challenge)
        body = shape.body(problem)
        if shape.schema is DetailSchema:
            assert list(body) == ["detail"] and body["detail"]
        elif shape.schema is CodeSchema:
            assert not CodeSchema().validate(body)
            assert body["message"]
        else:
            assert body["status"] == problem.status
            assert body["type"]
        assert not late or problem.headers["Retry-After"] == "2"
        asked = problem.headers.get("WWW-Authenticate")
        if kind in ours:
            assert asked == (shape.challenge if problem.status == 401 else None)
            # A spent quota comes back when somebody fills it: nobody knows when.
            waits = problem.status in (429, 503) and kind is not errors.QuotaExceeded
            assert ("Retry-After" in problem.headers) is waits
