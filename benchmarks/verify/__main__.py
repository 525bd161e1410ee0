"""``python -m benchmarks.verify``: measure verification, and print a table."""

import signal
from contextlib import ExitStack

import click

from benchmarks import loads
from benchmarks import servers
from benchmarks.__main__ import end
from benchmarks.engines import engine_option
from benchmarks.engines import ENGINES
from benchmarks.verify.bench import Bench
from benchmarks.verify.cases import of_engine
from benchmarks.verify.keys import Keys

#: What a verification that asks the database should reach.
_COLD = {"sqlite": 0.8, "postgres": 0.6}


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option("--seconds", default=2, show_default=True, type=click.IntRange(1))
@engine_option
@click.option(
    "--keys",
    "count",
    default=100_000,
    show_default=True,
    type=click.IntRange(2000),
    help="API keys of each database, drawn at random.",
)
@click.option("--only", default="", metavar="WORD", help="Only names that hold it.")
def main(
    rounds: int, seconds: int, engines: tuple[str, ...], count: int, only: str
) -> None:
    """Print the verifications per second, and what each is of what it is held to."""
    name, load = loads.named("auto")
    for engine in engines:
        with ExitStack() as stack:
            click.echo(f"filling {ENGINES[engine]}", err=True)
            bench = Bench(engine, Keys(count), load, stack)
            every = of_engine(_COLD[engine])
            held = {case.against for case in every if only in case.name}
            cases = [c for c in every if only in c.name or c.name in held]
            for case in cases:
                if case.warm:
                    click.echo(f"warming {case.name}", err=True)
                    bench.warm(case)
            for number in range(rounds):
                click.echo(f"round {number + 1} of {rounds}", err=True)
                for case in cases:
                    bench.measure(case, seconds)
            click.echo(
                f"{ENGINES[engine]}: medians of {rounds} rounds of {seconds} s, each"
                f" in turn; {name}, {loads.CONNECTIONS} connections; {servers.WORKERS}"
                f" worker of {servers.THREADS} threads; {count:,} keys.\n\n"
                "| request | requests/s | ratio | aim | held against |\n"
                "|---|--:|--:|--:|---|"
            )
            for case in cases:
                click.echo(bench.line(case))
            click.echo()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    main(prog_name="python -m benchmarks.verify")
