"""Page tokens: what was signed here is read here, for its own list, and no other."""

import re
import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from keysvc.core.cursors import Cursors
from keysvc.core.secrets.ring import parse
from keysvc.core.secrets.vault import Vault
from keysvc.errors import Invalid
from keysvc.model import Cut
from keysvc.model import Keyset

OLD, NEW = "an old key of thirty-two bytes: x", "a new key of thirty-two bytes: y"
LIST = ["access_key", "organization", "acme", False]

ALPHABET = string.ascii_letters + string.digits + "._-~"


def cursors(*keys: str) -> Cursors:
    return Cursors(Vault(lambda: parse(",".join(keys), "the tests")))


def positions() -> st.SearchStrategy[object]:
    text = st.text(max_size=40)
    return st.one_of(st.integers(), text, st.lists(text, min_size=1, max_size=3))


@settings(deadline=None)
@given(positions())
def test_a_position_comes_back(position: object) -> None:
    token = cursors(OLD).sign(LIST, position)
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", token)
    assert cursors(OLD).read(LIST, token) == position
    # The older key verifies; what makes is the first one.
    assert cursors(NEW, OLD).read(LIST, token) == position
    assert cursors(NEW, OLD).sign(LIST, position) != token


def refused(reader: Cursors, token: str, scope: object = LIST) -> bool:
    with pytest.raises(Invalid) as raised:
        reader.read(scope, token)
    return list(raised.value.fields) == ["pageToken"]


def test_no_character_can_be_changed_added_or_left_out() -> None:
    reader = cursors(OLD)
    for number in range(20):
        token = reader.sign(LIST, ["2030-01-01 00:00:00.000000+00:00", str(number)])
        for place, character in enumerate(token):
            before, after = token[:place], token[place + 1 :]
            # Of the last one two bits are not used: base64 reads them all alike.
            others = ALPHABET if place == len(token) - 1 else "AB.-é\n"
            for other in others:
                if other != character:
                    assert refused(reader, before + other + after), (place, other)
            assert refused(reader, before + after)
        for more in ("A", "=", "==", "\n", " ", "\0", "!", ".", token):
            assert refused(reader, token + more), more
            assert refused(reader, more + token), more


@pytest.mark.parametrize(
    "scope",
    [
        ["access_key", "organization", "acme", True],
        ["access_key", "organization", "Acme", False],
        ["access_key", "user", "acme", False],
        ["keypair", "organization", "acme", False],
        ["access_key", "organization", "acme"],
        ["audit", None],
        None,
    ],
)
def test_it_is_of_one_list(scope: object) -> None:
    assert refused(cursors(OLD), cursors(OLD).sign(LIST, ["x"]), scope)


def test_another_ring_has_not_made_it() -> None:
    token = cursors(OLD).sign(LIST, ["x"])
    assert refused(cursors(NEW), token)
    for text in ("", "x", ".", "null", "\U0001f600", "\ud800", "A" * 100_000):
        assert refused(cursors(OLD), text)


def test_a_process_that_has_not_heard_of_a_new_key_asks_for_it() -> None:
    rings = [OLD]
    reader = Cursors(Vault(lambda: parse(",".join(rings), "the tests")))
    assert refused(reader, cursors(NEW, OLD).sign(LIST, ["x"]))
    rings.insert(0, NEW)
    assert reader.read(LIST, cursors(NEW, OLD).sign(LIST, ["x"])) == ["x"]
    # And once the old one has left, what it signed is nobody's.
    old = cursors(OLD).sign(LIST, ["x"])
    rings.remove(OLD)
    assert refused(Cursors(Vault(lambda: parse(",".join(rings), "x"))), old)


Read = Callable[[int | None, int], list[int]]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 9, 10, 11])
@pytest.mark.parametrize("length", [0, 1, 5, 10])
def test_the_parts_make_up_the_list(limit: int, length: int) -> None:
    def read(after: int | None, count: int) -> list[int]:
        begun = 0 if after is None else after + 1
        return list(range(length))[begun : begun + count]

    found: list[int] = []
    cut: Cut[int] | None = None
    while cut is None or cut.next_page_token:
        keyset = Keyset(limit, cut.next_page_token if cut else None)
        cut = cursors(OLD).cut(LIST, keyset, read, lambda item: item)
        assert 0 < len(cut.items) <= limit or not length
        found += cut.items
    assert found == list(range(length))
