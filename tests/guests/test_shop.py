"""The example of a shop: with keysvc in it, it is the shop that it was before."""

import re
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from itsdangerous import TimestampSigner
from werkzeug.exceptions import NotFound
from werkzeug.exceptions import Unauthorized

from examples.shop import after
from examples.shop import before
from keysvc.testing import client_with_key
from keysvc.testing import issue_key
from keysvc.testing import key_store
from keysvc.testing import revoke_key

#: A method, a path and what a form holds.
Request = tuple[str, str, dict[str, str]]

#: What one customer asks, one request after the other.
VISITS: dict[str, list[Request]] = {
    "looks around": [
        ("GET", "/", {}),
        ("HEAD", "/", {}),
        ("GET", "/basket", {}),
        ("GET", "/static/shop.css", {}),
    ],
    "fills a basket": [
        ("POST", "/basket", {"ware": "assam"}),
        ("POST", "/basket", {"ware": "keemun"}),
        ("POST", "/basket", {"ware": "assam"}),
        ("POST", "/basket", {"ware": "gunpowder"}),
        ("GET", "/basket", {}),
    ],
    "reads orders": [
        ("GET", "/orders/1", {}),
        ("POST", "/enter", {"name": "ada"}),
        ("GET", "/", {}),
        ("GET", "/orders/1", {}),
        ("GET", "/orders/2", {}),
        ("GET", "/orders/3", {}),
    ],
    "goes astray": [
        ("GET", "/absent", {}),
        ("GET", "/orders/first", {}),
        ("GET", "/static/absent.css", {}),
        ("GET", "/warehouse", {}),
        ("GET", "/v1/verify", {}),
        ("GET", "/keysmith", {}),
        ("POST", "/orders/1", {}),
        ("PUT", "/basket", {}),
        ("REPORT", "/", {}),
        ("OPTIONS", "/basket", {}),
        ("POST", "/enter", {}),
    ],
}

#: Where a key is needed, and with which scope.
GUARDED = [("/api/orders", "orders:read"), ("/warehouse/", "stock:read")]


@pytest.fixture
def shop() -> Iterator[Flask]:
    """Return the shop with keysvc in it."""
    with key_store() as settings:
        yield after.create_app(settings)


def visit(shop: Flask, requests: list[Request]) -> list[tuple[str, Any, bytes]]:
    """Return status, headers but for the date, and body of what a customer gets."""
    client = shop.test_client()
    # Buffered, so that a static file is closed again.
    answers = [
        client.open(path, method=method, data=form, buffered=True)
        for method, path, form in requests
    ]
    return [
        (a.status, [pair for pair in a.headers if pair[0] != "Date"], a.data)
        for a in answers
    ]


@pytest.mark.parametrize("requests", VISITS.values(), ids=VISITS)
def test_a_customer_sees_no_difference(
    shop: Flask, requests: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A cookie tells its second, and the two visits may not be in the same one.
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: 0)
    assert visit(shop, requests) == visit(before.create_app(), requests)


def test_the_visits_reach_what_the_shop_says_to_people(shop: Flask) -> None:
    answers = [answer for asked in VISITS.values() for answer in visit(shop, asked)]
    pages = b"".join(body for _, _, body in answers).decode()
    for text in (
        "2 × assam",
        "Together 14.00.",
        "Welcome, ada",
        "2 × assam, for ada.",
        *before.SAID.values(),
    ):
        assert text in pages


def test_what_has_changed_is_short() -> None:
    old, new = (Path(str(m.__file__)).read_text() for m in (before, after))
    lines = list(unified_diff(old.splitlines(), new.splitlines()))[2:]
    assert 0 < len([line for line in lines if line[0] in "+-"]) < 15


@pytest.mark.parametrize(("path", "scope"), GUARDED)
def test_who_has_no_key_sees_the_page_of_the_shop(
    shop: Flask, path: str, scope: str
) -> None:
    answer = shop.test_client().get(path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert shown(answer.text) == "This door opens with a key."


@pytest.mark.parametrize(("path", "scope"), GUARDED)
def test_a_key_of_another_door_is_told_so(shop: Flask, path: str, scope: str) -> None:
    answer = client_with_key(shop, scopes=["tea:drink"]).get(path)
    assert answer.status_code == 403
    assert shown(answer.text) == "This key opens other doors."


@pytest.mark.parametrize(("path", "scope"), GUARDED)
def test_a_key_opens_until_it_is_revoked(shop: Flask, path: str, scope: str) -> None:
    was = before.create_app().test_client().get(path)
    key = issue_key(shop, scopes=[scope])
    client = client_with_key(shop, key=key)
    answer = client.get(path)
    assert (answer.status, answer.data) == (was.status, was.data)
    revoke_key(shop, key)
    assert client.get(path).status_code == 401


def test_a_key_is_no_customer(shop: Flask) -> None:
    client = client_with_key(shop, scopes=["*"])
    assert shown(client.get("/orders/1").text) == before.SAID[Unauthorized]


def test_below_its_prefix_keysvc_answers_in_its_own_words(shop: Flask) -> None:
    client = shop.test_client()
    assert client.get("/keys/healthz").json == {"status": "ok"}
    refused = client.post("/keys/v1/verify", json={})
    assert (refused.status_code, refused.mimetype) == (401, "application/problem+json")
    lost = client.get("/keys/absent")
    assert shown(lost.text) == before.SAID[NotFound]


def shown(page: str) -> str:
    """Return the words of an error page, which is in the look of the shop."""
    assert '<a href="/">Three Teas</a>' in page
    [words] = re.findall("<p>(.*)</p>", page)
    return str(words)
