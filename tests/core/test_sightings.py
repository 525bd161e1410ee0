"""Tokens in bytes: found wherever they stand, however these are read; and no others."""

import io
import random
import tracemalloc
from base64 import b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from keysvc.core.secrets.sightings import Lookout
from keysvc.core.secrets.sightings import REACH
from keysvc.core.secrets.sightings import Sighting
from keysvc.core.secrets.tokens import checksum
from keysvc.core.secrets.tokens import mint_keypair
from keysvc.core.secrets.tokens import mint_token

KINDS = {"ksa": "api_key", "kso": "access_key", "kss": "session"}
LOOKOUT = Lookout(KINDS)

prompt = settings(deadline=None, max_examples=60, database=None, derandomize=True)


def seen(text: bytes, size: int = 1 << 20, lookout: Lookout = LOOKOUT) -> list[str]:
    return [found.token for found in sightings(text, size, lookout)]


def sightings(
    text: bytes, size: int = 1 << 20, lookout: Lookout = LOOKOUT
) -> list[Sighting]:
    return list(lookout.sightings(io.BytesIO(text).read, size))


def token(prefix: str = "ksa") -> str:
    return mint_token(prefix)[1]


def basic(pair: str) -> str:
    return b64encode(pair.encode()).decode()


# -- what is found ------------------------------------------------------------------


@pytest.mark.parametrize("prefix", KINDS)
def test_a_token_is_told_with_its_line_its_kind_and_its_public_id(prefix: str) -> None:
    whole = token(prefix)
    public_id = whole.partition("_")[2][:16]
    text = f"one\ntwo {whole} {whole}\n\nfour {whole}".encode()

    found = sightings(text)

    expected = (KINDS[prefix], public_id, whole)
    assert found == [(line, *expected) for line in (2, 2, 4)]


@pytest.mark.parametrize(
    "around",
    [
        *("{}", "'{}'", "Bearer {}\r\n", "https://x/?key={}&y=1", "%3D{}%0A"),
        *("\\n{}\\n", "x{}", "{}x", "_{}", "{}_", "ksa_{}", "kss_ksa_{}", "ks{}a"),
        *("{0}{0}", "\0{}\0"),
        *("ksa_" + "a" * 51 + "{}", "ksa_" + "4" * 53 + "{}"),
    ],
)
def test_a_token_may_be_glued_to_anything(around: str) -> None:
    whole = token()

    assert set(seen(around.format(whole).encode())) == {whole}


def test_bytes_need_not_be_text() -> None:
    whole = token()

    assert seen(b"\xff\xfe\x00" + whole.encode() + b"\xc3\x28\x80") == [whole]


