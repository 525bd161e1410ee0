"""What is measured of verification, and what each is held against."""

import json
import random
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from benchmarks.estate.keypairs import Keypair
from benchmarks.loads import Request
from benchmarks.targets.keypairs import signature
from benchmarks.targets.target import JSON
from benchmarks.verify.keys import Keys

#: Makes a request to a host of each credential.
Maker = Callable[[Sequence[Any], str], list[Request]]

#: Draws so many credentials.
Draw = Callable[[Keys, int], Sequence[Any]]


class Case(NamedTuple):
    """
    One line of the table.

    Args:
        name: What is asked.
        server: Which of the servers answers.
        against: The name of the line that it is held against.
        aim: The ratio that it should reach at least; 0 for none.
        warm: Whether every key is asked once before anything counts.
        disturbed: Whether another process changes keys meanwhile.
        refused: Whether the right answer is a refusal.
    """

    name: str
    server: str
    requests: Maker
    against: str
    aim: float = 0
    draw: Draw = Keys.draw
    warm: bool = False
    disturbed: bool = False
    refused: bool = False


def open_to_all(target: str) -> Maker:
    """Return what asks for *target* without any credential."""
    return lambda carried, host: [Request("GET", target, {"Host": host})]


def carrying(target: str) -> Maker:
    """Return what asks for *target* with each token."""
    return lambda carried, host: [
        Request("GET", target, {"Host": host, "Authorization": f"Bearer {token}"})
        for token in carried
    ]


def verify(carried: Sequence[str], host: str) -> list[Request]:
    """Ask of each token; one of them asks."""
    headers = {"Host": host, "Authorization": f"Bearer {carried[0]}"} | JSON
    return [
        Request("POST", "/v1/verify", headers, json.dumps({"token": token}).encode())
        for token in carried
    ]


def signed(carried: Sequence[Keypair], host: str) -> list[Request]:
    """Sign what is asked, as Backend.AI's client does it."""
    return [
        Request("GET", "/v1/auth", signature(pair, host, "/v1/auth"))
        for pair in carried
    ]


BARE = "bare Flask JSON view"

#: Every key is asked of the database.
COLD = "GET /v1/auth, cold"

_OPEN, _WARM, _UNKNOWN = "view of a host, open", "GET /v1/auth, warm", "unknown key"

_AUTH = carrying("/v1/auth")


def of_engine(cold: float) -> list[Case]:
    """Return what is measured on each engine; *cold* is the aim of unknown keys."""
    guarded = carrying("/guarded")
    return [
        Case(BARE, "bare", open_to_all("/"), BARE),
        Case(_WARM, "keysvc", _AUTH, BARE, 1.3, warm=True),
        Case(COLD, "cold", _AUTH, BARE, cold),
        Case("POST /v1/verify", "keysvc", verify, BARE, 0.6, warm=True),
        Case("GET /v1/auth, signed", "keysvc", signed, BARE, 0.5, _pairs),
        Case(_OPEN, "host", open_to_all("/open"), BARE),
        Case("view of a host, guarded", "host", guarded, _OPEN, 0.85, warm=True),
        Case("gate under granian", "granian", _AUTH, BARE, 10, warm=True),
        Case("the same, 20 changes/s", "keysvc", _AUTH, _WARM, 0.8, disturbed=True),
        Case(_UNKNOWN, "keysvc", _AUTH, BARE, 0, _unknown, refused=True),
        _like_unknown("wrong secret", _wrong),
        _like_unknown("inactive key", _inactive),
        _like_unknown("expired key", _expired),
    ]


def _like_unknown(name: str, draw: Draw) -> Case:
    """Return what must cost what an unknown key costs."""
    return Case(name, "keysvc", _AUTH, _UNKNOWN, 0.9, draw, refused=True)


def _pairs(keys: Keys, count: int) -> Sequence[Keypair]:
    # Signing costs the client more than checking does the server.
    return random.choices(keys.pairs, k=min(count, 4000))


def _unknown(keys: Keys, count: int) -> Sequence[str]:
    return keys.unknown()


def _wrong(keys: Keys, count: int) -> Sequence[str]:
    return keys.wrong()


def _inactive(keys: Keys, count: int) -> Sequence[str]:
    return keys.inactive


def _expired(keys: Keys, count: int) -> Sequence[str]:
    return keys.expired
