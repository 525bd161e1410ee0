"""A host's own views, guarded with keys that keysvc issued."""

from base64 import b64encode
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint
from flask import Flask
from flask.testing import FlaskClient
from flask.views import MethodView

from keysvc import KeyService
from keysvc.commands.group import operator
from keysvc.core.background import finish_all
from keysvc.core.service import Service
from keysvc.guard import current_credential
from keysvc.guard import KeyRequired
from keysvc.guard import require_key
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store.connection import disconnect

ALICE = Owner(OwnerKind.USER, "alice")

Headers = dict[str, str]


class Jobs(MethodView):
    decorators = [require_key("keypair", scopes=["jobs:run"], cost=3)]

    def post(self) -> dict[str, Any]:
        return {"by": current_credential.owner.id}


@pytest.fixture
def host(config: dict[str, Any]) -> Iterator[Flask]:
    """Return an application with views and error pages of its own."""
    host = Flask("shop")
    host.config.update(config)
    KeyService(host, url_prefix="/keys")
    inner = Blueprint("inner", __name__, url_prefix="/inner")
    inner.before_request(require_key())

    @host.get("/open")
    def everyone() -> str:
        return "open"

    @host.get("/mine")
    @require_key()
    def mine() -> dict[str, Any]:
        return {"kind": current_credential.kind, "id": current_credential.id}

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
    with host.app_context():
        host.extensions["keysvc"].ensure_ready()
    yield host
    finish_all()
    disconnect()


@pytest.fixture
def issue(host: Flask) -> Callable[..., Issued]:
    service: Service = host.extensions["keysvc"]

    def issue(**draft: Any) -> Issued:
        return service.credentials.issue(
            operator(), Kind.KEYPAIR, ALICE, Draft(**draft)
        )

    return issue


@pytest.fixture
def client(host: Flask) -> FlaskClient:
    return host.test_client()


def carrying(issued: Issued) -> Headers:
    pair = f"{issued.credential.public_id}:{issued.secret}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def test_what_is_not_guarded_stays_open(client: FlaskClient) -> None:
    assert client.get("/open").text == "open"


def test_a_view_knows_who_was_let_in(
    client: FlaskClient, issue: Callable[..., Issued]
) -> None:
    issued = issue()
    answer = client.get("/mine", headers=carrying(issued))
    assert answer.json == {"kind": "keypair", "id": issued.credential.public_id}


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
    issue: Callable[..., Issued],
    path: str,
    method: str,
    draft: dict[str, Any],
    status: int,
) -> None:
    answer = client.open(path, method=method, headers=carrying(issue(**draft)))
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


def test_the_host_may_render_a_refusal_itself(host: Flask) -> None:
    host.register_error_handler(KeyRequired, lambda error: ("no key", 401))
    assert host.test_client().get("/mine").text == "no key"


def test_two_guards_take_once(
    host: Flask, client: FlaskClient, issue: Callable[..., Issued]
) -> None:
    issued = issue(scopes=("jobs:*",), remaining=1)
    assert client.get("/inner/twice", headers=carrying(issued)).text == "twice"
    assert client.get("/inner/twice", headers=carrying(issued)).status_code == 429


def test_what_is_unknown_is_no_kind() -> None:
    with pytest.raises(ValueError, match="passport"):
        require_key("passport")
