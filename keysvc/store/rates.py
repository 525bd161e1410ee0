"""
Limits that hold across processes and hosts: one row, one statement (GCRA).

A subject's *arrival* is when its next use would come if all were evenly spaced: each
use moves it on by one interval, and it may lie ahead of now by no more than the burst.
The generic cell rate algorithm is described in ITU-T I.371, annex A.
"""

from typing import Any

import peewee

from keysvc.store.connection import is_postgres
from keysvc.store.statements import Statement
from keysvc.store.tables import RateRow


def take(subject: str, now: float, interval: float, burst: float) -> float | None:
    """
    Use the limit of *subject* once, and return its arrival; None if it is used up.

    Args:
        now: Unix time, in seconds.
        interval: Seconds that one use stands for.
        burst: Seconds that the arrival may lie ahead.
    """
    # Half an interval more than the rule says: sums of fractions are never quite
    # what they should be, and the last use of a burst must not be lost to that.
    latest = now + burst - interval / 2
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


def give_back(subject: str, interval: float) -> None:
    """Take back one use."""
    RateRow.update(arrival=RateRow.arrival - interval).where(
        RateRow.subject == subject
    ).execute()


def arrival(subject: str) -> float | None:
    """Return when the next use of *subject* would come, in Unix time."""
    row = RateRow.get_or_none(RateRow.subject == subject)
    return None if row is None else row.arrival


def purge(now: float) -> None:
    """Forget the subjects that have used nothing of late."""
    stale: Any = RateRow.select(RateRow.subject).where(RateRow.arrival < now)
    if is_postgres():
        # To wait for one row, holding another, could meet a login that does the same.
        stale = stale.for_update("FOR UPDATE SKIP LOCKED")
    RateRow.delete().where(RateRow.subject.in_(stale)).execute()
