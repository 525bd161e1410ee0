"""
``python -m benchmarks.revocation``: how long what was revoked is still let in.

Every worker of one gunicorn is asked for forward auth without a pause, on a connection
that is known to be its own, while one request changes something; what is told is how
long after the answer to that change the last worker has begun to refuse.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

import click

from benchmarks import servers
from benchmarks.engines import engine_option
from benchmarks.revocation.asking import lags
from benchmarks.revocation.asking import WORKERS
from benchmarks.revocation.cases import CASES
from benchmarks.revocation.cases import House


def line_of(name: str, found: list[float]) -> str:
    """Return a row of the table: percentiles in milliseconds."""
    cuts = quantiles(found, n=20, method="inclusive")
    in_ms = [1000 * value for value in (cuts[9], cuts[18], max(found))]
    return (
        f"| {name} | {len(found)} | " + " | ".join(f"{ms:.0f}" for ms in in_ms) + " |"
    )


HEADER = (
    "| what is revoked | workers asked | median, ms | p95, ms | max, ms |\n"
    "|---|---:|---:|---:|---:|"
)


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@engine_option
def main(rounds: int, engines: tuple[str, ...]) -> None:
    """Print how long each of 4 workers lets in what was revoked."""
    for engine in engines:
        with TemporaryDirectory(prefix="keysvc-bench") as made:
            click.echo(f"\n{engine}, {WORKERS} workers, {rounds} rounds\n\n{HEADER}")
            everything: list[float] = []
            with _serving(engine, Path(made)) as (house, master):
                for name in CASES:
                    found = [
                        lag for _ in range(rounds) for lag in lags(house, master, name)
                    ]
                    everything += found
                    click.echo(line_of(name, found))
            click.echo(line_of("all", everything))


@contextmanager
def _serving(engine: str, directory: Path) -> Iterator[tuple[House, int]]:
    # Here, so that SQLite alone needs no driver of the other.
    from tests.service.servers import new_admin
    from tests.service.servers import Server

    settings = {"KEYSVC_HOME": directory / "home", "KEYSVC_ACCESS_LOG": "false"}
    with _database(engine) as url:
        if url:
            settings["KEYSVC_DATABASE_URL"] = url
        pair = new_admin(directory, **settings)
        arguments = ("--workers", str(WORKERS))
        logs = directory / "log"
        with Server(directory, *arguments, logs=logs, **settings) as server:
            yield House(server.port, pair), server.pid


@contextmanager
def _database(engine: str) -> Iterator[str]:
    if engine == "sqlite":
        yield ""
        return
    with servers.postgres() as url:
        yield url


if __name__ == "__main__":
    sys.exit(main())
