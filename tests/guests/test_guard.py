"""A host's own views, guarded with keys that keysvc issued."""

import time
from base64 import b64encode
from datetime import datetime
from datetime import UTC
from typing import Any

import pytest
from flask import Blueprint
from flask import Flask
from flask.testing import FlaskClient
from flask.views import MethodView

from keysvc.guard import current_credential
from keysvc.guard import KeyRequired
from keysvc.guard import require_key
from keysvc.model import Issued
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
    pair = f"{issued.credential.public_id}:{issued.secret}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def bearing(issued: Issued) -> Headers:
    return {"Authorization": f"Bearer {issued.secret}"}


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
    assert client.get("/keys-only", headers=bearing(key)).text == "never"
    assert client.get("/keys-only", headers=bearing(key)).status_code == 429


def test_of_the_wrong_family_nothing_is_taken(
    client: FlaskClient, new_key: NewKey
) -> None:
    key = new_key("api_key", scopes=["jobs:*"], remaining=3)
    for _ in range(4):
        assert client.post("/jobs", headers=bearing(key)).status_code == 403
    assert client.get("/mine", headers=bearing(key)).status_code == 200


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


def test_async_views_are_guarded_too(host: Flask) -> None:
    @host.get("/later")
    @require_key()
    async def later() -> str:
        return "later"

    assert host.test_client().get("/later").status_code == 401


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
    ],
)
def test_a_guard_that_nobody_could_pass_is_refused(
    demanded: dict[str, Any], word: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=word):
        require_key(*demanded.pop("kinds", ()), **demanded)
