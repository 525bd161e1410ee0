"""The servers over one database, and what they were asked."""

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import ExitStack
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks import loads
from benchmarks import servers
from benchmarks.estate.rows import RING
from benchmarks.loads import Load
from benchmarks.servers import serving
from benchmarks.verify.cases import Case
from benchmarks.verify.keys import Keys
from keysvc.config import Settings

#: Requests a second of the fastest server: so many are drawn for each second.
_DRAWN = 20_000

#: Seconds of each turn of the warming.
_TURN = 5


def part_of(rates: Sequence[float], others: Sequence[float]) -> float:
    """Return what *rates* are of *others*, round by round: the median."""
    return median(mine / its for mine, its in zip(rates, others, strict=True))


class Bench:
    """
    One engine, with every server that is measured on it.

    Args:
        stack: Ends the servers, and removes SQLite's database and the logs.
    """

    def __init__(self, engine: str, keys: Keys, load: Load, stack: ExitStack) -> None:
        made = TemporaryDirectory(prefix="keysvc-bench")
        directory = Path(stack.enter_context(made))
        self._engine, self._keys, self._load = engine, keys, load
        self._rates: dict[str, list[float]] = {}
        url = (
            f"sqlite:///{directory / 'keysvc.db'}"
            if engine == "sqlite"
            else stack.enter_context(servers.postgres())
        )
        keys.fill(Settings(home=directory, database_url=url, secret_keys=RING))
        self._settings = {
            "KEYSVC_HOME": str(directory),
            "KEYSVC_DATABASE_URL": url,
            "KEYSVC_SECRET_KEYS": RING,
            "KEYSVC_ACCESS_LOG": "false",
            "KEYSVC_CACHE_SIZE": str(keys.count * 2),
        }
        # A cache of one: whatever is drawn was never seen.
        cold = self._settings | {"KEYSVC_CACHE_SIZE": "1"}
        host, gate = "benchmarks.verify.hosts:create_app()", "keysvc.gate:application"
        start = stack.enter_context
        self._ports = {
            "bare": start(serving(servers.BARE, directory)),
            "keysvc": start(serving(servers.KEYSVC, directory, self._settings)),
            "cold": start(serving(servers.KEYSVC, directory, cold)),
            "host": start(serving(host, directory, self._settings)),
            "granian": start(serving(gate, directory, self._settings, servers.granian)),
        }

    def warm(self, case: Case) -> None:
        """Ask of every key once."""
        port = self._ports[case.server]
        every = case.requests(self._keys.good, f"127.0.0.1:{port}")
        while every:
            every = every[self._load(port, every, _TURN).answers :]

    def measure(self, case: Case, seconds: float) -> None:
        """
        Load the server of *case* once.

        Raises:
            SystemExit: If any answer is not the right one.
        """
        port = self._ports[case.server]
        drawn = case.draw(self._keys, math.ceil(_DRAWN * seconds))
        asked = case.requests(drawn, f"127.0.0.1:{port}")
        status, body = loads.answer_to(port, asked[0])
        if status != 401 if case.refused else status >= 400:
            raise SystemExit(f"{self._engine}, {case.name}: {status} {body}")
        with self._changes() if case.disturbed else nullcontext():
            tally = self._load(port, asked, seconds)
        if tally.failed != (tally.answers if case.refused else 0):
            raise SystemExit(f"{self._engine}, {case.name}: {tally}")
        self._rates.setdefault(case.name, []).append(tally.answers / tally.seconds)

    def rates(self, name: str) -> list[float]:
        """Return the answers a second of each turn of the case of this *name*."""
        return self._rates[name]

    def line(self, case: Case) -> str:
        """Return the row of a Markdown table that tells what came of *case*."""
        rates = self._rates[case.name]
        ratio = part_of(rates, self._rates[case.against])
        aim = f">= {case.aim:g}" if case.aim else ""
        rate, against = f"{median(rates):,.0f}", case.against
        return f"| {case.name} | {rate} | {ratio:.2f} | {aim} | {against} |"

    @contextmanager
    def _changes(self) -> Iterator[None]:
        """Let another process change keys meanwhile."""
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.verify.changer"),
                self._keys.accounts[0].id,
            ],
            cwd=servers.ROOT,
            env=os.environ | self._settings,
            stdout=subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            process.kill()
            process.wait()
