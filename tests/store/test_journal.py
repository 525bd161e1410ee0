"""A busy service's database stops growing: its pages are used again, its log is cut."""

import sqlite3
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from pathlib import Path

import pytest

from keysvc.core.housekeeping import Housekeeping
from keysvc.store import first_answers
from keysvc.store import journal
from keysvc.store import replay
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.tables import database
from keysvc.store.tables import FirstAnswerRow

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def log(bound: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return SQLite's log; it may have 100 kB here."""
    monkeypatch.setattr(journal, "_LIMIT", 100_000)
    return Path(f"{bound.removeprefix('sqlite:///')}-wal")


@pytest.fixture
def reader(bound: str) -> Iterator[Callable[[], None]]:
    """Stand in the way, as one of many readers always does, until it is called."""
    path = bound.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM keysvc_audit_head").fetchall()
        yield lambda: other.execute("COMMIT") and None


def write(count: int) -> None:
    for number in range(count):
        with writing():
            FirstAnswerRow.delete().execute()
            first_answers.keep("a" * 64, "b" * 64, f"{number}" * 9000, NOW)


def test_a_long_log_is_cut_when_no_reader_is_in_the_way(
    log: Path, reader: Callable[[], None]
) -> None:
    write(10)
    assert log.stat().st_size > 100_000
    journal.shorten()
    assert log.stat().st_size > 100_000, "it waits for nobody"

    reader()
    Housekeeping(lambda: NOW - timedelta(days=1)).purge()

    assert log.stat().st_size == 0
    with reading():
        assert FirstAnswerRow.get().sealed == "9" * 9000


def test_a_short_log_is_left_alone(log: Path) -> None:
    write(1)
    before = log.stat().st_size
    assert 0 < before <= 100_000
    journal.shorten()
    assert log.stat().st_size == before


def test_where_there_is_no_log_there_is_nothing_to_do(bound: str) -> None:
    journal.shorten()


def test_the_pages_of_what_is_over_are_used_again(bound: str) -> None:
    sizes = []
    for turn in range(6):
        until = NOW + turn * timedelta(days=1)
        with writing():
            for number in range(300):
                replay.add(f"{turn:03}{number:061}", until)
        Housekeeping(lambda until=until: until + timedelta(hours=2)).purge()
        with reading():
            sizes.append(database.execute_sql("PRAGMA page_count").fetchone()[0])

    assert sizes[-1] == sizes[1], sizes
