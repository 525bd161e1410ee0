"""An application that nobody here wrote stays what it is with keysvc in it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from tests.guests.supysonic_house import basic
from tests.guests.supysonic_house import House
from tests.guests.supysonic_house import opened
from tests.guests.supysonic_house import python_with_supysonic
from tests.guests.supysonic_house import RELEASE
from tests.guests.supysonic_house import Request

pytestmark = pytest.mark.clients

LOGIN = {"path": "/user/login", "method": "POST"}
RIGHT = {"user": "alice", "password": "Alic3"}
WRONG = {"user": "alice", "password": "x"}

#: How the API of Subsonic is told who asks.
FORM = {"u": "alice", "p": "Alic3", "c": "test"}
ALICE = urlencode(FORM)
MALLORY = urlencode({**FORM, "p": "x"})
PING, SONG = "/rest/ping.view", "/rest/getSong.view"
NO_SONG = "11111111-2222-4333-8444-555555555555"
KNOWN = f"{PING}?{ALICE}"

#: What one visitor asks, one request after the other, and the status of each answer.
VISITS: dict[str, list[tuple[Request, int]]] = {
    "the front door": [
        ({"path": "/"}, 302),
        ({"path": "/user/login"}, 200),
    ],
    "a wrong login": [
        ({**LOGIN, "data": WRONG}, 200),
        ({**LOGIN, "data": {}}, 200),
        ({"path": "/user/me"}, 302),
    ],
    "a session": [
        ({**LOGIN, "data": RIGHT}, 302),
        ({"path": "/"}, 200),
        ({"path": "/playlist"}, 200),
        ({"path": "/user/me"}, 200),
        ({"path": "/user/logout"}, 302),
        ({"path": "/user/me"}, 302),
    ],
    "a ping": [
        ({"path": KNOWN}, 200),
        ({"path": f"{KNOWN}&f=json"}, 200),
        ({"path": f"{KNOWN}&f=jsonp&callback=heard"}, 200),
        ({"path": PING, "method": "POST", "data": FORM}, 200),
        ({"path": f"{PING}?c=test", "headers": basic("alice", "Alic3")}, 200),
    ],
    # Subsonic says 200 to all, and in the body what is wrong.
    "a ping of nobody": [
        ({"path": PING}, 200),
        ({"path": f"{PING}?f=json"}, 200),
        ({"path": f"{PING}?{MALLORY}"}, 200),
        ({"path": f"{PING}?{MALLORY}&f=json"}, 200),
        ({"path": f"{PING}?c=test", "headers": basic("alice", "x")}, 200),
        ({"path": PING, "headers": {"Authorization": "Bearer ksa_x"}}, 200),
    ],
    "errors": [
        ({"path": f"/rest/absent.view?{ALICE}"}, 404),
        ({"path": f"/rest/absent.view?{ALICE}&f=json"}, 404),
        ({"path": f"{SONG}?{ALICE}"}, 200),
        ({"path": f"{SONG}?{ALICE}&id=none"}, 200),
        ({"path": f"{SONG}?{ALICE}&id={NO_SONG}"}, 200),
        ({"path": "/absent"}, 404),
        ({"path": "/v1/verify", "method": "POST"}, 404),
        ({"path": "/user/login", "method": "PUT"}, 405),
        ({"path": "/user/login", "method": "REPORT"}, 405),
    ],
    "files": [
        ({"path": "/static/css/supysonic.css"}, 200),
        ({"path": "/static/css/supysonic.css", "method": "HEAD"}, 200),
        ({"path": "/static/css/absent.css"}, 404),
    ],
}


@pytest.fixture(scope="session")
def supysonic_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the python that has supysonic and keysvc."""
    return python_with_supysonic(tmp_path_factory)


@pytest.fixture(scope="module")
def house(
    supysonic_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """Return supysonic alone, with keysvc in it, and with ``ping`` guarded."""
    with opened(supysonic_python, tmp_path_factory.mktemp("supysonic")) as house:
        yield house


def test_it_is_the_application_as_published(house: House) -> None:
    assert house.alone.greeting == {"release": RELEASE, "knowsKeysvc": False}
    assert house.mounted.greeting["release"] == RELEASE
    assert house.mounted.greeting["knowsKeysvc"] is True


@pytest.mark.parametrize("visit", VISITS.values(), ids=VISITS)
def test_a_visitor_sees_no_difference(
    house: House, visit: list[tuple[Request, int]]
) -> None:
    requests = [request for request, _ in visit]
    answers = house.alone.visit(requests)
    assert [answer.status for answer in answers] == [status for _, status in visit]
    assert house.mounted.visit(requests) == answers


def test_each_keeps_its_own_database(house: House) -> None:
    music = tables(house.mounted.home / "music.db")
    keys = tables(house.mounted.home / "keysvc" / "keysvc.db")
    assert "track" in music
    assert music == tables(house.alone.home / "music.db")
    assert keys and all(name.startswith("keysvc_") for name in keys)


def test_keysvc_works_inside_of_it(house: House) -> None:
    keys = house.mounted
    props = {"scopes": ["music:play"]}
    pair = keys.administer("/v2/admin/keypairs/alice/create", props=props)
    said = keys.administer("/v1/verify", **pair, scopes=["music:play"])
    assert said["code"] == "VALID"
    assert said["owner"] == {"kind": "user", "id": "alice"}
    assert keys.ask("/keys/readyz").json == {"status": "ok"}


def test_one_of_its_views_asks_for_a_key(house: House) -> None:
    ask = house.guarded.ask
    assert ask(KNOWN).status == 401
    assert ask(KNOWN, headers=new_key(house, "music:look")).status == 403
    assert ask(KNOWN, headers=new_key(house, "music:play")) == house.alone.ask(KNOWN)


def test_a_key_does_not_replace_what_the_application_asks_for(house: House) -> None:
    headers = new_key(house, "music:play")
    assert house.guarded.ask(PING, headers=headers) == house.alone.ask(PING)


def test_beside_the_guarded_view_nothing_asks_for_a_key(house: House) -> None:
    other = f"/rest/getLicense.view?{ALICE}"
    assert house.guarded.ask(other) == house.alone.ask(other)


def new_key(house: House, scope: str) -> dict[str, str]:
    """Return the header of a new API key: Authorization is supysonic's own."""
    administer, accounts = house.guarded.administer, "/api/v1/service_accounts"
    account = administer(accounts, name=f"player-{uuid4()}", active=True)
    path = f"{accounts}/{account['id']}/api_keys"
    key = administer(path, name="key", scopes=[scope])
    return {"X-API-Key": key["body"]["key"]}


def tables(path: Path) -> set[str]:
    """Return the names of the tables of a database, but for SQLite's own."""
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in found if not name.startswith("sqlite_")}
