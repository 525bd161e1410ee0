"""Lists of access keys: each one once, whatever is made and deleted meanwhile."""

import re
import threading
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st

from keysvc import create_app
from keysvc.core.background import finish_all
from keysvc.core.service import Service
from keysvc.model import Kind
from keysvc.store.connection import disconnect
from tests.api.answers import told
from tests.api.clocks import Clock
from tests.api.clocks import on_clock
from tests.api.organizations import carrying
from tests.api.organizations import CLI
from tests.api.organizations import everything
from tests.api.organizations import issue_key
from tests.api.organizations import keys_of
from tests.api.organizations import manager
from tests.api.organizations import owner
from tests.api.organizations import wrong_fields
from tests.conftest import Client
from tests.conftest import RING

KEYS = keys_of("acme")
NEW_RING = "a new key of at least thirty-two bytes"


def ids(records: list[dict[str, Any]]) -> list[str]:
    return [record["id"] for record in records]


def read(client: Client, **query: Any) -> Any:
    answer = client.get(KEYS, query_string=query)
    assert answer.status_code == 200, answer.text
    return told(answer)


def make(service: Service, count: int, organization: str = "acme") -> list[str]:
    made = [issue_key(service, organization) for _ in range(count)]
    return [str(issued.credential.id) for issued in made]


@pytest.fixture
def reader(app: Flask) -> Client:
    """Return who reads the list, of another organization: the list begins empty."""
    return manager(app, "support", "access-keys:*", "realm:any")


# -- what is asked ------------------------------------------------------------------


def test_nothing_is_one_empty_page(reader: Client) -> None:
    assert read(reader) == {"results": [], "nextPageToken": ""}
    assert read(reader, reverse="true") == {"results": [], "nextPageToken": ""}


def test_ten_are_told_unless_otherwise_asked(reader: Client, service: Service) -> None:
    made = make(service, 11)
    first = read(reader)
    assert ids(first["results"]) == made[:10]
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", first["nextPageToken"])
    last = read(reader, pageToken=first["nextPageToken"])
    assert (ids(last["results"]), last["nextPageToken"]) == (made[10:], "")


def test_a_page_that_just_holds_all_is_the_last(
    reader: Client, service: Service
) -> None:
    make(service, 3)
    assert read(reader, limit=3)["nextPageToken"] == ""
    page = read(reader, limit=2)
    # What comes next may be longer than what came before.
    page = read(reader, limit=100, pageToken=page["nextPageToken"])
    assert (len(page["results"]), page["nextPageToken"]) == (1, "")


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, 100])
def test_the_pages_make_up_the_list(
    reader: Client, service: Service, limit: int
) -> None:
    made = make(service, 7)
    make(service, 3, "umbrella")
    assert ids(everything(reader, KEYS, limit=limit)) == made
    assert ids(everything(reader, KEYS, limit=limit, reverse="1")) == made[::-1]


def test_what_was_made_at_once_is_in_the_order_of_its_id(
    app: Flask, reader: Client
) -> None:
    service, clock = on_clock(app)
    made = sorted(make(service, 5))
    clock.move(microseconds=1)
    made += sorted(make(service, 5))
    for limit in (1, 3, 100):
        assert ids(everything(reader, KEYS, limit=limit)) == made
        assert ids(everything(reader, KEYS, limit=limit, reverse=True)) == made[::-1]


TRUE, FALSE = ("True", "true", "1", "TRUE", "yes"), ("False", "false", "0", "no")


def test_a_truth_has_many_spellings(reader: Client, service: Service) -> None:
    made = make(service, 2)
    for word in (*TRUE, *FALSE):
        wanted = made[::-1] if word in TRUE else made
        assert ids(read(reader, reverse=word)["results"]) == wanted, word


#: What cannot be asked.
BAD = [
    *[("limit", v) for v in ("0", "-1", "101", "1e1", "1.0", "x", "", " 1", "٣")],
    ("limit", "9" * 99),
    *[("reverse", v) for v in ("", "2", "x", "none", "None")],
    *[("pageToken", v) for v in ("x", ".", "a.b", "null", "\0", "é", "A" * 5000)],
    *[("page", "1"), ("pagetoken", "x"), ("offset", "0"), ("sort", "name")],
]


@pytest.mark.parametrize(("name", "value"), BAD, ids=range(len(BAD)))
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_what_cannot_be_asked_is_told(reader: Client, name: str, value: str) -> None:
    assert wrong_fields(reader.get(KEYS, query_string={name: value})) == {name}


def test_an_empty_page_token_is_the_beginning(reader: Client, service: Service) -> None:
    make(service, 2)
    assert read(reader, pageToken="", limit=1) == read(reader, limit=1)


# -- tokens -------------------------------------------------------------------------


def test_a_changed_token_is_refused(reader: Client, service: Service) -> None:
    make(service, 2)
    token = read(reader, limit=1)["nextPageToken"]
    for place in range(len(token)):
        for other in "AB":
            if token[place] != other:
                changed = token[:place] + other + token[place + 1 :]
                answer = reader.get(KEYS, query_string={"pageToken": changed})
                assert wrong_fields(answer) == {"pageToken"}
    for changed in (token[:-1], token[1:], token + "A", f"{token}.x", token.lower()):
        answer = reader.get(KEYS, query_string={"pageToken": changed})
        assert wrong_fields(answer) == {"pageToken"}


