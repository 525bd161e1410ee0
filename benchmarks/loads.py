"""Two ways to load a server: wrk, and threads of Python where wrk is not installed."""

import json
import math
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from http.client import HTTPConnection
from http.client import HTTPException
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

#: Connections that are kept alive, each with one request at a time.
CONNECTIONS = 8

_SCRIPT = Path(__file__).with_name("requests.lua")


class Request(NamedTuple):
    """One request, as it goes over the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    def raw(self) -> bytes:
        """Return its bytes."""
        headers = {**self.headers, **_length(self.body)}
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Tally(NamedTuple):
    """How many answers came, how many of them were none that was wanted."""

    answers: int
    failed: int
    seconds: float

    @property
    def rate(self) -> float:
        """Return the good answers of a second."""
        return (self.answers - self.failed) / self.seconds


#: Sends requests to a port of this machine for so many seconds.
Load = Callable[[int, Sequence[Request], float], Tally]


def wrk(port: int, requests: Sequence[Request], seconds: float) -> Tally:
    """Load with wrk, which counts whole seconds."""
    with NamedTemporaryFile(prefix="keysvc-requests-") as file:
        file.write(b"".join(request.raw() + b"\0" for request in requests))
        file.flush()
        done = subprocess.run(
            [
                *("wrk", "-t", "1", "-c", str(CONNECTIONS)),
                *("-d", f"{math.ceil(seconds)}s", "-s", str(_SCRIPT)),
                *(f"http://127.0.0.1:{port}", "--", file.name),
            ],
            check=True,
            capture_output=True,
            text=True,
            timeout=seconds + 60,
        )
    return Tally(**json.loads(done.stdout.splitlines()[-1]))


def python(port: int, requests: Sequence[Request], seconds: float) -> Tally:
    """Load with threads of this process, which take time from the server."""
    tallies: list[Tally] = []
    end = time.perf_counter() + seconds

    def run(mine: Sequence[Request]) -> None:
        tallies.append(_ask(port, mine, end))

    threads = [
        threading.Thread(target=run, args=(requests[i::CONNECTIONS] or requests,))
        for i in range(CONNECTIONS)
    ]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers, failed = (sum(t[i] for t in tallies) for i in (0, 1))
    return Tally(int(answers), int(failed), time.perf_counter() - begun)


def named(name: str) -> tuple[str, Load]:
    """Return what *name* stands for; ``auto`` is wrk where it is installed."""
    if name == "wrk" or (name == "auto" and shutil.which("wrk")):
        return "wrk", wrk
    return "Python", python


def answer_to(port: int, request: Request) -> tuple[int, str]:
    """Return status and body of one answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(*_arguments(request))
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def _ask(port: int, requests: Sequence[Request], end: float) -> Tally:
    answers = failed = 0
    begun = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    while not answers or time.perf_counter() < end:
        request = requests[answers % len(requests)]
        answers += 1
        try:
            connection.request(*_arguments(request))
            response = connection.getresponse()
            response.read()
            failed += response.status >= 400
        except (HTTPException, OSError):
            failed += 1
            connection.close()
    connection.close()
    return Tally(answers, failed, time.perf_counter() - begun)


def _arguments(request: Request) -> tuple[str, str, bytes | None, Mapping[str, str]]:
    return request.method, request.target, request.body or None, request.headers


def _length(body: bytes) -> dict[str, str]:
    return {"Content-Length": str(len(body))} if body else {}
