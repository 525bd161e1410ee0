"""
Limits that hold across processes and hosts: one row, one statement (GCRA).

A subject's *arrival* is when its next use would come if all were evenly spaced: each
use moves it on by one interval, and it may lie ahead of now by no more than the burst.
The generic cell rate algorithm is described in ITU-T I.371, annex A.
"""

from typing import Any

import peewee

from keysvc.store.connection import is_postgres
from keysvc.store.tables import RateRow


def take(subject: str, now: float, interval: float, burst: float) -> bool:
    """
    Use the limit of *subject* once, if it allows.

    Args:
        now: Unix time, in seconds.
        interval: Seconds that one use stands for.
        burst: Seconds that the arrival may lie ahead.
    """
    start = peewee.Case(None, [(RateRow.arrival > now, RateRow.arrival)], now)
    query = RateRow.insert(subject=subject, arrival=now + interval).on_conflict(
        conflict_target=[RateRow.subject],
        update={RateRow.arrival: start + interval},
        where=(RateRow.arrival + interval - now <= burst),
    )
    return bool(query.as_rowcount().execute())


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
