"""``python -m benchmarks``: measure every route, and print a table."""

import math
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks import loads
from benchmarks import servers
from benchmarks import table
from benchmarks.engines import engine_option
from benchmarks.engines import ENGINES
from benchmarks.estate import Estate
from benchmarks.estate.rows import RING
from benchmarks.loads import Load
from benchmarks.loads import Tally
from benchmarks.servers import serving
from benchmarks.table import Line
from benchmarks.targets import FAMILIES
from benchmarks.targets import targets
from benchmarks.targets.target import BARE
from benchmarks.targets.target import Target
from keysvc.config import Settings

#: Requests a second that no target gets beyond: so many are drawn, none comes twice.
_DRAWN = 2500

#: The port of each line's server.
Ports = dict[Line, int]


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option(
    "--seconds",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="How long each target is loaded in each round; wrk takes whole seconds.",
)
@engine_option
@click.option(
    "--rows",
    default=100_000,
    show_default=True,
    type=click.IntRange(1),
    help="Keypairs, a hundred of each user; as many of other families.",
)
@click.option(
    "--family",
    "families",
    default=list(FAMILIES),
    show_default=True,
    multiple=True,
    type=click.Choice(list(FAMILIES)),
)
@click.option(
    "--only",
    default="",
    metavar="WORD",
    help="Only the targets that have it in their names.",
)
@click.option(
    "--load",
    "wanted",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "wrk", "python"]),
    help="What loads the servers; auto is wrk where it is installed.",
)
def main(
    rounds: int,
    seconds: float,
    engines: tuple[str, ...],
    rows: int,
    wanted: str,
    families: tuple[str, ...],
    only: str,
) -> None:
    """Print the requests per second of a bare Flask view and of each route."""
    name, load = loads.named(wanted)
    estate, measured = Estate(rows, families), targets(families, rows, only)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="keysvc-bench")))
        ports = _serve(stack, directory, estate, engines, measured)
        results: dict[Line, list[Tally]] = {line: [] for line in ports}
        for line, port in ports.items():
            _try(estate, line, port)
        for number in range(rounds):
            click.echo(f"round {number + 1} of {rounds}", err=True)
            for line, port in ports.items():
                tally = _measure(estate, line.target, port, load, seconds)
                results[line].append(tally)
    click.echo(
        f"Medians of {rounds} rounds of {seconds:g} s, each target in turn; {name},"
        f" {loads.CONNECTIONS} connections; gunicorn with {servers.WORKERS} worker of"
        f" {servers.THREADS} threads; {rows:,} credentials in the largest list of"
        f" {' and of '.join(families)}, callers drawn at random.\n\n"
        f"{table.render(results)}"
    )
    if failed := table.failed(results):
        raise SystemExit(f"{failed} requests failed.")


def _serve(
    stack: ExitStack,
    directory: Path,
    estate: Estate,
    engines: tuple[str, ...],
    measured: Sequence[Target],
) -> Ports:
    """Start a server of each kind, all at once: those that are not asked do nothing."""
    ports: Ports = {}
    bare = stack.enter_context(serving(servers.BARE, directory))
    for engine in engines:
        click.echo(f"filling {ENGINES[engine]}", err=True)
        url = (
            f"sqlite:///{directory / 'keysvc.db'}"
            if engine == "sqlite"
            else stack.enter_context(servers.postgres())
        )
        estate.fill(Settings(home=directory, database_url=url, secret_keys=RING))
        ports[Line(ENGINES[engine], BARE)] = bare
        settings = {
            "KEYSVC_HOME": str(directory),
            "KEYSVC_DATABASE_URL": url,
            "KEYSVC_SECRET_KEYS": RING,
        }
        keysvc = {
            logged: stack.enter_context(
                serving(
                    servers.KEYSVC,
                    directory,
                    settings | {"KEYSVC_ACCESS_LOG": "true" if logged else "false"},
                )
            )
            for logged in (False, True)
        }
        for target in measured:
            ports[Line(ENGINES[engine], target)] = keysvc[target.logged]
    return ports


def _try(estate: Estate, line: Line, port: int) -> None:
    """Ask a few times before anything counts; stop at the first wrong answer."""
    for request in line.target.requests(estate, f"127.0.0.1:{port}", 50):
        status, body = loads.answer_to(port, request)
        if status >= 400:
            raise SystemExit(f"{line.engine}, {line.target.name}: {status} {body}")


def _measure(
    estate: Estate, target: Target, port: int, load: Load, seconds: float
) -> Tally:
    count = math.ceil(_DRAWN * seconds)
    requests = list(target.requests(estate, f"127.0.0.1:{port}", count))
    return load(port, requests, seconds)


def end(number: int, frame: object) -> None:
    """Leave by an exception: it stops every server on its way out."""
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    main(prog_name="python -m benchmarks")
