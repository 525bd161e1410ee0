"""A host's own views, guarded with keys that keysvc issued."""

import time
from datetime import datetime
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint
from flask import Flask
from flask.testing import FlaskClient
from flask.views import MethodView

from keysvc import KeyService
from keysvc.core.background import finish_all
from keysvc.errors import Misconfigured
from keysvc.guard import current_credential
from keysvc.guard import KeyRequired
from keysvc.guard import require_key
from keysvc.model import Code
from keysvc.model import Issued
from keysvc.signals import verification_refused
from keysvc.store.connection import disconnect
from keysvc.testing import authorization_of
from keysvc.testing import revoke_key
from tests.api.signer import signer_of
from tests.conftest import Client
from tests.guests.conftest import NewKey
from tests.service.servers import REVOCATION

Headers = dict[str, str]


class Jobs(MethodView):
    decorators = [require_key("keypair", scopes=["jobs:run"], cost=3)]

    def post(self) -> dict[str, Any]:
        return {"by": current_credential.owner.id}


@pytest.fixture
def host(host: Flask) -> Flask:
    """Return an application with views and error pages of its own."""
    inner = Blueprint("inner", __name__, url_prefix="/inner")
    inner.before_request(require_key())

    @host.get("/open")
    def everyone() -> str:
        return "open"

    @host.get("/mine")
    @require_key()
    def mine() -> dict[str, Any]:
        known: dict[str, Any] = current_credential._asdict()
        return known

    @host.get("/keys-only")
    @require_key("api_key", "access_key")
    def keys_only() -> str:
        return "never"

    @inner.get("/twice")
    @require_key(scopes=["jobs:run"])
    def twice() -> str:
        return "twice"

    host.register_blueprint(inner)
    host.add_url_rule("/jobs", view_func=Jobs.as_view("jobs"))
    return host


@pytest.fixture
def client(host: Flask) -> FlaskClient:
    return host.test_client()


def carrying(issued: Issued) -> Headers:
    return {"Authorization": authorization_of(issued)}


def test_what_is_not_guarded_stays_open(client: FlaskClient) -> None:
    assert client.get("/open").text == "open"


def test_a_view_knows_who_was_let_in(client: FlaskClient, new_key: NewKey) -> None:
    issued = new_key(
        scopes=["b", "a"], name="laptop", expires_at=datetime(2100, 1, 1, tzinfo=UTC)
    )
    answer = client.get("/mine", headers=carrying(issued))
    assert answer.json == {
        "kind": "keypair",
        "id": issued.credential.public_id,
        "owner": ["user", "alice"],
        "name": "laptop",
        "scopes": ["b", "a"],
        "role_ids": [],
        "expires_at": "Fri, 01 Jan 2100 00:00:00 GMT",
    }


