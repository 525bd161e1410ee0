"""What is measured, and what it is held against."""

from collections.abc import Callable
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.estate import Estate
from benchmarks.loads import Request

JSON = {"Content-Type": "application/json"}

#: Makes so many requests to a host, each of another caller, drawn at random.
Maker = Callable[[Estate, str, int], Iterator[Request]]


class Target(NamedTuple):
    """
    One line of the table.

    ``flushes`` tells that every answer waits for a disk, ``logged`` that the access
    log is on.
    """

    name: str
    requests: Maker
    flushes: bool = False
    logged: bool = False


def _bare(estate: Estate, host: str, count: int) -> Iterator[Request]:
    yield Request("GET", "/", {"Host": host})


BARE = Target("bare Flask JSON view", _bare)
