"""``python -m tests.soak``: load a service that is killed all the while, and check."""

from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests import databases
from tests.soak.soak import soak
from tests.soak.soak import Weather


@click.command()
@click.option("--minutes", default=10.0, show_default=True, help="For each engine.")
@click.option("--clients", default=16, show_default=True)
@click.option("--workers", default=4, show_default=True)
@click.option("--engine", type=click.Choice(["sqlite", "postgres"]), help="One alone.")
def main(minutes: float, clients: int, workers: int, engine: str | None) -> None:
    """Print what came of it, and exit with 1 if anything was wrong."""
    failed = False
    for name in [engine] if engine else ["sqlite", "postgres"]:
        server = databases.server() if name == "postgres" else nullcontext("")
        with server as url, TemporaryDirectory() as directory:
            fresh = databases.fresh(url) if url else nullcontext("")
            with fresh as database:
                weather = Weather(minutes * 60, clients, workers)
                wrong, summary = soak(Path(directory), database, weather)
        click.echo(f"{name}: {summary}")
        for what in wrong[:20]:
            click.echo(f"WRONG: {what}", err=True)
        failed = failed or bool(wrong)
    raise SystemExit(failed)


if __name__ == "__main__":
    main(prog_name="python -m tests.soak")
