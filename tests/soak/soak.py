"""A soak of one engine, from an empty database to the last check."""

import signal
import time
from pathlib import Path
from typing import NamedTuple

from tests.service.servers import eventually
from tests.service.servers import new_admin
from tests.service.servers import REVOCATION
from tests.service.servers import run
from tests.service.servers import Server
from tests.soak.client import SoakClient
from tests.soak.line import Line
from tests.soak.line import Tally
from tests.soak.storm import Storm

#: What the size of a worker may differ from what it was after its first minute.
_GROWTH = 0.1


class Weather(NamedTuple):
    """How long it lasts, in seconds, and for how many."""

    seconds: float
    clients: int
    workers: int


def soak(directory: Path, database_url: str, weather: Weather) -> tuple[list[str], str]:
    """Return what was wrong, and a summary."""
    settings = {"KEYSVC_DATABASE_URL": database_url} if database_url else {}
    log, tally = directory / "log", Tally()
    arguments = ("--workers", str(weather.workers), "--threads", "4")
    with Server(directory, *arguments, logs=log, **settings) as server:
        admin = new_admin(directory, **settings)
        clients = [
            SoakClient(number, Line(server.port, admin, tally), tally)
            for number in range(weather.clients)
        ]
        storm = Storm(server, weather.seconds)
        for thread in (*clients, storm):
            thread.start()
        time.sleep(weather.seconds)
        storm.end()
        for client in clients:
            client.end()
        # Whatever was acknowledged outlives the death of them all.
        server.kill()
        server.start()
        time.sleep(REVOCATION)
        for client in clients:
            client.check_all()
        server.signal(signal.SIGTERM)
        eventually(lambda: "Shutting down: Master" in log.read_text())
    audit = run("audit", "verify", directory=directory, **settings)
    wrong = [*tally.wrong, *_told(clients, log), *_grown(storm)]
    if audit.returncode:
        wrong.append(audit.stderr)
    if tally.statuses[500]:
        wrong.append(f"{tally.statuses[500]} answers of 500")
    return wrong, _summary(tally, storm, weather, audit.stdout.strip())


def _told(clients: list[SoakClient], log: Path) -> list[str]:
    """Return whether the log tells any secret."""
    text = log.read_text()
    secrets = {secret for client in clients for secret in client.secrets()}
    return [f"the log tells {secret[:8]}..." for secret in secrets if secret in text]


def _grown(storm: Storm) -> list[str]:
    if storm.grown and abs(storm.final / storm.grown - 1) > _GROWTH:
        return [f"a worker had {storm.grown:.0f} MiB, and has {storm.final:.0f}"]
    return []


def _summary(tally: Tally, storm: Storm, weather: Weather, audit: str) -> str:
    done = ", ".join(f"{n} {what}" for what, n in sorted(tally.done.items()))
    statuses = ", ".join(f"{n} of {s}" for s, n in sorted(tally.statuses.items()))
    return (
        f"{weather.clients} clients, {weather.workers} workers,"
        f" {weather.seconds:.0f} s: {tally.statuses.total()} answers ({statuses}),"
        f" {tally.broken} cut off.\n{done}.\n{storm.kills} workers killed,"
        f" {storm.reloads} reloads. A worker's memory: {storm.grown:.1f} MiB after a"
        f" minute, {storm.final:.1f} in the end. {audit}"
    )
