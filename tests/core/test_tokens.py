"""Keys as text: their shape, their checksum, and what is no key at all."""

import re
import string

import pytest
from hypothesis import assume
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from keysvc.core.secrets.tokens import checksum
from keysvc.core.secrets.tokens import is_keypair
from keysvc.core.secrets.tokens import mint_keypair

BASE62 = string.digits + string.ascii_letters

prompt = settings(deadline=None, max_examples=100, database=None)
pairs = st.builds(mint_keypair)
#: Lone surrogates too: what a header of another encoding may decode to.
anything = st.text(st.characters(exclude_categories=()))


@prompt
@given(pairs)
def test_what_is_minted_is_a_keypair_of_the_promised_shape(
    pair: tuple[str, str],
) -> None:
    access_key, secret_key = pair
    assert is_keypair(access_key, secret_key)
    assert re.fullmatch(r"KP[A-Z2-7]{18}", access_key)
    assert re.fullmatch(r"[0-9A-Za-z]{40}", secret_key)
    assert secret_key[-6:] == checksum(access_key + secret_key[:-6])


@prompt
@given(pairs, st.integers(0, 39), st.sampled_from(BASE62) | st.characters())
def test_any_change_of_a_character_of_the_secret_shows(
    pair: tuple[str, str], place: int, character: str
) -> None:
    access_key, secret_key = pair
    assume(secret_key[place] != character)
    changed = secret_key[:place] + character + secret_key[place + 1 :]
    assert not is_keypair(access_key, changed)


@prompt
@given(pairs, st.integers(0, 19), st.sampled_from(BASE62) | st.characters())
def test_any_change_of_a_character_of_the_access_key_shows(
    pair: tuple[str, str], place: int, character: str
) -> None:
    access_key, secret_key = pair
    assume(access_key[place] != character)
    changed = access_key[:place] + character + access_key[place + 1 :]
    assert not is_keypair(changed, secret_key)


def test_every_character_of_one_secret_counts() -> None:
    access_key, secret_key = mint_keypair()
    taken = [
        (place, character)
        for place in range(40)
        for character in BASE62
        if character != secret_key[place]
        and is_keypair(
            access_key, secret_key[:place] + character + secret_key[place + 1 :]
        )
    ]
    assert not taken


@prompt
@given(pairs, st.integers(0, 38))
def test_swapped_neighbours_show(pair: tuple[str, str], place: int) -> None:
    access_key, secret = pair
    a, b = secret[place], secret[place + 1]
    assume(a != b)
    assert not is_keypair(access_key, secret[:place] + b + a + secret[place + 2 :])


@prompt
@given(anything, anything)
def test_no_text_is_too_strange(access_key: str, secret_key: str) -> None:
    assert is_keypair(access_key, secret_key) is False


@pytest.mark.parametrize(
    "access_key",
    [
        "",
        "-",
        "-KPA",
        "KPA-",
        "_KPA",
        "KPA_",
        "KP---A",
        "KP-_-A",
        "KP A",
        "KP.A",
        "KP:A",
        "KP" + "A" * 18 + "\n",
        "KP" + "A" * 17 + "\0",
        "KP" + "A" * 17 + "\u0663",
        "KP" + "A" * 17 + "\u00c9",
        "KP" + "A" * 17 + "\udcff",
    ],
)
def test_a_right_checksum_makes_no_slug_of_other_text(access_key: str) -> None:
    # Anyone can compute one: it must not carry any text to the database.
    body = "a" * 34
    assert not is_keypair(access_key, body + checksum(access_key + body))


@pytest.mark.parametrize("ending", ["\n", " ", "\0", "0"])
def test_a_secret_does_not_end_later(ending: str) -> None:
    access_key, secret_key = mint_keypair()
    assert is_keypair(access_key, secret_key)
    assert not is_keypair(access_key, secret_key + ending)
    assert not is_keypair(access_key, ending + secret_key)
    assert not is_keypair(access_key, secret_key[:-1])


@pytest.mark.parametrize("body", ["\u0661" * 34, "\u00e9" * 34, "-" * 34, "a" * 33])
def test_a_secret_of_another_alphabet_was_not_minted(body: str) -> None:
    access_key, _ = mint_keypair()
    assert not is_keypair(access_key, body + checksum(access_key + body))


@prompt
@given(anything)
def test_a_checksum_is_six_characters_of_base62(text: str) -> None:
    found = checksum(text)
    assert len(found) == 6
    assert set(found) <= set(BASE62)


@pytest.mark.parametrize(
    ("text", "expected"),
    # CRC-32: 0, 0xCBF43926 (the check value of the standard).
    [("", "000000"), ("123456789", "3jZRME")],
)
def test_the_checksum_is_crc_32(text: str, expected: str) -> None:
    assert checksum(text) == expected


def test_no_two_are_alike() -> None:
    minted = [mint_keypair() for _ in range(2000)]
    assert len({access_key for access_key, _ in minted}) == 2000
    assert len({secret_key for _, secret_key in minted}) == 2000


def test_every_character_of_the_alphabets_comes() -> None:
    minted = [mint_keypair() for _ in range(200)]
    assert set("".join(s[:34] for _, s in minted)) == set(BASE62)
    assert set("".join(a[2:] for a, _ in minted)) == set(
        string.ascii_uppercase + "234567"
    )
