"""Defects of the stock stack: each shown on a minimal application, then not here."""

import json
from base64 import b64encode
from collections.abc import Callable
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import marshmallow as ma
import pytest
from flask import Flask
from flask import jsonify
from flask import request
from flask_smorest import Api
from flask_smorest import Blueprint
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import TooManyRequests
from werkzeug.exceptions import Unauthorized
from werkzeug.test import TestResponse

from keysvc.core.service import Service
from keysvc.extension import KeyService
from keysvc.model import Issued
from tests.api.answers import problem
from tests.api.answers import told
from tests.conftest import Client

USER = "/v2/admin/keypairs/u1"
CREATE = f"{USER}/create"
MAX = 64 * 1024


class Item(ma.Schema):
    """What the stock application takes, all of it optional."""

    isActive = ma.fields.Boolean()
    index = ma.fields.Integer()
    note = ma.fields.Raw()


class StrictItem(ma.Schema):
    """What looks like the remedy for 2.58, and is too strict."""

    index = ma.fields.Integer(strict=True)


def stock() -> Flask:
    """Return a minimal application of flask-smorest, as its own guide writes it."""
    app = Flask("stock")
    app.config.update(
        API_TITLE="stock",
        API_VERSION="1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX="/",
        MAX_CONTENT_LENGTH=MAX,
    )
    app.test_client_class = Client
    blp = Blueprint("items", __name__, url_prefix="/items")

    def take(item: dict[str, Any]) -> Any:
        return jsonify(item)

    def take_strictly(item: dict[str, Any]) -> Any:
        return jsonify(item)

    def create(item: dict[str, Any], user: str) -> Any:
        return jsonify(item | {"user": user})

    def unauthorized() -> None:
        raise Unauthorized(www_authenticate=WWWAuthenticate("basic", {"realm": "x"}))

    def busy() -> None:
        raise TooManyRequests("Later.", retry_after=7)

    for path, methods, view in (
        ("", ["POST", "REPORT"], blp.arguments(Item)(take)),
        ("/strict", ["POST"], blp.arguments(StrictItem)(take_strictly)),
        ("/<user>/create", ["POST"], blp.arguments(Item)(create)),
        ("/401", ["GET"], unauthorized),
        ("/429", ["GET"], busy),
    ):
        blp.route(path, methods=methods)(view)
    Api(app).register_blueprint(blp)
    return app


@pytest.fixture
def before() -> Client:
    """Return a client of the stock application."""
    client = stock().test_client()
    assert isinstance(client, Client)
    return client


def chunked(client: Client, path: str, body: bytes, method: str) -> TestResponse:
    """Send *body* in chunks: its length is told nowhere."""
    return client.open(
        path,
        method=method,
        input_stream=BytesIO(body),
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )


def raw(client: Client, path: str, body: bytes, method: str = "POST") -> TestResponse:
    return client.open(path, method=method, data=body, content_type="application/json")


# Methods (FACTS 1).


