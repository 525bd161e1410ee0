"""Log lines: one JSON object each, with the request's id, without what clients put."""

import io
import json
import logging
from base64 import b64decode
from collections.abc import Callable
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from keysvc import create_app
from keysvc.core.background import finish_all
from keysvc.gunicorn_conf import logconfig_dict
from keysvc.logs import JsonFormatter
from keysvc.logs import WithoutRequest
from keysvc.store.connection import disconnect
from tests.conftest import Client
from tests.conftest import Tenant

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Return a function that returns what ``keysvc`` has logged, read from JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("keysvc")
    logger.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)


def test_a_request_is_one_line(admin: Client, lines: Lines) -> None:
    admin.report("/v2/admin/keypairs/u1", headers={"X-Request-ID": "from-afar.1"})

    [line] = lines()
    assert line["level"] == "INFO"
    assert line["logger"] == "keysvc.request"
    assert line["method"] == "REPORT"
    assert line["route"] == "/v2/admin/keypairs/<user>"
    assert line["status"] == 200
    assert line["requestId"] == "from-afar.1"
    assert line["caller"].startswith("KP")
    assert line["ms"] > 0
    assert datetime.fromisoformat(line["time"]).tzinfo is not None


def test_the_line_has_the_id_of_the_answer(stranger: Client, lines: Lines) -> None:
    answers = [
        stranger.get("/healthz", headers={"X-Request-ID": given})
        for given in ("", "with space", "x" * 65, "a\tb", "é")
    ]

    said = [line["requestId"] for line in lines()]
    assert said == [answer.headers["X-Request-ID"] for answer in answers]
    assert len(set(said)) == len(answers)
    assert all(len(request_id) == 36 for request_id in said)


def test_what_clients_choose_is_not_told(stranger: Client, lines: Lines) -> None:
    stranger.get("/v2/admin/keypairs/a-user/a-key?keys=a-query")
    stranger.open("/nowhere/a-path?a-query", method="A-METHOD")

    told, unknown = lines()
    assert (told["method"], unknown["method"]) == ("GET", "OTHER")
    assert (told["status"], told["caller"]) == (401, None)
    assert (unknown["status"], unknown["route"]) == (404, None)
    said = json.dumps([told, unknown])
    chosen = ("a-user", "a-key", "a-query", "a-path", "A-METHOD")
    assert not [x for x in chosen if x in said]


def test_a_fault_is_one_line_that_tells_where_it_was(
    app: Flask, stranger: Client, lines: Lines
) -> None:
    @app.get("/broken/<path>")
    def broken(path: str) -> str:
        raise RuntimeError(path)

    answer = stranger.get("/broken/a-path?a-query", headers={"X-Request-ID": "r1"})

    assert answer.status_code == 500
    fault, request = lines()
    assert fault["level"] == "ERROR"
    assert "in broken" in fault["message"]
    assert fault["message"].endswith("\nRuntimeError")
    assert fault["requestId"] == request["requestId"] == "r1"
    said = answer.text + json.dumps([fault, request])
    assert not [x for x in ("a-path", "a-query") if x in said]


def test_outside_of_a_request_there_is_no_request_id(lines: Lines) -> None:
    logging.getLogger("keysvc.somewhere").warning("hello %s", "world")

    [line] = lines()
    assert line["message"] == "hello world"
    assert "requestId" not in line


def test_the_access_log_can_be_switched_off(
    config: dict[str, Any], lines: Lines
) -> None:
    app = create_app({**config, "KEYSVC_ACCESS_LOG": "no"})

    assert app.test_client().get("/healthz").status_code == 200

    assert lines() == []
    finish_all()
    disconnect()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_level_is_a_setting(config: dict[str, Any], lines: Lines) -> None:
    app = create_app({**config, "KEYSVC_LOG_LEVEL": "WARNING"})

    assert app.test_client().get("/healthz").status_code == 200
    logging.getLogger("keysvc").warning("this")

    assert [line["message"] for line in lines()] == ["this"]
    finish_all()
    disconnect()


