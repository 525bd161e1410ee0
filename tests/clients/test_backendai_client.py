"""PyPI's backend.ai-client, unmodified, finds in keysvc the API it was made for."""

import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from time import sleep
from urllib.error import HTTPError
from urllib.parse import unquote
from urllib.request import Request
from urllib.request import urlopen

import pytest

from tests.clients.backendai import Conversation
from tests.clients.backendai import environment_with_client
from tests.clients.backendai import RELEASE
from tests.clients.environments import shared_directory
from tests.service.servers import new_admin
from tests.service.servers import Pair
from tests.service.servers import REVOCATION
from tests.service.servers import Server

pytestmark = pytest.mark.clients

KEYPAIRS = "/v2/admin/keypairs"

#: What the client, which has no REPORT, sends in its stead.
AS_REPORT = {"X-Method-Override": "REPORT"}

AUTH_FAILED = "https://api.backend.ai/probs/auth-failed"

Open = Callable[..., Conversation]


@pytest.fixture(scope="session")
def client_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the python that has the client."""
    shared = shared_directory(tmp_path_factory, "backendai-client")
    return environment_with_client(shared)


@pytest.fixture(scope="module")
def admin(server: Server) -> Pair:
    """Return the keypair of an administrator."""
    return new_admin(server.directory, **server.settings)


@pytest.fixture
def session(client_python: Path, server: Server, admin: Pair) -> Iterator[Open]:
    """Return a function that opens sessions of the client, as the admin if not told."""
    with ExitStack() as stack:

        def session(
            pair: Pair = admin, kind: str = "AsyncSession", **config: str
        ) -> Conversation:
            made = Conversation(client_python, server, pair, kind, **config)
            return stack.enter_context(made)

        yield session


def test_it_is_the_client_as_published_and_alone(session: Open) -> None:
    greeting = session().greeting

    assert greeting["client"] == RELEASE
    assert not greeting["knowsKeysvc"]


@pytest.mark.parametrize("kind", ["Session", "AsyncSession"])
def test_a_session_takes_the_version_that_the_service_tells(
    session: Open, server: Server, kind: str
) -> None:
    """A newer client steps back; the published one finds its own version."""
    newer = session(kind=kind, version="v7.20300101")
    same = session(kind=kind)

    assert newer.greeting["negotiated"] == [6, "20220315"]
    assert same.greeting["negotiated"] == [6, "20220315"]
    assert newer.ask("POST", f"{KEYPAIRS}/u", headers=AS_REPORT).status == 200


@pytest.mark.parametrize("kind", ["Session", "AsyncSession"])
@pytest.mark.parametrize(
    "user", ["josé@example.com", "홍 길동+Ω", "0c1b2a3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"]
)
def test_keypairs_from_their_creation_to_their_end(
    session: Open, server: Server, kind: str, user: str
) -> None:
    client = session(kind=kind)
    # Each kind of session has a user of its own.
    user = f"{kind}-{user}"
    users = f"{KEYPAIRS}/{user}"

    first = client.ask("POST", f"{users}/create")
    second = client.ask(
        "POST", f"{users}/create", {"isActive": False, "props": {"description": "π"}}
    )
    assert (first.status, second.status) == (200, 200)
    assert first.json.keys() == second.json.keys() == {"accessKey", "secretKey"}
    keys = [first.json["accessKey"], second.json["accessKey"]]
    # On the wire went bytes of UTF-8, percent-encoded: these have been signed.
    assert first.target.isascii()
    assert unquote(first.target) == f"{users}/create"
    assert first.headers["Authorization"].startswith(
        "BackendAI signMethod=HMAC-SHA256, credential="
    )

    listed = client.ask("POST", users, headers=AS_REPORT)
    assert listed.status == 200
    assert listed.json["paging"] == {"pages": 1, "count": 2}
    assert [item["accessKey"] for item in listed.json["items"]] == keys
    assert [item["isActive"] for item in listed.json["items"]] == [True, False]
    assert [item["totalQueries"] for item in listed.json["items"]] == [0, 0]
    for item in listed.json["items"]:
        created = datetime.fromisoformat(item["created"])
        assert created.utcoffset() == timedelta(0)
        assert item.keys() == {"accessKey", "isActive", "totalQueries", "created"}
    paged = client.ask("POST", users, {"paging": {"size": 1, "index": 1}}, AS_REPORT)
    assert paged.status == 200
    assert paged.json["paging"] == {"pages": 2, "count": 2}
    assert paged.json["items"] == listed.json["items"][1:]

    one = f"{users}/{keys[1]}"
    in_query = client.ask("GET", one, keys="isActive,description,ML.clusterSize")
    in_body = client.ask(
        "GET", one, {"keys": ["ML.clusterSize", "cost.dailyLimit", "accessKey"]}
    )
    assert in_query.status == in_body.status == 200
    assert in_query.json == {"values": [False, "π", 1]}
    assert in_body.json == {"values": [1, "50.00", keys[1]]}

    patched = client.ask(
        "PATCH", one, {"props": {"isActive": True, "ML": {"clusterSize": 4}}}
    )
    assert (patched.status, patched.json) == (204, None)
    after = client.ask("GET", one, keys="isActive,ML.clusterSize,description")
    assert after.json == {"values": [True, 4, "π"]}
    refused = client.ask("PATCH", one, {"props": {"ML.clusterSize": 0}})
    assert refused.status == 400
    assert refused.json["type"] == "https://api.backend.ai/probs/invalid-api-params"
    assert list(refused.json["errors"]) == ["props.ML.clusterSize"]

    deleted = client.ask("DELETE", one)
    assert (deleted.status, deleted.json) == (204, None)
    gone = client.ask("GET", one, keys="isActive")
    assert gone.status == 404
    assert gone.json["type"] == "https://api.backend.ai/probs/keypair-not-found"
    left = client.ask("POST", users, headers=AS_REPORT)
    assert [item["accessKey"] for item in left.json["items"]] == keys[:1]


def test_a_session_may_rest_between_two_requests(session: Open, server: Server) -> None:
    """It keeps its connection for 15 s, and does not see us close it any sooner."""
    client = session(kind="Session")
    assert client.ask("POST", f"{KEYPAIRS}/rest/create").status == 200

    sleep(8)

    assert client.ask("POST", f"{KEYPAIRS}/rest/create").status == 200


def test_a_created_keypair_opens_a_session_of_its_own(
    session: Open, server: Server
) -> None:
    """Until it is made inactive: then it opens nothing."""
    user = "renée"
    admins = session()
    made = admins.ask(
        "POST", f"{KEYPAIRS}/{user}/create", {"props": {"scopes": ["keypairs:read"]}}
    )
    own = session((made.json["accessKey"], made.json["secretKey"]))

    listed = own.ask("POST", f"{KEYPAIRS}/{user}", headers=AS_REPORT)
    assert listed.status == 200
    assert [i["accessKey"] for i in listed.json["items"]] == [made.json["accessKey"]]
    written = own.ask("POST", f"{KEYPAIRS}/{user}/create")
    assert written.status == 403
    assert written.json["type"] == "https://api.backend.ai/probs/generic-forbidden"

    one = f"{KEYPAIRS}/{user}/{made.json['accessKey']}"
    assert admins.ask("PATCH", one, {"props": {"isActive": False}}).status == 204
    time.sleep(REVOCATION)
    refused = own.ask("POST", f"{KEYPAIRS}/{user}", headers=AS_REPORT)
    assert (refused.status, refused.json["type"]) == (401, AUTH_FAILED)


def test_a_wrong_secret_and_an_unknown_key_are_refused(
    session: Open, server: Server, admin: Pair
) -> None:
    access_key, secret_key = admin
    wrong = secret_key[:-1] + ("a" if secret_key[-1] != "a" else "b")
    strangers = [session((access_key, wrong)), session(("KPUNKNOWN", secret_key))]

    for stranger in strangers:
        # Anybody may see the version: the session itself is open.
        assert stranger.greeting["negotiated"] == [6, "20220315"]
        for method, path, headers in (
            ("POST", f"{KEYPAIRS}/wrong/create", {}),
            ("POST", f"{KEYPAIRS}/wrong", AS_REPORT),
        ):
            refused = stranger.ask(method, path, headers=headers)
            assert refused.status == 401
            assert refused.json["type"] == AUTH_FAILED
            assert refused.json["status"] == 401

    listed = session().ask("POST", f"{KEYPAIRS}/wrong", headers=AS_REPORT)
    assert listed.json["items"] == []


def test_a_replayed_create_is_refused(session: Open, server: Server) -> None:
    """By either worker: a copy of what has changed something is worth nothing."""
    client = session()
    created = client.ask("POST", f"{KEYPAIRS}/zoë/create", {"isActive": True})
    assert created.status == 200

    for _ in range(8):
        status, text = _send(
            server, created.target, created.headers, b'{"isActive": true}'
        )
        assert status == 401, text
        assert AUTH_FAILED in text

    listed = client.ask("POST", f"{KEYPAIRS}/zoë", headers=AS_REPORT)
    assert listed.json["paging"]["count"] == 1
    # A copy of what changes nothing is answered, though it travels as POST.
    status, text = _send(server, listed.target, listed.headers, b"")
    assert status == 200
    assert created.json["accessKey"] in text


def test_of_many_copies_at_once_one_is_served(session: Open, server: Server) -> None:
    client = session()
    signed = client.sign("POST", f"{KEYPAIRS}/chloé/create")
    copies = 8
    barrier = Barrier(copies)

    def send(_: int) -> int:
        barrier.wait(30)
        return _send(server, signed.target, signed.headers, b"")[0]

    with ThreadPoolExecutor(copies) as pool:
        statuses = sorted(pool.map(send, range(copies)))

    assert statuses == [200] + [401] * (copies - 1)
    listed = client.ask("POST", f"{KEYPAIRS}/chloé", headers=AS_REPORT)
    assert listed.json["paging"]["count"] == 1


def _send(
    server: Server, target: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, str]:
    """POST exactly this once, with a connection of its own."""
    url = f"http://{server.bind}{target}"
    request = Request(url, body, dict(headers), method="POST")
    try:
        with urlopen(request, timeout=30) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()