@pytest.mark.parametrize(
    ("path", "method", "draft", "status"),
    [
        ("/mine", "GET", {}, 200),
        ("/mine", "GET", {"is_active": False}, 401),
        ("/mine", "GET", {"allowed_ips": ("192.0.2.0/24",)}, 403),
        ("/keys-only", "GET", {}, 403),
        ("/jobs", "POST", {}, 403),
        ("/jobs", "POST", {"scopes": ("jobs:*",)}, 200),
        ("/jobs", "POST", {"scopes": ("jobs:*",), "remaining": 2}, 429),
        ("/jobs", "POST", {"scopes": ("jobs:*",), "rate_limit": 0}, 429),
        ("/inner/twice", "GET", {"scopes": ("jobs:*",)}, 200),
        ("/inner/twice", "GET", {}, 403),
        ("/inner/absent", "GET", {}, 404),
    ],
)
def test_a_guard_answers_like_any_error_of_the_host(
    client: FlaskClient,
    new_key: NewKey,
    path: str,
    method: str,
    draft: dict[str, Any],
    status: int,
) -> None:
    answer = client.open(path, method=method, headers=carrying(new_key(**draft)))
    assert answer.status_code == status
    if status == 429:
        assert ("Retry-After" in answer.headers) is ("rate_limit" in draft)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic x"},
        {"Authorization": "Digest x"},
        {"Authorization": "Bearer ksa_x"},
        {"X-API-Key": "ksa_x"},
    ],
)
def test_without_a_good_credential_nobody_is_let_in(
    client: FlaskClient, headers: Headers
) -> None:
    answer = client.get("/mine", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "The request carries no credential that is good here." in answer.text


def test_the_host_may_render_a_refusal_itself(host: Flask) -> None:
    host.register_error_handler(KeyRequired, lambda error: ("no key", 401))
    assert host.test_client().get("/mine").text == "no key"


def test_two_guards_take_once(
    host: Flask, client: FlaskClient, new_key: NewKey
) -> None:
    issued = new_key(scopes=("jobs:*",), remaining=1)
    assert client.get("/inner/twice", headers=carrying(issued)).text == "twice"
    assert client.get("/inner/twice", headers=carrying(issued)).status_code == 429


def test_a_key_of_another_family_is_none_of_these(
    client: FlaskClient, new_key: NewKey
) -> None:
    key = new_key("api_key", remaining=1)
    assert client.get("/keys-only", headers=carrying(key)).text == "never"
    assert client.get("/keys-only", headers=carrying(key)).status_code == 429


def test_of_the_wrong_family_nothing_is_taken(
    client: FlaskClient, new_key: NewKey
) -> None:
    key = new_key("api_key", scopes=["jobs:*"], remaining=3)
    for _ in range(4):
        assert client.post("/jobs", headers=carrying(key)).status_code == 403
    assert client.get("/mine", headers=carrying(key)).status_code == 200


def test_what_was_revoked_is_refused_within_a_second(
    app: Flask, client: FlaskClient, new_key: NewKey
) -> None:
    key = new_key("access_key")
    assert client.get("/mine", headers={"X-API-Key": key.secret}).status_code == 200
    revoke_key(app, key)
    # The host is another keysvc than the one that has revoked it.
    time.sleep(REVOCATION)
    assert client.get("/mine", headers={"X-API-Key": key.secret}).status_code == 401


@pytest.mark.parametrize("version", ["v4.20190615", "v3.20170101"])
def test_a_signed_request_is_let_in_once(
    host: Flask, new_key: NewKey, version: str
) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    signer = signer_of(new_key(scopes=["jobs:*"]), now).but(
        version=version, body_counts=version.startswith("v3")
    )
    host.test_client_class = Client
    client = host.test_client()
    assert isinstance(client, Client)
    statuses = [
        signer.send(client, "POST", "/jobs?a=%2F", b'{"a": 1}').status_code
        for _ in range(2)
    ]
    assert statuses == [200, 401]


def test_async_views_are_guarded_too(host: Flask, new_key: NewKey) -> None:
    @host.get("/later")
    @require_key()
    async def later() -> str:
        name: str = current_credential.name
        return name

    class Later(MethodView):
        decorators = [require_key()]

        async def get(self) -> str:
            return "a view of methods"

    host.add_url_rule("/methods", view_func=Later.as_view("later-methods"))
    client, headers = host.test_client(), carrying(new_key(name="mine"))
    assert client.get("/later").status_code == 401
    assert client.get("/methods").status_code == 401
    assert client.get("/later", headers=headers).text == "mine"
    assert client.get("/methods", headers=headers).text == "a view of methods"


def test_nobody_is_let_in_for_another_request(
    app: Flask, host: Flask, new_key: NewKey
) -> None:
    key = new_key("access_key")
    with host.app_context():
        good = host.test_client().get("/mine", headers=carrying(key))
        assert good.status_code == 200
        assert host.test_client().get("/mine").status_code == 401
        with pytest.raises(RuntimeError):
            assert current_credential.kind


def test_a_request_inside_of_a_request_is_one_of_its_own(
    host: Flask, new_key: NewKey
) -> None:
    @host.get("/around")
    @require_key()
    def around() -> list[int]:
        inner = host.test_client()
        wrong = inner.get("/mine", headers={"X-API-Key": "wrong"})
        return [wrong.status_code, inner.get("/mine").status_code]

    answer = host.test_client().get("/around", headers=carrying(new_key()))
    assert answer.json == [401, 401]


def test_a_browser_may_ask_before_it_sends_a_key(host: Flask) -> None:
    client = host.test_client()
    asked = client.options("/inner/twice")
    assert (asked.status_code, "GET" in asked.headers["Allow"]) == (200, True)
    assert client.options("/inner/absent").status_code == 404
    assert client.get("/inner/twice").status_code == 401


def test_what_a_second_guard_refuses_is_heard_of(host: Flask, new_key: NewKey) -> None:
    heard: list[dict[str, Any]] = []

    def hear(sender: Flask, **said: Any) -> None:
        heard.append(said)

    key = new_key()
    with verification_refused.connected_to(hear, sender=host):
        refused = host.test_client().get("/inner/twice", headers=carrying(key))
    assert refused.status_code == 403
    assert [(said["code"], said["id"]) for said in heard] == [
        (Code.FORBIDDEN, key.credential.wire_id)
    ]


def test_a_large_body_is_not_read_for_a_signature(host: Flask, new_key: NewKey) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    signer = signer_of(new_key(scopes=["jobs:*"]), now).but(
        version="v3.20170101", body_counts=True
    )
    host.test_client_class = Client
    client = host.test_client()
    assert isinstance(client, Client)
    for size, status in [(32 * 1024, 200), (32 * 1024 + 1, 401)]:
        assert signer.send(client, "POST", "/jobs", b"x" * size).status_code == status
    old = signer.but(date="2020-01-01T00:00:00+00:00")
    assert old.send(client, "POST", "/jobs", b"x").status_code == 401


def test_outside_of_a_guard_there_is_no_credential(host: Flask) -> None:
    with host.test_request_context(), pytest.raises(RuntimeError, match="require_key"):
        assert current_credential.kind


@pytest.mark.parametrize(
    ("demanded", "word"),
    [
        ({"kinds": ["passport"]}, "passport"),
        ({"scopes": ["Jobs"]}, "Jobs"),
        ({"scopes": "jobs:run"}, "list"),
        ({"cost": -1}, "cost"),
        ({"cost": 1_000_001}, "cost"),
        ({"cost": 1.5}, "cost"),
        ({"kinds": [lambda: "a view"]}, "parentheses"),
    ],
)
def test_a_guard_that_nobody_could_pass_is_refused(
    demanded: dict[str, Any], word: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=word):
        require_key(*demanded.pop("kinds", ()), **demanded)


def test_without_a_keysvc_a_guard_says_so() -> None:
    host = Flask("forgetful")
    host.get("/mine")(require_key()(lambda: "mine"))
    host.testing = True
    with pytest.raises(RuntimeError, match="KeyService"):
        host.test_client().get("/mine")


def test_what_keeps_credentials_from_being_verified_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    host = Flask("hasty")
    host.config["KEYSVC_HOME"] = str(tmp_path)
    KeyService(host, url_prefix="/keys")
    host.get("/mine")(require_key()(lambda: "mine"))
    header = {"X-API-Key": "ksa_x"}
    assert host.test_client().get("/mine", headers=header).status_code == 503
    assert host.test_client().get("/keys/v1/auth", headers=header).status_code == 503
    finish_all()
    disconnect()
    assert caplog.text.count("no credential can be verified: Migrations") == 2


def test_a_ring_that_cannot_be_right_stops_the_start() -> None:
    host = Flask("shop")
    host.config["KEYSVC_SECRET_KEYS"] = "short"
    with pytest.raises(Misconfigured, match="KEYSVC_SECRET_KEYS"):
        KeyService(host)
    disconnect()
