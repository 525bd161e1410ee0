"""The audit as a feed: what changed is dropped, and nothing else is vouched for."""

import ctypes
import os
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest

from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.clock import utcnow
from keysvc.core.ledger.feed import Feed
from keysvc.core.service import Service
from keysvc.core.verification.cache import Cache
from keysvc.core.verification.presented import Pair
from keysvc.model import Actor
from keysvc.model import Draft
from keysvc.model import Entry
from keysvc.model import Head
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Record
from keysvc.store import audit
from keysvc.store import feed as store
from keysvc.store.connection import disconnect
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.feed import Watch
from keysvc.store.tables import AuditHeadRow
from keysvc.store.tables import AuditRow
from tests.core.test_cache import keypair

ALICE = Owner(OwnerKind.USER, "alice")
NAMES = ("KPA", "KPB", "KPC")


@pytest.fixture
def service(config: dict[str, Any]) -> Iterator[Service]:
    service = Service(Settings.from_mapping(config))
    service.installation.ensure_ready()
    yield service
    finish_all()
    disconnect()


@pytest.fixture
def cache(service: Service) -> Cache:
    return Cache(100)


@pytest.fixture
def feed(cache: Cache) -> Feed:
    """Return a feed that has begun; its wake-ups are as rare as they may be."""
    feed = Feed(cache)
    assert feed.wait_until_fresh(5)
    return feed


def issue(service: Service) -> Issued:
    return service.credentials.issue(operator(), Kind.KEYPAIR, ALICE, Draft())


def verify(service: Service, issued: Issued) -> None:
    pair = Pair(issued.credential.public_id, issued.secret)
    service.verifier.admit(pair, Origin())


def record(*names: str, history: str = "a") -> None:
    """Append what another process would have recorded of the credentials *names*."""
    with writing():
        for name in names:
            seq = audit.head(locked=True)[0] + 1
            entry = Entry(
                actor=Actor("cli", "x"),
                origin=Origin(),
                action="credential.update",
                credential_id=name,
                owner=ALICE,
            )
            mac = history * 60 + f"{seq:04}"
            audit.append(Record(seq, utcnow(), entry, "k", mac))
        store.announce()


def head() -> Head:
    with reading():
        return Head(*audit.head())


def caught_up(cache: Cache) -> None:
    eventually(lambda: cache.position == head())


