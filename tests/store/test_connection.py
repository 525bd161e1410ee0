"""What happens when the database is away, busy, empty, or shared."""

import os
import sqlite3
import threading
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import closing
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import peewee
import psycopg
import pytest

from keysvc.config import Settings
from keysvc.core.service import Service
from keysvc.errors import Misconfigured
from keysvc.errors import Unavailable
from keysvc.store import audit
from keysvc.store import lookup
from keysvc.store import ring
from keysvc.store.connection import connect
from keysvc.store.connection import disconnect
from keysvc.store.connection import is_postgres
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.tables import AuditHeadRow
from keysvc.store.tables import database


@pytest.fixture
def unbound() -> Iterator[None]:
    """Leave the process free for another database after the test."""
    yield
    disconnect()


@contextmanager
def locked_by_another(url: str) -> Iterator[None]:
    """Keep SQLite's one writer's place taken, on a connection of its own."""
    path = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def impatient() -> None:
    """Let the pool's connection wait for 10 ms, not 5 s, for SQLite's lock."""
    with reading():
        database.execute_sql("PRAGMA busy_timeout = 10")


def beat() -> int:
    """Write something, and return how often it was written."""
    with writing():
        AuditHeadRow.update(seq=AuditHeadRow.seq + 1).execute()
        return audit.head()[0]


# -- away ---------------------------------------------------------------------------


ASK: dict[str, Callable[[], object]] = {
    "lookup": lambda: lookup.find("KPAAAAAAAAAAAAAAAAAA"),
    "write": beat,
}


@pytest.mark.parametrize("ask", ASK.values(), ids=ASK.keys())
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody:wrong-password@127.0.0.1:1/keysvc?connect_timeout=2",
        "postgresql:///keysvc?host=/nowhere/at/all",
        "sqlite:////nowhere/at/all/keysvc.db",
    ],
)
def test_a_database_that_cannot_be_reached(
    unbound: None, url: str, ask: Callable[[], object]
) -> None:
    connect(url, pool_size=2, pool_timeout=1)

    with pytest.raises(Unavailable) as caught:
        ask()

    assert "wrong-password" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value), "the driver's words stay inside"


def test_a_file_that_is_no_database(unbound: None, tmp_path: Path) -> None:
    path = tmp_path / "keysvc.db"
    path.write_bytes(b"This is a shopping list: eggs, flour, milk. " * 100)
    connect(f"sqlite:///{path}", pool_size=2, pool_timeout=1)

    with pytest.raises(Unavailable):
        lookup.find("KPAAAAAAAAAAAAAAAAAA")


@pytest.mark.parametrize("ask", ASK.values(), ids=ASK.keys())
def test_a_database_that_is_not_migrated(
    bound_empty: str, ask: Callable[[], object]
) -> None:
    with pytest.raises(Unavailable):
        ask()


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_killed_backends_are_replaced(bound: str) -> None:
    beat()
    _terminate_backends(bound)

    assert [beat() for _ in range(5)] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_a_backend_killed_within_a_transaction(bound: str) -> None:
    with pytest.raises(Unavailable), writing():
        AuditHeadRow.update(seq=100).execute()
        _terminate_backends(bound)
        audit.head()

    assert beat() == 1, "nothing of the lost transaction is left"
    assert database.is_closed()


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_a_backend_killed_between_two_statements(bound: str) -> None:
    with pytest.raises(Unavailable), reading():
        audit.head()
        _terminate_backends(bound)
        audit.head()

    assert beat() == 1


def _terminate_backends(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        killed = other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    assert killed


# -- busy ---------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_lock_that_is_held_for_too_long(bound: str) -> None:
    impatient()

    with locked_by_another(bound):
        with pytest.raises(Unavailable):
            beat()
        assert database.is_closed(), "a connection whose BEGIN failed is not kept"
        with reading():
            assert audit.head()[0] == 0, "readers do not wait for a writer"

    assert beat() == 1


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_writer_takes_its_turn_before_it_reads(bound: str) -> None:
    impatient()

    with writing():
        with closing(sqlite3.connect(bound.removeprefix("sqlite:///"))) as other:
            other.execute("PRAGMA busy_timeout = 10")
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_how_sqlite_is_opened(bound: str) -> None:
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }
    with reading():
        found = {
            name: database.execute_sql(f"PRAGMA {name}").fetchone()[0]
            for name in wanted
        }

    assert found == wanted