PLACES = {
    "JSON": '{{"accessKey": "{0}", "secretKey": "{1}"}}',
    "curl": "curl -u {0}:{1} https://keys",
    "a URL": "https://{0}:{1}@keys/",
    "variables": "export ACCESS_KEY={0}\nexport SECRET_KEY={1}\n",
    "the other way round": "secret_key = {1}\naccess_key = {0}\n",
    "glued": "{0}{1}",
    "a query": "?a%3D{0}%26s%3D{1}%26",
    "among others": "KPAAAAAAAAAAAAAAAAAA {0} KPBBBBBBBBBBBBBBBBBB {1}",
    "behind what looks like one": "KPKP{0} {1}",
    "told twice": "{0} {0} {1} {0}",
    "just in reach": "{0}" + "-" * REACH + "{1}",
    "just in reach, turned": "{1}" + "-" * REACH + "{0}",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_keypair_is_found_where_both_stand_near_each_other(place: str) -> None:
    access_key, secret_key = mint_keypair()
    text = PLACES[place].format(access_key, secret_key)

    [found] = sightings(text.encode())

    line = 1 + text[: text.index(secret_key)].count("\n")
    assert found == (line, "keypair", access_key, f"{access_key}:{secret_key}")


def test_a_keypair_is_found_as_basic_sends_it() -> None:
    pair = ":".join(mint_keypair())

    assert seen(f"Authorization: Basic {basic(pair)}\r\n".encode()) == [pair]


def test_of_many_keypairs_each_is_found() -> None:
    pairs = [":".join(mint_keypair()) for _ in range(100)]

    assert seen("\n".join(pairs).encode()) == pairs


def test_an_estate_has_prefixes_of_its_own_and_one_may_end_like_another() -> None:
    lookout = Lookout({"acme": "api_key", "me": "session", "A1": "access_key"})
    tokens = [token(prefix) for prefix in ("acme", "me", "A1", "ksa")]

    found = sightings(" ".join(tokens).encode(), lookout=lookout)

    assert [(one.kind, one.token) for one in found] == [
        ("api_key", tokens[0]),
        ("session", tokens[1]),
        ("access_key", tokens[2]),
    ]
    assert seen(b"ac" + tokens[1].encode(), lookout=lookout) == [tokens[1]]


# -- what is not --------------------------------------------------------------------


def wrong(text: str) -> str:
    return text[:-1] + ("a" if text[-1] != "a" else "b")


@pytest.mark.parametrize(
    "text",
    [
        lambda: wrong(token()),
        lambda: token()[1:],
        lambda: token()[:-1],
        lambda: token("ksx"),
        lambda: token().replace("_", "-"),
        lambda: token().upper(),
        lambda: token()[:30] + "\n" + token()[30:],
        lambda: "ksa_" + "0" * 54,
        lambda: mint_keypair()[0],
        lambda: mint_keypair()[1],
        lambda: " ".join([mint_keypair()[0], mint_keypair()[1]]),
        lambda: wrong(":".join(mint_keypair())),
        lambda: basic(wrong(":".join(mint_keypair()))),
        lambda: basic("x" + ":".join(mint_keypair())),
        lambda: ("-" * (REACH + 1)).join(mint_keypair()),
        lambda: ("-" * (REACH + 1)).join(reversed(mint_keypair())),
        lambda: "{} {:a<65}".format(*mint_keypair()),
        lambda: "",
        lambda: "_" * 5000,
        lambda: "KP" * 5000,
        lambda: "ksa_" * 5000,
        lambda: "S1B" * 5000,
    ],
)
def test_what_is_no_token_is_not_found(text: Callable[[], str]) -> None:
    assert seen(text().encode()) == []


# -- however it is read -------------------------------------------------------------


def piece(draw: random.Random) -> bytes:
    """Something that a text is made of: a token, a keypair, or what looks like one."""
    made = [
        lambda: token(draw.choice(["ksa", "kso", "kss", "ksx"])),
        lambda: ":".join(mint_keypair()),
        lambda: basic(":".join(mint_keypair())),
        lambda: draw.choice(["-", "a"]).join(mint_keypair()),
        lambda: ("\n" * draw.choice([1, REACH - 1, REACH, REACH + 1])).join(
            draw.sample(mint_keypair(), 2)
        ),
        lambda: mint_keypair()[draw.randrange(2)],
        lambda: draw.choice(["ksa_", "KP", "S1B", "\n", "=", ""]),
        lambda: "aB3" * draw.randrange(200),
        lambda: "\n" * draw.choice([1, 7, 5000]),
    ]
    return draw.choice(made)().encode()


@prompt
@given(st.randoms(use_true_random=False), st.integers(1, 9000))
def test_whatever_the_chunks_the_same_is_found(draw: random.Random, size: int) -> None:
    text = b"".join(piece(draw) for _ in range(draw.randrange(1, 12)))

    assert sightings(text, size) == sightings(text, len(text) + 1)


@pytest.mark.parametrize("kind", ["token", "keypair", "basic"])
def test_a_token_across_any_boundary_is_found(kind: str) -> None:
    """Cut at each of its bytes, with as much before and behind as is looked at."""
    pair = ":".join(mint_keypair())
    whole, written = {
        "token": (token(),) * 2,
        "keypair": (pair, pair),
        "basic": (pair, basic(pair)),
    }[kind]
    before, size = 3 * REACH, 16 * 1024
    for cut in range(len(written) + 1):
        text = b"." * (size - cut) + written.encode() + b"\n" * before

        assert seen(text, size) == [whole], cut


def test_a_reader_may_give_less_than_it_was_asked_for() -> None:
    pair, whole = ":".join(mint_keypair()), token()
    stream = io.BytesIO(f"{'x' * 999}\n{pair}\n{whole}".encode())

    found = LOOKOUT.sightings(lambda size: stream.read(min(size, 7)))

    assert [one.line for one in found] == [2, 3]


def test_memory_does_not_grow_with_what_is_read() -> None:
    block = f"{'word ' * 13_000}{token()}\n".encode()
    left = [640]

    def read(size: int) -> bytes:
        left[0] -= 1
        return block if left[0] >= 0 else b""

    tracemalloc.start()
    try:
        count = sum(1 for _ in LOOKOUT.sightings(read))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count == 640
    assert len(block) * 640 > 40e6
    assert peak < 1e6


# -- false alarms -------------------------------------------------------------------


def test_a_checksum_that_is_right_is_found_and_begins_below_5() -> None:
    draw = random.Random(7)
    for _ in range(2000):
        assert checksum(str(draw.random()))[0] in "01234"


def test_a_sighting_does_not_tell_the_token() -> None:
    [found] = sightings(token().encode())

    assert found.token[25:] not in repr(found)
    assert found.public_id in repr(found)