def eventually(holds: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "It never came."
        time.sleep(0.01)


def keep_all(cache: Cache) -> None:
    for name in NAMES:
        cache.keep(keypair(name), cache.position)
    # Asked of what is kept, not of whether the feed vouches: machines are slow.
    assert kept(cache) == set(NAMES)


def kept(cache: Cache) -> set[str]:
    return set(cache._principals)


def test_exactly_what_changed_is_dropped(cache: Cache, feed: Feed) -> None:
    record("KPX")
    caught_up(cache)
    keep_all(cache)

    record("KPB", "KPX")

    caught_up(cache)
    assert kept(cache) == {"KPA", "KPC"}


def test_what_is_recorded_while_it_reads_drops_nothing_else(
    cache: Cache, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    caught_up(cache)
    keep_all(cache)
    look, late = Watch.head, [("KPB",), ("KPX",)]

    def head_of_a_moment_ago(watch: Watch) -> Head:
        found = look(watch)
        if late:
            record(*late.pop())
        return found

    monkeypatch.setattr(Watch, "head", head_of_a_moment_ago)
    record("KPX")

    eventually(lambda: "KPB" not in kept(cache))
    caught_up(cache)
    assert kept(cache) == {"KPA", "KPC"}


def test_many_records_at_once(
    cache: Cache, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BATCH", 3)
    caught_up(cache)
    keep_all(cache)

    record(*["KPX"] * 7, "KPC", *["KPX"] * 2)

    caught_up(cache)
    assert kept(cache) == {"KPA", "KPB"}


def test_the_first_record_of_all(cache: Cache, feed: Feed) -> None:
    assert head().seq == 0
    keep_all(cache)
    record("KPA")
    caught_up(cache)
    assert kept(cache) == {"KPB", "KPC"}


@pytest.fixture
def turns(cache: Cache) -> Iterator[Callable[[], None]]:
    """Return a function that lets the feed read once, and not before."""
    feed = Feed(cache)
    feed._read()
    yield feed._read
    feed._watch.close()


@pytest.mark.parametrize("left", [0, 1, 2])
def test_what_was_purged_may_have_been_anything(
    cache: Cache, turns: Callable[[], None], left: int
) -> None:
    record("KPX", "KPX")
    turns()
    keep_all(cache)

    # Retention has purged so much, before this process has read it.
    record("KPA", "KPB", "KPX")
    newest = head().seq
    with writing():
        AuditRow.delete().where(AuditRow.seq <= newest - left).execute()

    turns()
    assert kept(cache) == set()
    assert cache.position == head()


def test_what_was_read_may_be_purged(cache: Cache, turns: Callable[[], None]) -> None:
    record("KPX", "KPX", "KPX")
    turns()
    keep_all(cache)
    with writing():
        AuditRow.delete().where(AuditRow.seq <= 2).execute()
    record("KPA")
    turns()
    assert kept(cache) == {"KPB", "KPC"}


@pytest.mark.parametrize("later", [0, 1, 2, 3, 9])
def test_an_older_copy_of_the_database_is_another_history(
    cache: Cache, turns: Callable[[], None], later: int
) -> None:
    record("KPX", "KPX", "KPX", "KPX")
    turns()
    keep_all(cache)
    before = cache.position

    # The copy ends with record 2, and others have gone on from there.
    with writing():
        AuditRow.delete().where(AuditRow.seq > 2).execute()
        mac = AuditRow.get(AuditRow.seq == 2).mac
        AuditHeadRow.update(seq=2, mac=mac).execute()
    record(*["KPB"] * later, history="b")

    turns()
    assert kept(cache) == set()
    # Who has read before that may not keep it, whatever the number is now.
    cache.keep(keypair("KPA"), before)
    assert kept(cache) == set()
    assert cache.position == head()


def test_without_a_head_nothing_is_vouched_for(service: Service, cache: Cache) -> None:
    feed = Feed(cache)
    with writing():
        AuditHeadRow.delete().execute()
    assert not feed.wait_until_fresh(0.5)
    assert not cache.is_fresh()

    with writing():
        AuditHeadRow.insert(id=1, seq=0, mac="0" * 64).execute()
    assert feed.wait_until_fresh(15)


def test_it_takes_no_place_in_the_pool(config: dict[str, Any]) -> None:
    config |= {"KEYSVC_POOL_SIZE": 1, "KEYSVC_POOL_TIMEOUT": 0.05}
    service = Service(Settings.from_mapping(config))
    service.installation.ensure_ready()
    try:
        issued = issue(service)
        assert service.feed.wait_until_fresh(15)
        for _ in range(3):
            verify(service, issued)
            issue(service)
    finally:
        finish_all()
        disconnect()


# pytest tells of any thread that ends by an exception, which threading itself does not.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_reader_is_replaced(service: Service) -> None:
    issued = issue(service)
    assert service.feed.wait_until_fresh(15)
    files = len(os.listdir("/proc/self/fd"))
    seen = set()
    for _ in range(5):
        reader = reader_of(service.feed)
        seen.add(reader.ident)
        kill(reader)
        eventually(lambda: not service.feed._cache.is_fresh())

        verify(service, issued)

        assert service.feed.wait_until_fresh(15)
        assert reader_of(service.feed) is not reader
    eventually(lambda: len(os.listdir("/proc/self/fd")) <= files + 2)


def reader_of(feed: Feed) -> threading.Thread:
    thread = feed._reader._thread
    assert thread is not None
    return thread


def kill(thread: threading.Thread) -> None:
    """Raise SystemExit in *thread*, wherever it is."""
    assert thread.ident is not None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
    )
    thread.join(15)
    assert not thread.is_alive()


def test_a_watch_can_be_cut_at_any_time(service: Service) -> None:
    """Whatever the reader does meanwhile, nobody else's file is shut down."""
    watch, over = Watch(), threading.Event()
    mine, other = os.pipe()

    def read() -> None:
        while not over.is_set():
            try:
                watch.head()
                watch.wait(0.01)
            except Exception:
                watch.close()

    reader = threading.Thread(target=read)
    reader.start()
    end = time.monotonic() + 1
    while time.monotonic() < end:
        watch.cut()
    over.set()
    watch.cut()
    reader.join(15)
    assert not reader.is_alive()
    assert watch.head() == head()
    watch.close()
    os.write(other, b"x")
    assert os.read(mine, 1) == b"x"
    os.close(mine)
    os.close(other)