@pytest.mark.parametrize(
    ("message", "arguments", "kept"),
    [
        (
            "Invalid request from ip=192.0.2.1: Invalid HTTP Header: 'SECRET'",
            (),
            "Invalid request from ip=192.0.2.1",
        ),
        (
            "Invalid request from ip=2001:db8::1: Invalid HTTP Header: 'SECRET'",
            (),
            "Invalid request from ip=2001:db8::1",
        ),
        ("Error handling request %s", ("/?SECRET",), "Error handling request"),
        (
            "Error handling request %s %s",
            ("GET", "/?SECRET"),
            "Error handling request",
        ),
        ("Listening at: %s (%s)", ("http://a", 7), "Listening at: http://a (7)"),
        ("Handling signal: %s", ("term",), "Handling signal: term"),
    ],
)
def test_gunicorn_tells_nothing_of_a_request(
    message: str, arguments: tuple[object, ...], kept: str
) -> None:
    record = logging.LogRecord("g", logging.INFO, "", 0, message, arguments, None)

    assert WithoutRequest().filter(record)

    assert record.getMessage() == kept


def test_every_logger_of_gunicorn_writes_through_the_filter() -> None:
    assert logconfig_dict["filters"] == {
        "without-request": {"()": "keysvc.logs.WithoutRequest"}
    }
    loggers: Any = logconfig_dict["loggers"]
    assert loggers["gunicorn.error"]["filters"] == ["without-request"]


def test_a_refusal_says_why_and_whose(
    tenant: Tenant, stranger: Client, lines: Lines
) -> None:
    """Its bearer is told nothing of it; the ids lead from the one to the other."""
    switched_off = tenant("alice", is_active=False)

    for path in ("/v1/audit", "/v1/auth"):
        switched_off.get(path, headers={"X-Request-ID": "r1"})
        stranger.get(
            path, headers={"X-Request-ID": "r2", "Authorization": "Bearer ksa_x"}
        )

    refusals = [line for line in lines() if line["message"] == "refused"]
    told = [(x["requestId"], x["code"], x["kind"]) for x in refusals]
    assert told == [("r1", "INACTIVE", "keypair"), ("r2", "UNKNOWN", None)] * 2
    assert [x["id"] and x["id"][:2] for x in refusals] == ["KP", None] * 2
    requests = [x for x in lines() if x["message"] == "request"]
    assert [(x["requestId"], x["status"]) for x in requests] == [
        ("r1", 401),
        ("r2", 401),
    ]


def test_a_question_names_who_asks_and_who_was_refused(
    tenant: Tenant, lines: Lines
) -> None:
    asker, other = tenant("asker", "verify", "realm:any"), tenant("bob")
    user = basic_user(asker)
    access_key, _, secret = decoded(other).partition(":")
    question = {"accessKey": access_key, "secretKey": secret, "scopes": ["jobs:run"]}

    assert asker.post("/v1/verify", json=question).status_code == 200

    [refusal] = [line for line in lines() if line["message"] == "refused"]
    assert (refusal["code"], refusal["id"]) == ("FORBIDDEN", access_key)
    assert refusal["caller"] == user
    assert secret not in json.dumps(lines())


def test_a_refused_login_is_told_without_the_name(
    stranger: Client, lines: Lines
) -> None:
    form = {"username": "a-password-in-the-wrong-field", "password": "wrong"}
    answer = stranger.post("/api/v1/login", data=form)

    refusal, request = lines()
    assert refusal["message"] == "login refused"
    assert (refusal["by"], refusal["code"]) == ("password", "UNKNOWN")
    assert refusal["requestId"] == request["requestId"]
    assert refusal["requestId"] == answer.headers["X-Request-ID"]
    assert "a-password" not in json.dumps([refusal, request])


def decoded(client: Client) -> str:
    """Return the pair that *client* carries."""
    header: str = client.environ_base["HTTP_AUTHORIZATION"]
    return b64decode(header.removeprefix("Basic ")).decode()


def basic_user(client: Client) -> str:
    """Return the access key that *client* carries."""
    return decoded(client).partition(":")[0]
