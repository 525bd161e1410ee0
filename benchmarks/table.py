"""Results as a Markdown table."""

from collections.abc import Mapping
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.loads import Tally
from benchmarks.targets.target import BARE
from benchmarks.targets.target import Target


class Line(NamedTuple):
    """What a target is on an engine."""

    engine: str
    target: Target


#: For each line, a tally of each round.
Results = Mapping[Line, Sequence[Tally]]


def render(results: Results) -> str:
    """Return the table; writes that wait for a disk stand in one of their own."""
    served = [line for line in results if not line.target.flushes]
    written = [line for line in results if line.target.flushes]
    return "\n\n".join(
        [
            _table(results, served),
            "Writes, where every answer also waits for a commit:",
            _table(results, written),
        ]
    )


def ratio(results: Results, line: Line) -> float:
    """Return the median, over the rounds, of *line* to the bare view beside it."""
    bare = results[Line(line.engine, BARE)]
    rounds = zip(results[line], bare, strict=True)
    return median(mine.rate / its.rate for mine, its in rounds)


def failed(results: Results) -> int:
    """Return how many requests failed in all."""
    return sum(tally.failed for tallies in results.values() for tally in tallies)


def _table(results: Results, lines: Sequence[Line]) -> str:
    rows = [
        f"| {line.engine} | {line.target.name}"
        f" | {median(tally.rate for tally in results[line]):,.0f}"
        f" | {ratio(results, line):.2f}"
        f" | {sum(tally.failed for tally in results[line])} |"
        for line in lines
    ]
    head = "| database | request | requests/s | of the bare view | failed |"
    return "\n".join([head, "|---|---|--:|--:|--:|", *rows])
