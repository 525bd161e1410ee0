"""PyPI's messagebird, unmodified, finds in keysvc the access keys of Bird."""

import json
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.clients.environments import environment_with
from tests.clients.environments import shared_directory
from tests.clients.talk import Talk
from tests.service.servers import REVOCATION
from tests.service.servers import run
from tests.service.servers import Server

pytestmark = pytest.mark.clients

RELEASE = "2.2.0"

KEYS = "organizations/acme/access-keys"
NEW = {"name": "deploy-ω", "description": "δ: used by the pipeline"}
ROLES = ["0d9a6a0e-8f9e-4d0a-8c55-6a3e2f1b7c10", "11111111-2222-4333-8444-555555555555"]

_CALLS = Path(__file__).with_name("messagebird_calls.py")


class Messagebird(Talk):
    """A ``Client`` of the package, in a process of its own, with one token."""

    def __init__(self, python: Path, server: Server, token: str) -> None:
        first = {"url": f"http://{server.bind}/", "token": token}
        super().__init__(python, _CALLS, first)

    def request(self, path: str, method: str = "GET", params: object = None) -> Any:
        """Return what ``Client.request`` returns; what it raises fails the test."""
        came = self.exchange([path, method, params])
        assert "returned" in came, came
        return came["returned"]

    def refused(self, path: str, method: str, params: object = None) -> str:
        """Return the name of what ``Client.request`` raises."""
        came = self.exchange([path, method, params])
        assert "raised" in came, came
        return f"{came['raised']}: {came['says']}"


Open = Callable[[str], Messagebird]


@pytest.fixture(scope="session")
def client_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the python that has the client, and nothing of ours."""
    directory = shared_directory(tmp_path_factory, "messagebird-client")
    return environment_with("messagebird", directory, [f"messagebird=={RELEASE}"])


def token_of(server: Server, organization: str, *properties: str) -> str:
    """Make an access key at the shell, as whoever runs the service does."""
    done = run(
        *("access-keys", "create", organization, "root", "description=first of all"),
        *(*properties, "--json"),
        directory=server.directory,
        **server.settings,
    )
    assert done.returncode == 0, done.stderr
    token: str = json.loads(done.stdout)["token"]
    return token


@pytest.fixture
def open_client(client_python: Path, server: Server) -> Iterator[Open]:
    """Return a function that makes clients, each with a token."""
    with ExitStack() as stack:
        yield lambda token: stack.enter_context(
            Messagebird(client_python, server, token)
        )


@pytest.fixture
def bird(open_client: Open, server: Server) -> Messagebird:
    """Return the client of an organization's own administrator."""
    return open_client(token_of(server, "acme", "scopes=access-keys:*"))


def test_it_is_the_client_as_published_and_alone(bird: Messagebird) -> None:
    assert bird.greeting == {"client": RELEASE, "knowsKeysvc": False}


def test_all_five_operations(bird: Messagebird, open_client: Open) -> None:
    created = bird.request(KEYS, "POST", {**NEW, "roleIds": ROLES})
    key, token = created["accessKey"], created["token"]
    assert {**key, **NEW, "organizationId": "acme", "type": "user"} == key
    assert key["roleIds"] == ROLES
    assert key["suffix"] == token[-6:]
    one = f"{KEYS}/{key['id']}"

    assert bird.request(one) == key

    changed = bird.request(one, "PATCH", {"name": "other", "roleIds": ROLES[:1]})
    assert (changed["name"], changed["roleIds"]) == ("other", ROLES[:1])
    assert changed["description"] == NEW["description"]

    listed = bird.request(KEYS, "GET", {"limit": 100, "reverse": True})
    assert listed["results"][0] == changed

    # It sends a body with DELETE too: {}.
    assert bird.request(one, "DELETE") == ""
    assert bird.request(one)["code"] == "ResourceNotFound"


def test_a_list_is_walked_by_its_tokens(bird: Messagebird) -> None:
    made = [
        bird.request(KEYS, "POST", {**NEW, "name": f"walk {n}"})["accessKey"]["id"]
        for n in range(5)
    ]
    for reverse in (False, True):
        found: list[str] = []
        token = ""
        while True:
            params = {"limit": 2, "reverse": reverse, "pageToken": token}
            page = bird.request(KEYS, "GET", params)
            found += [key["id"] for key in page["results"]]
            token = page["nextPageToken"]
            if not token:
                break
        ours = [id_ for id_ in found if id_ in made]
        assert ours == (made[::-1] if reverse else made)
        assert len(found) == len(set(found))
    for id_ in made:
        assert bird.request(f"{KEYS}/{id_}", "DELETE", {"why": "it is over"}) == ""


def test_errors_are_read_as_what_they_are(
    bird: Messagebird, open_client: Open, server: Server
) -> None:
    """It takes a body with ``errors`` for its own envelope: ours never has one."""
    for path, method, params, code in (
        (f"{KEYS}/{uuid4()}", "GET", None, "ResourceNotFound"),
        ("organizations/umbrella/access-keys", "GET", None, "ResourceNotFound"),
        ("organizations/umbrella/access-keys", "POST", NEW, "ResourceNotFound"),
        (KEYS, "POST", {"name": ""}, "ValidationFailed"),
        (KEYS, "GET", {"limit": 101}, "ValidationFailed"),
        (KEYS, "GET", {"pageToken": "x"}, "ValidationFailed"),
        (KEYS, "PUT", {}, "MethodNotAllowed"),
    ):
        error = bird.request(path, method, params)
        assert set(error) == {"code", "message", "details"}
        assert error["code"] == code
    stranger = open_client("kso_unknown")
    assert stranger.request(KEYS)["code"] == "Unauthorized"
    # Other statuses it raises by itself.
    weak = open_client(token_of(server, "acme"))
    assert weak.refused(KEYS, "GET").startswith("HTTPError: 403")
    managed = token_of(server, "acme", "scopes=access-keys:*", "--managed")
    itself = open_client(managed)
    listed = itself.request(KEYS, "GET", {"reverse": True, "limit": 1})["results"][0]
    assert listed["type"] == "managed"
    path = f"{KEYS}/{listed['id']}"
    assert itself.refused(path, "DELETE").startswith("HTTPError: 409")


def test_a_key_that_it_made_is_good_until_it_deletes_it(
    bird: Messagebird, open_client: Open
) -> None:
    body = {**NEW, "scopes": ["access-keys:read"]}
    made = bird.request(KEYS, "POST", body)
    fresh = open_client(made["token"])
    one = f"{KEYS}/{made['accessKey']['id']}"
    assert fresh.request(one)["id"] == made["accessKey"]["id"]
    assert bird.request(one, "PATCH", {"active": False})["active"] is False
    time.sleep(REVOCATION)
    assert fresh.request(one)["code"] == "Unauthorized"
    assert bird.request(one, "PATCH", {"active": True})["active"] is True
    assert fresh.request(one)["id"] == made["accessKey"]["id"]
    assert bird.request(one, "DELETE") == ""
    time.sleep(REVOCATION)
    assert fresh.request(one)["code"] == "Unauthorized"
