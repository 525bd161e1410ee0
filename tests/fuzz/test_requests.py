"""Hypothesis: bodies, paths and headers that no schema would make."""

import json
import string
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_from_bytes
from uuid import UUID

import jsonschema_rs
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import seed
from hypothesis import settings
from hypothesis import strategies as st
from werkzeug.test import Client
from werkzeug.test import TestResponse

from keysvc.model import Issued
from tests.fuzz.contract import AsQuery
from tests.fuzz.contract import SHARES

FAMILY = "/v2/admin/keypairs"
ORGANIZATIONS = "/organizations/"
PROBLEM = "application/problem+json"

#: The same requests in each run: CI does not fail by chance.
_SETTINGS = settings(
    derandomize=True,
    database=None,
    deadline=None,
    # The application is the same for all examples on purpose.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Ask = Callable[..., TestResponse]


@pytest.fixture
def ask(
    app: Flask, as_query: AsQuery, issue: Callable[..., Issued]
) -> Callable[..., TestResponse]:
    """Return a function that asks as an administrator, and holds what must hold."""
    issued = issue("admin", scopes=("*",))
    pair = f"{issued.credential.public_id}:{issued.secret}"
    basic = f"Basic {b64encode(pair.encode()).decode()}"
    document: Any = app.test_client().get("/openapi.json").json
    problem = jsonschema_rs.validator_for(document["components"]["schemas"]["Problem"])
    code = jsonschema_rs.validator_for(document["components"]["schemas"]["Code"])
    client = Client(as_query)

    def ask(method: str, target: str, **request: Any) -> TestResponse:
        headers = {"Authorization": basic, **request.pop("headers", {})}
        answer = client.open(target, method=method, headers=headers, **request)
        assert answer.status_code < 500, (method, target, request, answer.text)
        if answer.status_code >= 400 and target.startswith(ORGANIZATIONS):
            assert answer.mimetype == "application/json", (method, target)
            code.validate(answer.json)
        elif answer.status_code >= 400:
            assert answer.mimetype == PROBLEM, (method, target)
            problem.validate(answer.json)
            assert answer.json is not None
            assert answer.json["status"] == answer.status_code
        assert issued.secret not in answer.text
        return answer

    return ask


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([2**53, -(2**63), 2**64, 10**400, 1e308, "\x00", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=8)
            | st.sampled_from(
                ["props", "paging", "size", "index", "keys", "isActive", "ML", "cost"]
                + ["ML.clusterSize", "clusterSize", "scopes", "allowedIps", "expiresAt"]
                + ["description", "rateLimit", "remaining", "concurrecy", "concurrency"]
                + ["name", "roleIds", "roleRefs", "active"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
bodies = st.one_of(
    st.binary(max_size=60),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(["props", "paging", "isActive"]), json_values).map(
        lambda value: json.dumps(value).encode()
    ),
    st.integers(1, 20_000).map(lambda depth: b"[" * depth),
    st.integers(4200, 5000).map(lambda digits: b'{"a":' + b"1" * digits + b"}"),
)
operations = st.sampled_from(
    [
        ("QUERY", f"{FAMILY}/u1"),
        ("POST", f"{FAMILY}/u1/create"),
        ("GET", f"{FAMILY}/u1/KPA"),
        ("PATCH", f"{FAMILY}/u1/KPA"),
        ("DELETE", f"{FAMILY}/u1/KPA"),
        ("GET", f"{ORGANIZATIONS}o/access-keys"),
        ("POST", f"{ORGANIZATIONS}o/access-keys"),
        ("PATCH", f"{ORGANIZATIONS}o/access-keys/{UUID(int=1)}"),
        ("DELETE", f"{ORGANIZATIONS}o/access-keys/{UUID(int=1)}"),
        ("GET", "/v1/audit"),
        ("GET", "/"),
    ]
)
media_types = st.sampled_from(
    ["application/json"] * 6
    + ["application/problem+json", "text/plain", "application/x-www-form-urlencoded"]
    + ["multipart/form-data; boundary=x", "application/json; charset=utf-16", "", ";"]
)


def test_no_body_breaks_anything(ask: Ask, as_query: AsQuery) -> None:
    @seed(1)
    @settings(_SETTINGS, max_examples=SHARES["bodies"] + 50)
    @given(operations, bodies, media_types)
    def send(operation: tuple[str, str], body: bytes, media_type: str) -> None:
        answer = ask(*operation, data=body, content_type=media_type)
        if body and "json" not in media_type:
            assert answer.status_code == 415

    send()
    as_query.require("bodies")


segments = st.one_of(
    st.binary(max_size=12).map(quote_from_bytes),
    st.text(max_size=12).map(
        lambda text: quote_from_bytes(text.encode("utf-8", "replace"))
    ),
    st.sampled_from([".", "..", "%2e", "%2F", "%5c", "create", "%00", "%c0%af", ";x"]),
    st.integers(250, 260).map(lambda number: "a" * number),
)
queries = st.lists(
    st.tuples(
        st.sampled_from(["keys", "limit", "pageToken", "x", ""]),
        st.one_of(
            st.text(alphabet=string.printable, max_size=8),
            st.text(max_size=8),
            st.integers().map(str),
        ),
    ),
    max_size=3,
)
roots = st.sampled_from(["/v1/audit", FAMILY, ORGANIZATIONS + "o/access-keys"])
methods = st.sampled_from(
    ["GET", "QUERY", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE"]
)


def test_no_target_breaks_anything(ask: Ask, as_query: AsQuery) -> None:
    @seed(1)
    @settings(_SETTINGS, max_examples=SHARES["paths"] + 50)
    @given(methods, st.lists(segments, max_size=3), queries, roots)
    def send(
        method: str, parts: list[str], query: list[tuple[str, str]], root: str
    ) -> None:
        path = root if root == "/v1/audit" else "/".join([root, *parts])
        environ = {"RAW_URI": path, "REQUEST_URI": path}
        if method == "HEAD":
            # Its errors have no body to look at.
            method = "GET"
        clean = [(n, v.encode("utf-8", "replace").decode()) for n, v in query]
        answer = ask(method, path, query_string=dict(clean), environ_overrides=environ)
        if "%2F" in path and method in ("QUERY", "GET", "PATCH", "DELETE"):
            assert answer.status_code in (400, 404, 405)

    send()
    as_query.require("paths")


latin = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=40)
credentials = st.one_of(
    latin,
    latin.map(lambda text: f"Basic {text}"),
    st.binary(max_size=40).map(lambda pair: f"Basic {b64encode(pair).decode()}"),
    latin.map(lambda text: f"BackendAI {text}"),
    latin.map(lambda text: f"AccessKey {text}"),
    st.tuples(latin, latin).map(
        lambda pair: f"BackendAI signMethod=HMAC-SHA256, credential={pair[0]}:{pair[1]}"
    ),
)
names = st.sampled_from(
    ["Date", "X-BackendAI-Date", "X-BackendAI-Version", "X-Sorna-Version", "Host"]
    + [
        "X-Request-ID",
        "X-Method-Override",
        "X-Forwarded-For",
        "Content-Length",
        "Accept",
    ]
)
values = st.one_of(
    latin,
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.sampled_from(["v6.20220315", "v3.20170101", "REPORT", "0", "-1", "text/html"]),
)


def test_no_header_breaks_anything(ask: Ask, as_query: AsQuery) -> None:
    @seed(1)
    @settings(_SETTINGS, max_examples=SHARES["headers"] + 50)
    @given(operations, credentials, st.dictionaries(names, values, max_size=4))
    def send(
        operation: tuple[str, str], authorization: str, headers: dict[str, str]
    ) -> None:
        answer = ask(*operation, headers={**headers, "Authorization": authorization})
        guarded = operation[1] != "/" and "X-Method-Override" not in headers
        assert not guarded or answer.status_code in (400, 401)

    send()
    as_query.require("headers")


def test_it_is_as_much_as_was_asked_for() -> None:
    """Each share is sent on each of the two engines, and held to by its own test."""
    assert 2 * sum(SHARES.values()) >= 5000
