"""Hypothesis: bodies, paths and headers that no schema would make."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

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
from tests.api.answers import told
from tests.fuzz.contract import AsQuery
from tests.fuzz.contract import SHARES
from tests.fuzz.contract import TIMES
from tests.fuzz.strategies import ACCOUNT
from tests.fuzz.strategies import ACCOUNTS
from tests.fuzz.strategies import bodies
from tests.fuzz.strategies import credentials
from tests.fuzz.strategies import FAMILY
from tests.fuzz.strategies import KEYS
from tests.fuzz.strategies import LOGIN
from tests.fuzz.strategies import media_types
from tests.fuzz.strategies import methods
from tests.fuzz.strategies import names
from tests.fuzz.strategies import operations
from tests.fuzz.strategies import ORGANIZATIONS
from tests.fuzz.strategies import queries
from tests.fuzz.strategies import roots
from tests.fuzz.strategies import segments
from tests.fuzz.strategies import values

#: The same requests in each run: CI does not fail by chance.
_SETTINGS = settings(
    derandomize=True,
    database=None,
    deadline=None,
    # The application is the same for all examples on purpose.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Ask = Callable[..., TestResponse]


def shape_of(target: str) -> tuple[str, str]:
    """Return the schema and the media type of errors there."""
    if target.startswith(ORGANIZATIONS):
        return "Code", "application/json"
    if target.startswith("/api/"):
        return "Detail", "application/json"
    return "Problem", "application/problem+json"


@pytest.fixture
def ask(
    app: Flask, as_query: AsQuery, issue: Callable[..., Issued]
) -> Callable[..., TestResponse]:
    """Return a function that asks as an administrator, and holds what must hold."""
    issued = issue("admin", scopes=("*",))
    pair = f"{issued.credential.public_id}:{issued.secret}"
    basic = f"Basic {b64encode(pair.encode()).decode()}"
    document: Any = app.test_client().get("/openapi.json").json
    schemas = document["components"]["schemas"]
    client = Client(as_query)
    account = ""

    def ask(method: str, target: str, **request: Any) -> TestResponse:
        headers = {"Authorization": basic, **request.pop("headers", {})}
        target = target.replace(ACCOUNT, account)
        answer = client.open(target, method=method, headers=headers, **request)
        assert answer.status_code < 500, (method, target, request, answer.text)
        if answer.status_code >= 400:
            shape, media_type = shape_of(target)
            assert answer.mimetype == media_type, (method, target)
            jsonschema_rs.validator_for(schemas[shape]).validate(answer.json)
            if shape == "Problem":
                assert answer.json is not None
                assert answer.json["status"] == answer.status_code
        assert issued.secret not in answer.text
        return answer

    account = told(ask("POST", ACCOUNTS, json={"name": "ci", "active": True}))["id"]
    assert ask("POST", KEYS, json={"name": "runner"}).status_code == 200

    return ask


def test_no_body_breaks_anything(ask: Ask, as_query: AsQuery) -> None:
    @seed(1)
    @settings(_SETTINGS, max_examples=SHARES["bodies"] + 50)
    @given(operations, bodies, media_types)
    def send(operation: tuple[str, str], body: bytes, media_type: str) -> None:
        answer = ask(*operation, data=body, content_type=media_type)
        if operation[1] == LOGIN:
            assert answer.status_code in (400, 401, 429)
        elif body and "json" not in media_type:
            assert answer.status_code == 415

    send()
    as_query.require("bodies")


def test_no_target_breaks_anything(ask: Ask, as_query: AsQuery) -> None:
    @seed(1)
    @settings(_SETTINGS, max_examples=SHARES["paths"] + 50)
    @given(methods, st.lists(segments, max_size=3), queries, roots)
    def send(
        method: str, parts: list[str], query: list[tuple[str, str]], root: str
    ) -> None:
        path = "/".join([root, *(parts if root in (FAMILY, ACCOUNTS) else parts[:1])])
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


def test_no_header_breaks_anything(ask: Ask, as_query: AsQuery) -> None:
    @seed(1)
    @settings(_SETTINGS, max_examples=SHARES["headers"] + 50)
    @given(operations, credentials, st.dictionaries(names, values, max_size=4))
    def send(
        operation: tuple[str, str], authorization: str, headers: dict[str, str]
    ) -> None:
        answer = ask(*operation, headers={**headers, "Authorization": authorization})
        public = operation[1] in ("/", LOGIN)
        guarded = not public and "X-Method-Override" not in headers
        assert not guarded or answer.status_code in (400, 401)

    send()
    as_query.require("headers")


def test_it_is_as_much_as_was_asked_for() -> None:
    """Each share is sent on each of the two engines, and held to by its own test."""
    assert 2 * sum(SHARES.values()) >= (5_000 if TIMES == 1 else 20_000)
