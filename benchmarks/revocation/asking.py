"""Ask every worker of a server without a pause, while something is revoked."""

import os
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from benchmarks.revocation.cases import Case
from benchmarks.revocation.cases import CASES
from benchmarks.revocation.cases import House
from benchmarks.revocation.cases import PATIENCE

WORKERS = 4

#: Seconds after the answer to a change in which everyone goes on asking.
AFTER = 1.3


class Asked(NamedTuple):
    """When somebody began to ask, by the monotonic clock, and what he heard."""

    at: float
    status: int


def lags(house: House, master: int, name: str) -> list[float]:
    """
    Revoke as *name* says; return of each worker its last yes, in seconds after it.

    After the answer to the change; 0 where it was not even let in so long.
    """
    case = CASES[name](house)
    with _lines(house.port, master) as lines:
        asked: list[list[Asked]] = [[] for _ in lines]
        over = threading.Event()
        threads = [
            threading.Thread(target=_hammer, args=(line, case, said, over))
            for line, said in zip(lines, asked, strict=True)
        ]
        for thread in threads:
            thread.start()
        try:
            _until(lambda: all(_is_warm(said) for said in asked))
            case.revoke()
            answered = time.monotonic()
            time.sleep(AFTER)
        finally:
            over.set()
            for thread in threads:
                thread.join(PATIENCE)
    return [_lag(said, answered) for said in asked]


def _is_warm(said: list[Asked]) -> bool:
    """Tell whether it has answered well for a while: what it knows it has kept."""
    return len(said) > 50 and said[-1].at - said[0].at > 0.5


def _lag(said: list[Asked], answered: float) -> float:
    refusals = {401, 403}
    assert {one.status for one in said} <= {204} | refusals, said
    assert said[-1].status in refusals and said[-1].at > answered + 1, said[-1]
    return max(0.0, max(one.at for one in said if one.status == 204) - answered)


def _hammer(
    line: HTTPConnection, case: Case, said: list[Asked], over: threading.Event
) -> None:
    while not over.is_set():
        begun = time.monotonic()
        line.request("GET", case.path, headers=case.headers)
        answer = line.getresponse()
        answer.read()
        said.append(Asked(begun, answer.status))


@contextmanager
def _lines(port: int, master: int) -> Iterator[list[HTTPConnection]]:
    """Yield a connection to each worker: which one has taken it, the system knows."""
    found: dict[int, HTTPConnection] = {}
    spare: list[HTTPConnection] = []
    end = time.monotonic() + PATIENCE
    try:
        while len(found) < WORKERS:
            assert time.monotonic() < end, f"only {len(found)} workers answer"
            line = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            line.request("GET", "/healthz")
            line.getresponse().read()
            worker = _worker_of(line, port, master)
            if worker is None or worker in found:
                # Left open: so the next one is more likely to be taken by another.
                spare.append(line)
            else:
                found[worker] = line
        for line in spare:
            line.close()
        yield [*found.values()]
    finally:
        for line in [*found.values(), *spare]:
            line.close()


def workers_of(master: int) -> list[int]:
    """Return the processes that *master* has begun."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text()
    return [int(child) for child in children.split()]


def _worker_of(line: HTTPConnection, port: int, master: int) -> int | None:
    local = line.sock.getsockname()[1]
    wanted = (f"0100007F:{port:04X}", f"0100007F:{local:04X}")
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in rows if (row[1], row[2]) == wanted}
    for worker in workers_of(master):
        for file in Path(f"/proc/{worker}/fd").iterdir():
            try:
                if os.readlink(file) in inodes:
                    return worker
            except OSError:
                continue
    return None


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "It never came."
        time.sleep(0.02)