def test_a_begin_that_fails_gives_its_connection_back(
    bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise peewee.OperationalError("no transaction now")

    monkeypatch.setattr(database.obj, "begin", fail)
    for _ in range(20):
        with pytest.raises(Unavailable), writing():
            pass
    assert database.is_closed()
    monkeypatch.undo()

    assert beat() == 1


def test_an_error_inside_takes_all_of_it_back(bound: str) -> None:
    with pytest.raises(KeyError), writing():
        AuditHeadRow.update(seq=100).execute()
        raise KeyError

    assert database.is_closed()
    assert beat() == 1


def test_a_full_pool(database_url: str, unbound: None) -> None:
    connect(database_url, pool_size=1, pool_timeout=0.05)
    errors: list[Exception] = []

    def ask() -> None:
        try:
            with reading():
                audit.head()
        except Unavailable as error:
            errors.append(error)

    with reading():
        audit.head()
        _in_a_thread(ask)
    assert len(errors) == 1
    _in_a_thread(ask)

    assert len(errors) == 1, "a place has become free"


def test_threads_share_the_pool(database_url: str, unbound: None) -> None:
    connect(database_url, pool_size=2, pool_timeout=30)
    threads = [threading.Thread(target=beat) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert beat() == 21


def _in_a_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


# -- bound --------------------------------------------------------------------------


def test_a_process_has_one_key_store(tmp_path: Path, unbound: None) -> None:
    one, other = f"sqlite:///{tmp_path / 'one.db'}", f"sqlite:///{tmp_path / 'two.db'}"
    Service(Settings(database_url=one))
    kept = database.obj

    Service(Settings(database_url=one))
    with pytest.raises(Misconfigured, match="KEYSVC_DATABASE_URL"):
        Service(Settings(database_url=other))

    assert database.obj is kept


def test_a_process_that_has_disconnected_may_bind_another(
    tmp_path: Path, unbound: None
) -> None:
    Service(Settings(database_url=f"sqlite:///{tmp_path / 'one.db'}"))
    disconnect()
    disconnect()

    Service(Settings(database_url=f"sqlite:///{tmp_path / 'two.db'}"))

    assert database.obj.database == str(tmp_path / "two.db")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///:memory:?x=1",
        "postgresql://host",
        "nonsense",
        "://x",
        "",
    ],
)
def test_a_url_that_names_no_database(unbound: None, url: str) -> None:
    with pytest.raises(Misconfigured, match="KEYSVC_DATABASE_URL"):
        connect(url, pool_size=1, pool_timeout=1)


@pytest.mark.parametrize("url", ["mysql://u:geheim@h/n", "postgresql://u:geheim@h:x/n"])
def test_a_wrong_url_is_not_told_with_its_password(unbound: None, url: str) -> None:
    with pytest.raises(Misconfigured, match="KEYSVC_DATABASE_URL") as caught:
        Service(Settings(database_url=url))

    assert "geheim" not in str(caught.value)


def test_a_password_is_read_as_a_url_writes_it(unbound: None) -> None:
    connect("postgresql://a%40b:p%2F%40s@h/n", pool_size=1, pool_timeout=1)

    assert database.obj.connect_params["user"] == "a@b"
    assert database.obj.connect_params["password"] == "p/@s"


# -- forked -------------------------------------------------------------------------


def test_a_child_does_not_talk_on_its_parents_connection(bound: str) -> None:
    before = _conversation()
    mine, childs = os.pipe()

    if (child := os.fork()) == 0:
        try:
            os.write(childs, f"{_conversation()} {beat()}".encode())
        finally:
            os._exit(0)
    os.close(childs)
    with open(mine) as answer:
        conversation, beats = answer.read().split()
    os.waitpid(child, 0)

    assert int(beats) == 1
    assert beat() == 2
    assert _conversation() == before
    assert int(conversation) != before


def test_a_child_of_an_open_transaction_leaves_it_alone(bound: str) -> None:
    with writing():
        AuditHeadRow.update(seq=100).execute()
        if (child := os.fork()) == 0:
            try:
                seen = ring.known() or audit.head()[0]
            finally:
                os._exit(seen if isinstance(seen, int) else 99)
        _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0, "the child has read the committed"
    assert beat() == 101


def _conversation() -> int:
    """Return what tells one connection from every other one."""
    with reading():
        if is_postgres():
            row = database.execute_sql("SELECT pg_backend_pid()").fetchone()
            return int(row[0])
        return os.getpid() * 1000 + id(database.connection()) % 1000