def test_405_without_allow(before: Client, admin: Client) -> None:
    answer = before.put("/items")
    assert answer.status_code == 405
    assert "Allow" not in answer.headers

    answer = admin.put(USER)
    assert problem(answer) == (405, "method-not-allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "REPORT"}


def test_report_is_silently_missing_from_the_contract(
    before: Client, stranger: Client
) -> None:
    assert before.report("/items", json={}).status_code == 200
    item = told(before.get("/openapi.json"))["paths"]["/items"]
    assert "post" in item
    assert "report" not in json.dumps(item).lower()

    item = told(stranger.get("/openapi.json"))["paths"]["/v2/admin/keypairs/{user}"]
    assert set(item["additionalOperations"]) == {"REPORT"}


def test_an_optional_body_is_said_to_be_required(before: Client, admin: Client) -> None:
    assert before.post("/items").status_code == 200
    document = told(before.get("/openapi.json"))
    assert document["paths"]["/items"]["post"]["requestBody"]["required"] is True

    assert admin.post(CREATE).status_code == 200
    document = told(admin.get("/openapi.json"))
    path = document["paths"]["/v2/admin/keypairs/{user}/create"]
    assert path["post"]["requestBody"]["required"] is False


# Values (FACTS 1).


@pytest.mark.parametrize("value", [0, 1, "yes", "on", "true", "0"])
def test_what_is_no_boolean_is_taken_for_one(
    before: Client, admin: Client, value: object
) -> None:
    answer = before.post("/items", json={"isActive": value})
    assert told(answer)["isActive"] in (True, False)

    answer = admin.post(CREATE, json={"isActive": value})
    assert problem(answer) == (400, "invalid-api-params")
    assert set(told(answer)["errors"]) == {"isActive"}


@pytest.mark.parametrize("value", [2.58, " 2 ", "1_0", "٣"])
def test_what_is_no_integer_is_taken_for_one(
    before: Client, admin: Client, value: object
) -> None:
    assert isinstance(told(before.post("/items", json={"index": value}))["index"], int)

    answer = admin.report(USER, json={"paging": {"index": value}})
    assert problem(answer) == (400, "invalid-api-params")
    assert set(told(answer)["errors"]) == {"paging.index"}


def test_a_whole_number_with_a_point_is_refused(before: Client, admin: Client) -> None:
    answer = raw(before, "/items/strict", b'{"index": 76.0}')
    assert answer.status_code == 422

    body = b'{"paging": {"size": 76.0, "index": 0.0}}'
    assert raw(admin, USER, body, "REPORT").status_code == 200


# Bodies (FACTS 2).


@pytest.mark.parametrize(
    "media_type", ["application/x-www-form-urlencoded", "", "text/plain"]
)
def test_a_body_of_another_type_is_ignored(
    before: Client, admin: Client, media_type: str
) -> None:
    sent: dict[str, Any] = {"data": b'{"isActive": 5}', "content_type": media_type}
    answer = before.post("/items", **sent)
    assert (answer.status_code, told(answer)) == (200, {})

    assert problem(admin.post(CREATE, **sent)) == (415, "unsupported-media-type")
    assert problem(admin.report(USER, **sent)) == (415, "unsupported-media-type")


@pytest.mark.parametrize(
    "body",
    [b'{"note":' * 100_000, b'{"note":' + b"1" * 5000 + b"}"],
    ids=["nesting", "digits"],
)
def test_a_small_body_is_a_500(before: Client, admin: Client, body: bytes) -> None:
    body = body[:60_000]
    assert raw(before, "/items", body).status_code == 500

    assert problem(raw(admin, CREATE, body)) == (400, "invalid-api-params")


def test_a_small_body_of_a_stranger_is_no_500_either(stranger: Client) -> None:
    answer = raw(stranger, CREATE, b"[" * 60_000)
    assert problem(answer) == (400, "invalid-api-params")


def test_a_chunked_body_is_cut_at_the_limit(
    before: Client, admin: Client, service: Service
) -> None:
    # All that lies behind the limit is lost without a word.
    body = b'{"note": 1}'.ljust(MAX) + b', "isActive": false}'
    assert len(body) > MAX
    assert raw(before, "/items", body).status_code == 413
    answer = chunked(before, "/items", body, "POST")
    assert (answer.status_code, told(answer)) == (200, {"note": 1})

    body = b'{"isActive": true}'.ljust(MAX) + b"garbage"
    for answer in (chunked(admin, CREATE, body, "POST"), raw(admin, CREATE, body)):
        assert problem(answer) == (413, "payload-too-large")
    assert told(admin.report(USER))["paging"]["count"] == 0


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_is_no_json_is_read(before: Client, admin: Client, number: bytes) -> None:
    body = b'{"note": ' + number + b"}"
    assert raw(before, "/items", body).status_code == 200

    answer = raw(admin, CREATE, body)
    assert problem(answer) == (400, "invalid-api-params")
    assert "is no JSON" in told(answer)["detail"]


def test_of_two_equal_names_the_last_one_wins(before: Client, admin: Client) -> None:
    body = b'{"isActive": false, "isActive": true}'
    assert told(raw(before, "/items", body)) == {"isActive": True}

    answer = raw(admin, CREATE, body)
    assert problem(answer) == (400, "invalid-api-params")
    assert "twice" in told(answer)["detail"]


def test_half_a_surrogate_pair_goes_in_and_out(before: Client, admin: Client) -> None:
    body = rb'{"note": "\ud800"}'
    answer = raw(before, "/items", body)
    assert answer.status_code == 200
    assert r"\ud800" in answer.text

    assert problem(raw(admin, CREATE, body)) == (400, "invalid-api-params")


# Errors (FACTS 2).


def test_headers_of_errors_are_dropped(
    before: Client, stranger: Client, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = before.get("/items/401")
    assert answer.status_code == 401
    assert "WWW-Authenticate" not in answer.headers
    answer = before.get("/items/429")
    assert answer.status_code == 429
    assert "Retry-After" not in answer.headers

    answer = stranger.report(USER)
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="keysvc"'

    def busy(*arguments: object) -> None:
        raise TooManyRequests("Later.", retry_after=7)

    monkeypatch.setitem(app.view_functions, "keysvc-health.healthz", busy)
    answer = stranger.get("/healthz")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert told(answer)["detail"] == "Later."


def test_an_error_in_the_stock_shape_says_little(before: Client, admin: Client) -> None:
    answer = before.post("/items", json={"x": 1})
    assert answer.mimetype == "application/json"
    assert "type" not in told(answer)

    answer = admin.report(USER, json={"x": 1})
    assert answer.mimetype == "application/problem+json"
    assert set(told(answer)) == {"type", "title", "status", "detail", "errors"}


def test_a_slash_too_many_is_a_redirect_in_html(admin: Client, app: Flask) -> None:
    guide = stock()
    guide.add_url_rule("/tree/", view_func=lambda: "")
    answer = guide.test_client().get("/tree")
    assert (answer.status_code, answer.mimetype) == (308, "text/html")

    answer = admin.report(f"{USER}/")
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"


def own_error(error: HTTPException) -> Any:
    return "the host's own page", error.code


@pytest.fixture
def host(config: dict[str, Any], app: Flask) -> Iterator[Flask]:
    """Return somebody else's application, with an error page of its own."""
    host = Flask("host")
    host.config.update(config)
    host.register_error_handler(HTTPException, own_error)
    host.add_url_rule("/take", view_func=_take_json, methods=["POST"])
    yield host


def _take_json() -> Any:
    return jsonify(request.get_json(), len(request.get_data()))


def test_the_hosts_error_page_is_replaced(host: Flask) -> None:
    for mounted in (False, True):
        guide = Flask("guide")
        guide.register_error_handler(HTTPException, own_error)
        if mounted:
            guide.config.update(API_TITLE="x", API_VERSION="1", OPENAPI_VERSION="3.0.3")
            Api(guide)
        page = guide.test_client().get("/x").text
        assert (page == "the host's own page") is not mounted

    KeyService(host)
    client = host.test_client()
    for answer in (client.get("/x"), client.post("/take", data="{")):
        assert answer.text == "the host's own page"
    answer = client.open(USER, method="REPORT")
    assert problem(answer) == (401, "auth-failed")


def test_the_hosts_own_routes_keep_their_manners(host: Flask) -> None:
    KeyService(host)
    client = host.test_client()
    body = json.dumps("a" * 100_000).encode()
    answer = client.post(
        "/take",
        data=body,
        content_type="application/json",
        headers={"X-Method-Override": "REPORT"},
    )
    assert answer.status_code == 200
    assert told(answer)[1] == len(body)
    assert "X-Request-ID" not in answer.headers
    assert "Cache-Control" not in answer.headers


# Paths (FACTS 12).


def test_a_path_is_cut_anew_when_it_is_decoded(before: Client, admin: Client) -> None:
    # The server says /items/a%2Fcreate, the router reads /items/a/create.
    answer = before.post("/items/a%2Fcreate", json={})
    assert (answer.status_code, told(answer)) == (200, {"user": "a"})

    for path in ("u1%2Fcreate", "u1%2fcreate"):
        target = f"/v2/admin/keypairs/{path}"
        environ = {"RAW_URI": target, "REQUEST_URI": target}
        answer = admin.post(target, environ_overrides=environ)
        assert problem(answer) == (400, "invalid-api-params"), path
    assert told(admin.report(USER))["paging"]["count"] == 0


def test_a_control_character_reaches_the_view(before: Client, admin: Client) -> None:
    answer = before.post("/items/a%00%0Ab/create", json={})
    assert told(answer) == {"user": "a\x00\nb"}

    answer = admin.post("/v2/admin/keypairs/a%00%0Ab/create")
    assert problem(answer) == (400, "invalid-api-params")


def test_no_header_of_an_answer_goes_beyond_latin_1(
    stranger: Client, issue: Callable[..., Issued]
) -> None:
    """gunicorn answers 500 to those; none of ours repeats what a client has sent."""
    issued = issue("josé€", scopes=("*",))
    pair = f"{issued.credential.public_id}:{issued.secret}".encode()
    headers = {
        "Authorization": f"Basic {b64encode(pair).decode()}",
        "X-Request-ID": "\u00ff\u00fe",
    }
    for answer in (
        stranger.report("/v2/admin/keypairs/jos%C3%A9%E2%82%AC", headers=headers),
        stranger.get("/v2/admin/keypairs/%E2%82%AC", headers=headers),
        stranger.put("/v2/admin/keypairs/%E2%82%AC", headers=headers),
    ):
        assert answer.status_code in (200, 405)
        for name, value in answer.headers:
            value.encode("ascii")
            assert name
