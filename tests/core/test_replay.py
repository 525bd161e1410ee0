"""Used signatures: refused across connections, forgotten in time and not before."""

import threading
from collections.abc import Callable
from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta
from datetime import UTC

import pytest

from keysvc.core.background import finish_all
from keysvc.core.housekeeping import Housekeeping
from keysvc.core.verification.replay import Replay
from keysvc.core.verification.signing import WINDOW
from keysvc.errors import Unavailable
from keysvc.errors import UsedSignature
from keysvc.store.connection import connect
from keysvc.store.connection import disconnect
from keysvc.store.connection import reading
from keysvc.store.tables import UsedSignatureRow

NOW = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(minutes=15)
SIGNATURE = "a" * 64


#: How long a used signature is kept beyond its time.
SLACK = WINDOW + timedelta(hours=1)


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def replay(database_url: str, clock: Clock) -> Iterator[Replay]:
    connect(database_url, pool_size=10, pool_timeout=10)
    yield Replay(Housekeeping(clock))
    finish_all()
    disconnect()


def kept() -> set[str]:
    with reading():
        return {row.signature for row in UsedSignatureRow.select()}


def test_a_signature_is_taken_once(replay: Replay) -> None:
    replay.use_up(SIGNATURE, LATER)
    for _ in range(3):
        with pytest.raises(UsedSignature):
            replay.use_up(SIGNATURE, LATER)
    assert kept() == {SIGNATURE}


def test_another_signature_is_another(replay: Replay) -> None:
    for character in "abc":
        replay.use_up(character * 64, LATER)
    assert kept() == {"a" * 64, "b" * 64, "c" * 64}


def test_every_instance_knows_it(replay: Replay, clock: Clock) -> None:
    """Nothing is remembered in memory: another process would not see it."""
    replay.use_up(SIGNATURE, LATER)
    with pytest.raises(UsedSignature):
        Replay(Housekeeping(clock)).use_up(SIGNATURE, LATER)


def test_it_outlives_the_connection(
    replay: Replay, database_url: str, clock: Clock
) -> None:
    replay.use_up(SIGNATURE, LATER)
    disconnect()
    connect(database_url, pool_size=2, pool_timeout=5)
    with pytest.raises(UsedSignature):
        Replay(Housekeeping(clock)).use_up(SIGNATURE, LATER)


def together(count: int, work: Callable[[], None]) -> None:
    """Do *work* in *count* threads that begin at the same time."""
    barrier = threading.Barrier(count)

    def begin() -> None:
        barrier.wait()
        work()

    threads = [threading.Thread(target=begin) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_of_eight_at_once_one_is_taken(replay: Replay, clock: Clock) -> None:
    for turn in range(5):
        taken: list[bool] = []

        def use(signature: str = f"{turn}" * 64, taken: list[bool] = taken) -> None:
            try:
                Replay(Housekeeping(clock)).use_up(signature, LATER)
            except UsedSignature:
                taken.append(False)
            else:
                taken.append(True)

        together(8, use)

        assert sorted(taken) == [False] * 7 + [True]
    assert len(kept()) == 5


@pytest.mark.parametrize(
    ("moment", "stays"),
    [
        (NOW, True),
        (LATER - timedelta(microseconds=1), True),
        (LATER, True),
        # A host whose clock is behind must find what one that is ahead has used up,
        # also where that one was ahead by an hour.
        (LATER + SLACK, True),
        (LATER + SLACK + timedelta(microseconds=1), False),
        (LATER + timedelta(days=1), False),
    ],
)
def test_it_is_forgotten_after_its_time_and_not_before(
    replay: Replay, clock: Clock, moment: datetime, stays: bool
) -> None:
    replay.use_up(SIGNATURE, LATER)
    clock.time = moment
    Housekeeping(clock).purge()
    assert kept() == ({SIGNATURE} if stays else set())


def test_only_what_is_over_is_forgotten(replay: Replay, clock: Clock) -> None:
    for minutes in (1, 5, 20):
        replay.use_up(f"{minutes:064}", NOW + timedelta(minutes=minutes))
    clock.time = NOW + SLACK + timedelta(minutes=6)
    Housekeeping(clock).purge()
    assert kept() == {f"{20:064}"}


def test_a_time_in_another_zone_is_the_same_time(replay: Replay, clock: Clock) -> None:
    east = datetime.fromisoformat("2024-01-02T12:19:05+09:00")
    assert east == LATER
    replay.use_up(SIGNATURE, east)
    clock.time = LATER + SLACK
    Housekeeping(clock).purge()
    assert kept() == {SIGNATURE}
    clock.time = LATER + SLACK + timedelta(seconds=1)
    Housekeeping(clock).purge()
    assert kept() == set()


def test_purging_waits_while_the_database_is_away(
    replay: Replay, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay.use_up(SIGNATURE, LATER)
    clock.time = LATER + SLACK + timedelta(seconds=1)

    def away(now: datetime) -> None:
        raise Unavailable

    monkeypatch.setattr("keysvc.store.replay.purge", away)
    Housekeeping(clock).purge()
    assert kept() == {SIGNATURE}
    monkeypatch.undo()
    Housekeeping(clock).purge()
    assert kept() == set()
