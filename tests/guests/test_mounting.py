"""A host stays as it is when keysvc is mounted in it."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from flask import Blueprint
from flask import Flask
from flask import jsonify
from flask import request
from flask.cli import FlaskGroup
from flask.json.provider import DefaultJSONProvider
from flask.views import MethodView
from flask_smorest import Api
from flask_smorest import Blueprint as SmorestBlueprint
from werkzeug.exceptions import HTTPException

from keysvc import KeyService
from keysvc.errors import Misconfigured
from keysvc.guard import require_key
from keysvc.testing import client_with_key

Mount = Callable[..., Flask]


class Shouting(DefaultJSONProvider):
    """A JSON like nobody else's."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return super().dumps(obj, **kwargs).upper()


@pytest.fixture
def host() -> Flask:
    """Return an application with everything of its own."""
    host = Flask("shop")
    host.json = Shouting(host)
    host.config.update(
        MAX_CONTENT_LENGTH=10,
        API_TITLE="shop",
        API_VERSION="7",
        OPENAPI_VERSION="3.1.0",
    )
    api = Api(host)
    things = SmorestBlueprint("things", __name__, url_prefix="/things")

    @things.route("/")
    class Things(MethodView):
        @things.response(200)  # type: ignore[untyped-decorator]
        def get(self) -> dict[str, str]:
            return {"a": "thing"}

    api.register_blueprint(things)

    @host.post("/echo")
    def echo() -> Any:
        return jsonify(request.get_data(as_text=True))

    @host.get("/broken")
    def broken() -> str:
        raise ZeroDivisionError

    @host.errorhandler(HTTPException)
    def page(error: Any) -> tuple[str, int]:
        return f"the host's page for {error.code}", error.code

    @host.errorhandler(ZeroDivisionError)
    def broken_page(error: ZeroDivisionError) -> tuple[str, int]:
        return "the host's own trouble", 500

    @host.after_request
    def mark(response: Any) -> Any:
        response.headers["X-Shop"] = "open"
        return response

    return host


def test_errors_of_each_are_its_own(host: Flask, mounted: Mount) -> None:
    client = mounted(host).test_client()
    assert client.get("/absent").text == "the host's page for 404"
    assert client.get("/broken").text == "the host's own trouble"
    assert client.get("/keys/absent").text == "the host's page for 404"
    refused = client.open("/keys/v2/admin/keypairs/alice", method="REPORT")
    assert refused.status_code == 401
    assert refused.mimetype == "application/problem+json"
    assert b'"title":"Unauthorized"' in refused.data
    wrong_method = client.put("/keys/v2/admin/keypairs/alice")
    assert wrong_method.status_code == 405


def test_the_json_of_each_is_its_own(host: Flask, mounted: Mount) -> None:
    host = mounted(host)
    client = host.test_client()
    assert client.get("/things/").data == b'{"A":"THING"}\n'
    assert client.get("/keys/healthz").data == b'{"status":"ok"}\n'
    page = client_with_key(host, "keypair", scopes=["*"]).get("/keys/v1/audit")
    assert set(page.json or {}) == {"items", "nextPageToken"}


def test_the_body_limits_of_each_are_its_own(host: Flask, mounted: Mount) -> None:
    host = mounted(host)
    assert host.test_client().post("/echo", data="x" * 11).status_code == 413
    assert host.test_client().post("/echo", data="x" * 10).status_code == 200
    made = client_with_key(host, "keypair", scopes=["*"]).post(
        "/keys/v2/admin/keypairs/alice/create",
        data=f'{{"props": {{"description": "{"d" * 99}"}}}}',
        content_type="application/json",
    )
    assert made.status_code == 200, made.text


def test_the_host_goes_on_hearing_of_every_request(host: Flask, mounted: Mount) -> None:
    heard = []
    host.before_request(lambda: heard.append(request.path))
    client = mounted(host).test_client()
    client.get("/things/")
    assert client.get("/keys/healthz").headers["X-Shop"] == "open"
    assert heard == ["/things/", "/keys/healthz"]


def test_a_form_that_the_host_has_read_already_is_still_a_form(mounted: Mount) -> None:
    host = mounted(Flask("shop"))
    host.before_request(lambda: request.form.get("x") and None)
    refused = host.test_client().post(
        "/keys/api/v1/login", data={"username": "olga", "password": "wrong"}
    )
    assert refused.status_code == 401