def test_a_token_of_another_list_is_refused(admin: Client, service: Service) -> None:
    make(service, 2)
    token = told(admin.get("/v1/audit?limit=1"))["nextPageToken"]
    answer = admin.get(KEYS, query_string={"pageToken": token})
    assert wrong_fields(answer) == {"pageToken"}
    mine = read(admin, limit=1)["nextPageToken"]
    assert admin.get(f"/v1/audit?pageToken={mine}").status_code == 422


@pytest.fixture
def rings(config: dict[str, Any]) -> Iterator[Callable[[str], Flask]]:
    """Return a function that starts the application anew with another ring."""

    def start(keys: str) -> Flask:
        finish_all()
        disconnect()
        app = create_app(config | {"KEYSVC_SECRET_KEYS": keys})
        app.test_client_class = Client
        return app

    yield start
    finish_all()
    disconnect()


def test_a_token_survives_a_rotation_while_the_old_key_is_kept(
    app: Flask, service: Service, rings: Callable[[str], Flask]
) -> None:
    service.installation.ensure_ready()
    made = make(service, 3)
    secret = issue_key(service, "support", "access-keys:read", "realm:any").secret
    token = read(carrying(app, secret), limit=1)["nextPageToken"]

    rotated = carrying(rings(f"{NEW_RING},{RING}"), secret)

    page = read(rotated, limit=1, pageToken=token)
    assert ids(page["results"]) == made[1:2]
    assert ids(read(rotated, pageToken=page["nextPageToken"])["results"]) == made[2:]


# -- while others write -------------------------------------------------------------


@dataclass
class Shelf:
    """What a model knows of the list: the keys in their order, and who is gone."""

    service: Service
    clock: Clock
    organization: str
    order: dict[str, tuple[Any, str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def add(self) -> None:
        issued = issue_key(self.service, self.organization)
        id_ = str(issued.credential.id)
        self.order[id_] = (self.clock.time, id_)

    def remove(self, number: int) -> None:
        if there := self.there():
            id_ = there[number % len(there)]
            mine = owner(self.organization)
            self.service.credentials.delete(CLI, Kind.ACCESS_KEY, mine, id_)
            self.gone.add(id_)

    def there(self) -> list[str]:
        return sorted(self.order.keys() - self.gone, key=self.order.__getitem__)


#: What others do between two pages: a number deletes that one, a tick moves the clock.
DEED = st.one_of(st.just("add"), st.just("tick"), st.integers(0, 20))
DEEDS = st.lists(DEED, max_size=4)


def test_each_key_that_stays_comes_once_whatever_happens_between_pages(
    app: Flask, reader: Client
) -> None:
    service, clock = on_clock(app)

    def act(shelf: Shelf, deeds: list[Any]) -> None:
        for deed in deeds:
            if deed == "add":
                shelf.add()
            elif deed == "tick":
                clock.move(microseconds=1)
            else:
                shelf.remove(deed)

    @settings(
        max_examples=30,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.lists(st.sampled_from(["add", "add", "tick"]), max_size=12),
        st.lists(DEEDS, max_size=12),
        st.lists(st.integers(1, 4), min_size=1, max_size=5),
        st.booleans(),
    )
    def walk(
        first: list[Any], between: list[list[Any]], limits: list[int], reverse: bool
    ) -> None:
        shelf = Shelf(service, clock, uuid4().hex)
        act(shelf, first)
        stays, found, token, number = set(shelf.there()), [], None, 0
        while token != "":
            there = shelf.there()
            query = {"limit": limits[number % len(limits)], "reverse": reverse}
            if token:
                query["pageToken"] = token
            answer = reader.get(keys_of(shelf.organization), query_string=query)
            page = told(answer)
            assert set(ids(page["results"])) <= set(there)
            found += ids(page["results"])
            token = page["nextPageToken"]
            act(shelf, between[number] if number < len(between) else [])
            number += 1
        placed = [shelf.order[id_] for id_ in found]
        assert placed == sorted(set(placed), reverse=reverse)
        assert stays - shelf.gone <= set(found)

    walk()


@pytest.mark.parametrize("reverse", [False, True])
def test_each_key_that_stays_comes_once_while_another_writes(
    app: Flask, service: Service, reader: Client, reverse: bool
) -> None:
    """A writer makes and deletes as fast as it can; readers go through the list."""
    service.installation.ensure_ready()
    stays = make(service, 40)
    stop, failures = threading.Event(), list[BaseException]()
    written = [0]

    def write() -> None:
        random, extra = Random(7), list[str]()
        try:
            while not stop.is_set():
                if extra and random.random() < 0.5:
                    id_ = extra.pop(random.randrange(len(extra)))
                    mine = owner("acme")
                    service.credentials.delete(CLI, Kind.ACCESS_KEY, mine, id_)
                else:
                    extra += make(service, 1)
                written[0] += 1
        except BaseException as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        walks = 0
        while walks < 12 or written[0] < 60:
            limit = (1, 3, 7)[walks % 3]
            # What is made meanwhile lengthens the list; it ends all the same.
            found = ids(everything(reader, KEYS, limit=limit, reverse=reverse))
            assert len(found) == len(set(found))
            wanted = stays[::-1] if reverse else stays
            assert [id_ for id_ in found if id_ in set(stays)] == wanted
            walks += 1
            assert not failures
    finally:
        stop.set()
        writer.join()
    assert not failures
