"""
Limits that hold across processes and hosts: one row, one statement (GCRA).

A subject's *arrival* is when its next use would come if all were evenly spaced: each
use moves it on by one interval, and it may lie ahead of now by no more than the burst.
The generic cell rate algorithm is described in ITU-T I.371, annex A.
"""

from math import floor
from typing import Any
from typing import NamedTuple

import peewee

from keysvc.store.connection import is_postgres
from keysvc.store.statements import Statement
from keysvc.store.tables import RateRow

#: All times here are multiples of it, in seconds. A double holds those without any
#: rounding until the year 2106, so that sums of them are what they should be: the last
#: use of a burst is neither lost nor given twice.
GRAIN = 2.0**-21


class Pace(NamedTuple):
    """
    How the uses of a limit are spaced.

    *interval* is the seconds that one use stands for, *burst* those that the arrival
    may lie ahead.
    """

    interval: float
    burst: float


def pace(times: int, period: float) -> Pace:
    """Return the pace of exactly *times* at once, or in *period* seconds."""
    interval = max(_grains(period / times), GRAIN)
    return Pace(interval, interval * times)


def _grains(seconds: float) -> float:
    return floor(seconds / GRAIN) * GRAIN


def take(subject: str, now: float, pace: Pace) -> float | None:
    """
    Use the limit of *subject* once, and return its arrival; None if it is used up.

    Args:
        now: Unix time, in seconds.
    """
    now, (interval, burst) = _grains(now), pace
    latest = now + burst - interval
    # No use moves an arrival so far ahead: then a clock was set back, and what it
    # said is forgotten, lest the subject wait until that hour comes again.
    absurd = now + 2 * burst
    values = (subject, now + interval, now, absurd, now, interval, latest, absurd)
    row = _TAKE.run(*values).fetchone()
    return None if row is None else float(row[0])


def _take() -> Any:
    arrival = RateRow.arrival
    start = peewee.Case(None, [(arrival.between(0.0, 0.0), arrival)], 0.0)
    return (
        RateRow.insert(subject="", arrival=0.0)
        .on_conflict(
            conflict_target=[RateRow.subject],
            update={arrival: start + 0.0},
            where=((arrival <= 0.0) | (arrival > 0.0)),
        )
        .returning(arrival)
    )


_TAKE = Statement(_take)


def give_back(subject: str, pace: Pace) -> None:
    """Take back one use."""
    RateRow.update(arrival=RateRow.arrival - pace.interval).where(
        RateRow.subject == subject
    ).execute()


def next_at(subject: str, now: float, pace: Pace) -> float:
    """Return from when on *subject* can be used again, in Unix time."""
    row = RateRow.get_or_none(RateRow.subject == subject)
    arrival: float = now if row is None else row.arrival
    return arrival + pace.interval - pace.burst


def purge(now: float) -> None:
    """Forget the subjects that have used nothing of late."""
    stale: Any = RateRow.select(RateRow.subject).where(RateRow.arrival < now)
    if is_postgres():
        # To wait for one row, holding another, could meet a login that does the same.
        stale = stale.for_update("FOR UPDATE SKIP LOCKED")
    RateRow.delete().where(RateRow.subject.in_(stale)).execute()
