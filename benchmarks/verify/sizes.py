"""``python -m benchmarks.verify.sizes``: many credentials against few, in one run."""

import signal
from contextlib import ExitStack
from statistics import median

import click

from benchmarks import loads
from benchmarks.__main__ import end
from benchmarks.engines import engine_option
from benchmarks.engines import ENGINES
from benchmarks.verify.bench import Bench
from benchmarks.verify.bench import part_of
from benchmarks.verify.cases import BARE
from benchmarks.verify.cases import COLD
from benchmarks.verify.cases import of_engine
from benchmarks.verify.keys import Keys


@click.command()
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1))
@click.option("--seconds", default=2, show_default=True, type=click.IntRange(1))
@engine_option
@click.option("--few", default=10_000, show_default=True, type=click.IntRange(2000))
@click.option("--many", default=1_000_000, show_default=True, type=click.IntRange(2000))
def main(
    rounds: int, seconds: int, engines: tuple[str, ...], few: int, many: int
) -> None:
    """Print what verifications among many keys are of those among few."""
    _, load = loads.named("auto")
    cases = [case for case in of_engine(0) if case.name in (BARE, COLD)]
    click.echo("| database | keys | bare view/s | cold/s | of those among few |")
    click.echo("|---|--:|--:|--:|--:|")
    for engine in engines:
        with ExitStack() as stack:
            benches: dict[int, Bench] = {}
            for count in (few, many):
                click.echo(f"filling {ENGINES[engine]} with {count:,}", err=True)
                benches[count] = Bench(engine, Keys(count), load, stack)
            for number in range(rounds):
                click.echo(f"round {number + 1} of {rounds}", err=True)
                for case in cases:
                    for bench in benches.values():
                        bench.measure(case, seconds)
            for count, bench in benches.items():
                bare, rates = bench.rates(BARE), bench.rates(COLD)
                ratio = part_of(rates, benches[few].rates(COLD))
                click.echo(
                    f"| {ENGINES[engine]} | {count:,} | {median(bare):,.0f}"
                    f" | {median(rates):,.0f} | {ratio:.2f} |"
                )


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    main(prog_name="python -m benchmarks.verify.sizes")
