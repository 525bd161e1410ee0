"""The benchmarks run, and tell of every target."""

import subprocess
import sys
from pathlib import Path

from benchmarks.access_keys import TARGETS as ACCESS_KEYS
from benchmarks.loads import Tally
from benchmarks.table import Line
from benchmarks.table import ratio
from benchmarks.targets import BARE
from benchmarks.targets import TARGETS

ROOT = Path(__file__).parents[2]

#: Writes stand in a table of their own, below the others.
EVERY = sorted((BARE, *TARGETS, *ACCESS_KEYS), key=lambda target: target.flushes)


def test_a_tiny_run_tells_of_every_target_and_nothing_fails() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "--rounds", "1"),
            *("--seconds", "0.1", "--rows", "200"),
            *("--engine", "sqlite", "--load", "python"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()]
    told = {cells[1]: cells for cells in lines if cells[0] == "SQLite"}
    assert list(told) == [target.name for target in EVERY]
    assert all(cells[-1] == "0" for cells in told.values())
    assert told[BARE.name][3] == "1.00"


def test_a_ratio_is_the_median_of_what_each_round_shows() -> None:
    bare, line = Line("SQLite", BARE), Line("SQLite", TARGETS[0])
    # The machine was twice as fast in the second round; the third was an accident.
    results = {
        bare: [Tally(100, 0, 1.0), Tally(200, 0, 1.0), Tally(100, 0, 1.0)],
        line: [Tally(50, 0, 1.0), Tally(100, 0, 1.0), Tally(10, 0, 1.0)],
    }
    assert ratio(results, line) == 0.5