def test_the_documents_of_both_are_whole(host: Flask, mounted: Mount) -> None:
    host.config.update(OPENAPI_URL_PREFIX="/", OPENAPI_JSON_PATH="shop.json")
    Api(host).register_blueprint(SmorestBlueprint("more", __name__))
    client = mounted(host).test_client()
    keys = client.get("/keys/openapi.json").json or {}
    assert keys["servers"] == [{"url": "/keys"}]
    assert "/v2/admin/keypairs/{user}" in keys["paths"]
    assert not [path for path in keys["paths"] if path.startswith("/keys")]


def test_the_document_knows_where_the_host_is_mounted(
    host: Flask, mounted: Mount
) -> None:
    client = mounted(host).test_client()
    below = client.get("/keys/openapi.json", environ_overrides={"SCRIPT_NAME": "/shop"})
    assert (below.json or {})["servers"] == [{"url": "/shop/keys"}]


def test_alone_the_document_is_of_the_root(app: Flask) -> None:
    document = app.test_client().get("/openapi.json").json or {}
    assert document["servers"] == [{"url": "/"}]


def test_with_no_prefix_at_all_nothing_is_mounted(host: Flask, mounted: Mount) -> None:
    before = {rule.rule for rule in host.url_map.iter_rules()}
    host = mounted(host, None)
    assert {rule.rule for rule in host.url_map.iter_rules()} == before
    assert host.test_client().get("/v1/auth").text == "the host's page for 404"
    assert "keysvc" in host.cli.list_commands(click.Context(FlaskGroup()))


@pytest.mark.parametrize("prefix", ["keys", "/keys/", "/", "/a b", "/<x>", "//x"])
def test_a_prefix_is_a_path(prefix: str) -> None:
    with pytest.raises(ValueError, match="/keys"):
        KeyService(url_prefix=prefix)


def test_the_deepest_prefix_will_do(host: Flask, mounted: Mount) -> None:
    client = mounted(host, "/a/b.c/d-e").test_client()
    assert client.get("/a/b.c/d-e/healthz").status_code == 200
    listed = client.post(
        "/a/b.c/d-e/v2/admin/keypairs/alice", headers={"X-Method-Override": "REPORT"}
    )
    assert listed.status_code == 401


def test_a_guard_around_all_of_it_and_a_scheme_take_once(mounted: Mount) -> None:
    host = mounted(Flask("shop"))
    host.before_request(require_key())
    client = client_with_key(
        host, "access_key", owner="acme", scopes=["access-keys:read"], remaining=2
    )
    path = "/keys/organizations/acme/access-keys"
    assert [client.get(path).status_code for _ in range(3)] == [200, 200, 429]


def test_a_second_registration_is_refused(host: Flask, mounted: Mount) -> None:
    with pytest.raises(RuntimeError, match="already"):
        KeyService(mounted(host), url_prefix="/again")


def test_two_hosts_share_one_key_store(host: Flask, mounted: Mount) -> None:
    one, two = mounted(host), mounted(Flask("office"), "/other")
    key = client_with_key(one, "keypair", scopes=["audit:read", "realm:any"])
    header = {"Authorization": key.environ_base["HTTP_AUTHORIZATION"]}
    assert two.test_client().get("/other/v1/audit", headers=header).status_code == 200


def test_another_key_store_is_refused(
    host: Flask, mounted: Mount, config: dict[str, Any], tmp_path: Path
) -> None:
    mounted(host)
    other = Flask("office")
    other.config.update(config, KEYSVC_DATABASE_URL=f"sqlite:///{tmp_path}/other.db")
    with pytest.raises(Misconfigured, match="KEYSVC_DATABASE_URL"):
        KeyService(other)


def test_a_factory_may_register_later(host: Flask, config: dict[str, Any]) -> None:
    keys = KeyService(url_prefix="/keys")
    assert not vars(keys).keys() & {"app", "_app"}


def test_the_logging_of_the_host_is_its_own(host: Flask, mounted: Mount) -> None:
    before = [*logging.getLogger().handlers], logging.getLogger().level
    mounted(host)
    assert ([*logging.getLogger().handlers], logging.getLogger().level) == before
    assert host.logger.name == "shop"


def test_blueprints_of_the_host_keep_their_handlers(
    host: Flask, mounted: Mount
) -> None:
    inner = Blueprint("inner", __name__)
    inner.register_error_handler(418, lambda error: ("a pot", 418))
    inner.add_url_rule("/tea", view_func=lambda: ("", 418), endpoint="tea")
    host.register_blueprint(inner)
    assert mounted(host).test_client().get("/tea").status_code == 418
