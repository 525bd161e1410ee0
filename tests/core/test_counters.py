"""What verifications count: written in batches, never lost, never in the way."""

import os
import threading
from collections.abc import Callable
from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from typing import Any
from uuid import UUID
from uuid import uuid4

import peewee
import pytest

from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.secrets.tokens import checksum
from keysvc.core.secrets.tokens import mint_keypair
from keysvc.core.service import Service
from keysvc.core.verification import counters
from keysvc.core.verification.counters import Counters
from keysvc.core.verification.presented import Pair
from keysvc.errors import AddressNotAllowed
from keysvc.errors import Unauthenticated
from keysvc.errors import Unavailable
from keysvc.model import Credential
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Renewed
from keysvc.model import Use
from keysvc.store import counters as store
from keysvc.store import ring as ring_store
from keysvc.store.connection import disconnect
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import database

ALICE = Owner(OwnerKind.USER, "alice")
HOME = Origin("192.0.2.1")
NOON = datetime(2040, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OLD = "an old key of at least thirty-two bytes"
NEW = "a new key of at least thirty-two bytes."
NEVER = 3600.0

Open = Callable[..., Service]


@pytest.fixture
def clock() -> list[datetime]:
    """Return the time, to be moved by hand."""
    return [NOON]


@pytest.fixture
def start(config: dict[str, Any], clock: list[datetime]) -> Iterator[Open]:
    """Return a function that starts a service of its own: ``start(ring="...")``."""

    def start(ring: str = OLD, interval: float = NEVER) -> Service:
        disconnect()
        settings = config | {
            "KEYSVC_SECRET_KEYS": ring,
            "KEYSVC_FLUSH_INTERVAL": interval,
        }
        service = Service(Settings.from_mapping(settings), lambda: clock[0])
        service.installation.ensure_ready()
        return service

    yield start
    finish_all()
    disconnect()


@pytest.fixture
def service(start: Open) -> Service:
    return start()


def issue(service: Service, **draft: Any) -> Issued:
    return service.credentials.issue(operator(), Kind.KEYPAIR, ALICE, Draft(**draft))


def use(service: Service, issued: Issued, times: int = 1) -> None:
    for _ in range(times):
        service.verifier.admit(Pair(issued.credential.public_id, issued.secret), HOME)


def kept(service: Service, issued: Issued) -> Credential:
    public_id = issued.credential.public_id
    return service.credentials.get(operator(), Kind.KEYPAIR, ALICE, public_id)


def digest_key(issued: Issued) -> str:
    with reading():
        row = CredentialRow.get(CredentialRow.id == issued.credential.id)
    return str(row.digest_key)


def test_uses_are_written_by_a_flush_and_not_before(
    service: Service, clock: list[datetime]
) -> None:
    issued = issue(service)
    use(service, issued, 2)
    clock[0] += SECOND
    use(service, issued)
    assert kept(service, issued) == issued.credential
    assert issued.credential.total_queries == 0
    assert issued.credential.last_used_at is None

    service.counters.flush()

    after = kept(service, issued)
    assert after.total_queries == 3
    assert after.last_used_at == NOON + SECOND


def test_flushes_add_up(service: Service, clock: list[datetime]) -> None:
    one, two = issue(service), issue(service)
    use(service, one, 2)
    service.counters.flush()
    service.counters.flush()
    clock[0] += SECOND
    use(service, one)
    use(service, two, 5)
    service.counters.flush()

    assert kept(service, one).total_queries == 3
    assert kept(service, one).last_used_at == NOON + SECOND
    assert kept(service, two).total_queries == 5


def test_two_processes_add_up(service: Service, start: Open) -> None:
    issued = issue(service)
    use(service, issued, 2)
    other = start()
    use(other, issued, 3)

    service.counters.flush()
    other.counters.flush()

    assert kept(other, issued).total_queries == 5


def test_it_is_written_by_itself_after_the_interval(start: Open) -> None:
    service = start(interval=0.02)
    issued = issue(service)
    use(service, issued, 3)
    waited = threading.Event()
    for _ in range(250):
        if kept(service, issued).total_queries == 3:
            break
        waited.wait(0.02)
    assert kept(service, issued).total_queries == 3


def test_the_end_of_the_process_writes_what_is_left(service: Service) -> None:
    issued = issue(service)
    use(service, issued, 4)
    finish_all()
    assert kept(service, issued).total_queries == 4


def test_the_end_waits_for_a_flush_under_way(
    start: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = start(interval=0.01)
    issued = issue(service)
    begun, go_on = threading.Event(), threading.Event()
    flush = store.flush

    def slow(uses: dict[UUID, Use]) -> None:
        begun.set()
        go_on.wait(5)
        flush(uses)

    monkeypatch.setattr(store, "flush", slow)
    use(service, issued, 4)
    assert begun.wait(5)
    end = threading.Thread(target=finish_all)
    end.start()
    end.join(0.1)
    assert end.is_alive()
    go_on.set()
    end.join(5)
    assert not end.is_alive()
    # The thread is a daemon: what it has not written by now is lost.
    assert kept(service, issued).total_queries == 4


def failing(error: Exception) -> Callable[[Any], None]:
    def fail(uses: Any) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    "error",
    [Unavailable("away"), peewee.InternalError("read-only"), RuntimeError("a bug")],
)
def test_what_could_not_be_written_is_kept(
    service: Service,
    clock: list[datetime],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    one, two = issue(service), issue(service)
    use(service, one, 2)
    use(service, two)
    with monkeypatch.context() as patched:
        patched.setattr(store, "flush", failing(error))
        service.counters.flush()
        clock[0] += SECOND
        use(service, one, 3)
        service.counters.flush()
    assert kept(service, one).total_queries == 0

    service.counters.flush()

    assert kept(service, one).total_queries == 5
    assert kept(service, one).last_used_at == NOON + SECOND
    assert kept(service, two).total_queries == 1
    assert kept(service, two).last_used_at == NOON


def test_while_the_database_is_away_uses_are_kept(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = issue(service)
    use(service, issued, 2)

    def away(*args: Any, **kwargs: Any) -> Any:
        raise peewee.OperationalError("away")

    with monkeypatch.context() as patched:
        patched.setattr(database.obj, "execute_sql", away)
        service.counters.flush()
    service.counters.flush()
    assert kept(service, issued).total_queries == 2


def test_a_flush_is_whole_or_not_at_all(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = [issue(service) for _ in range(3)]
    for one in issued:
        use(service, one)
    flush = store.flush

    def away_at_the_end(uses: dict[UUID, Use]) -> None:
        flush(uses)
        raise peewee.OperationalError("away")

    with monkeypatch.context() as patched:
        patched.setattr(store, "flush", away_at_the_end)
        service.counters.flush()
    assert [kept(service, one).total_queries for one in issued] == [0, 0, 0]
    service.counters.flush()
    assert [kept(service, one).total_queries for one in issued] == [1, 1, 1]


def test_one_failed_batch_holds_no_other_up(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "_BATCH", 2)
    issued = [issue(service) for _ in range(5)]
    for one in issued:
        use(service, one)
    flush, turn = store.flush, iter(range(100))

    def second_fails(uses: dict[UUID, Use]) -> None:
        if next(turn) == 1:
            raise Unavailable("away")
        flush(uses)

    monkeypatch.setattr(store, "flush", second_fails)
    service.counters.flush()
    assert [kept(service, one).total_queries for one in issued] == [1, 1, 0, 0, 1]
    service.counters.flush()
    assert [kept(service, one).total_queries for one in issued] == [1, 1, 1, 1, 1]


def test_the_deleted_do_not_matter(service: Service) -> None:
    gone, stays = issue(service), issue(service)
    use(service, gone, 2)
    use(service, stays, 2)
    service.credentials.delete(
        operator(), Kind.KEYPAIR, ALICE, gone.credential.public_id
    )
    service.counters.note(uuid4(), NOON, Renewed("0", "1", "no key"))
    service.counters.flush()
    assert kept(service, stays).total_queries == 2
    with reading():
        assert CredentialRow.select().count() == 1


def test_the_last_use_never_goes_backwards(
    service: Service, start: Open, clock: list[datetime]
) -> None:
    issued = issue(service)
    use(service, issued)
    late = start()
    clock[0] += SECOND
    use(late, issued)
    late.counters.flush()
    service.counters.flush()
    assert kept(late, issued).last_used_at == NOON + SECOND
    assert kept(late, issued).total_queries == 2

    # A clock that was set back, or threads that met in another order.
    use(late, issued)
    clock[0] += SECOND
    use(late, issued)
    clock[0] -= 10 * SECOND
    use(late, issued)
    late.counters.flush()
    assert kept(late, issued).last_used_at == NOON + 2 * SECOND
    assert kept(late, issued).total_queries == 5


def test_a_kept_use_does_not_take_a_later_one_back(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = issue(service)
    id_ = issued.credential.id
    service.counters.note(id_, NOON + SECOND)

    def fail_while_one_comes(uses: Any) -> None:
        service.counters.note(id_, NOON)
        raise Unavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(store, "flush", fail_while_one_comes)
        service.counters.flush()
    service.counters.flush()
    assert kept(service, issued).last_used_at == NOON + SECOND
    assert kept(service, issued).total_queries == 2


def test_verifications_are_no_changes(service: Service, clock: list[datetime]) -> None:
    issued = issue(service)
    records = service.ledger.verify().good
    clock[0] += SECOND
    use(service, issued, 3)
    service.counters.flush()

    after = kept(service, issued)
    assert after.total_queries == 3
    assert after.updated_at == issued.credential.updated_at == NOON
    assert service.ledger.verify().good == records


def test_a_change_takes_no_count_back(service: Service) -> None:
    issued = issue(service)
    use(service, issued, 2)
    service.counters.flush()
    service.credentials.change(
        operator(),
        Kind.KEYPAIR,
        ALICE,
        issued.credential.public_id,
        {"description": "told"},
    )
    assert kept(service, issued).total_queries == 2
    assert kept(service, issued).last_used_at == NOON


def test_the_refused_are_not_counted(service: Service) -> None:
    off = issue(service, is_active=False)
    expired = issue(service, expires_at=NOON)
    elsewhere = issue(service, allowed_ips=("198.51.100.0/24",))
    guessed = issue(service)
    access_key = guessed.credential.public_id
    for issued in (off, expired, elsewhere):
        with pytest.raises((Unauthenticated, AddressNotAllowed)):
            use(service, issued)
    for pair in (
        (access_key, "a" * 34 + checksum(access_key + "a" * 34)),
        (access_key, off.secret),
        mint_keypair(),
    ):
        with pytest.raises(Unauthenticated):
            service.verifier.admit(Pair(*pair), HOME)

    service.counters.flush()

    for issued in (off, expired, elsewhere, guessed):
        assert kept(service, issued) == issued.credential


def test_digests_are_renewed_after_a_rotation(service: Service, start: Open) -> None:
    used, unused = issue(service), issue(service)
    old_key = digest_key(used)

    rotated = start(ring=f"{NEW},{OLD}")
    use(rotated, used, 2)
    assert digest_key(used) == old_key
    rotated.counters.flush()

    new_key = digest_key(used)
    assert new_key != old_key
    assert digest_key(unused) == old_key
    assert kept(rotated, used).total_queries == 2
    # It proves the same secret as before, and needs no renewal again.
    use(rotated, used)
    rotated.counters.flush()
    assert digest_key(used) == new_key
    assert kept(rotated, used).total_queries == 3


def test_a_renewed_digest_is_no_change(service: Service, start: Open) -> None:
    issued = issue(service)
    records = service.ledger.verify().good
    rotated = start(ring=f"{NEW},{OLD}")
    use(rotated, issued)
    rotated.counters.flush()
    assert kept(rotated, issued).updated_at == NOON
    assert rotated.ledger.verify().good == records


def test_a_wrong_secret_renews_nothing(service: Service, start: Open) -> None:
    issued = issue(service)
    old_key, access_key = digest_key(issued), issued.credential.public_id
    rotated = start(ring=f"{NEW},{OLD}")
    wrong = "a" * 34 + checksum(access_key + "a" * 34)
    with pytest.raises(Unauthenticated):
        rotated.verifier.admit(Pair(access_key, wrong), HOME)
    rotated.counters.flush()
    assert digest_key(issued) == old_key


def test_a_failed_flush_keeps_the_renewal(
    service: Service, start: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = issue(service)
    old_key = digest_key(issued)
    rotated = start(ring=f"{NEW},{OLD}")
    use(rotated, issued)
    with monkeypatch.context() as patched:
        patched.setattr(store, "flush", failing(Unavailable("away")))
        rotated.counters.flush()
    assert digest_key(issued) == old_key
    rotated.counters.flush()
    assert digest_key(issued) != old_key


def test_a_renewal_gives_way_to_another_digest(service: Service, start: Open) -> None:
    issued = issue(service)
    rotated = start(ring=f"{NEW},{OLD}")
    use(rotated, issued)
    with writing():
        CredentialRow.update(digest="f" * 64, digest_key="other").execute()
    rotated.counters.flush()
    assert digest_key(issued) == "other"
    assert kept(rotated, issued).total_queries == 1


def test_a_renewal_under_a_dropped_key_holds_no_count_up(
    service: Service, start: Open
) -> None:
    renewed, other = issue(service), issue(service)
    old_key = digest_key(renewed)
    rotated = start(ring=f"{NEW},{OLD}")
    use(rotated, renewed)
    use(rotated, other)
    with reading():
        (new_key,) = ring_store.known() - {old_key}
    with writing():
        ring_store.drop(ring_store.Wrapped(new_key, "", old_key), NOON)

    rotated.counters.flush()

    assert digest_key(renewed) == old_key
    assert kept(rotated, renewed).total_queries == 1
    assert kept(rotated, other).total_queries == 1


def test_threads_lose_no_count(service: Service) -> None:
    issued = issue(service)
    counted = service.counters

    def many() -> None:
        for _ in range(500):
            counted.note(issued.credential.id, NOON)

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        counted.flush()
    for thread in threads:
        thread.join()
    counted.flush()
    assert kept(service, issued).total_queries == 4000


def test_a_fork_does_not_take_the_counts_along(service: Service) -> None:
    issued = issue(service)
    use(service, issued, 3)

    child = os.fork()
    if not child:
        # Nothing of pytest may run here: whatever happens, leave at once.
        status = 1
        try:
            service.counters.flush()
            if kept(service, issued).total_queries == 0:
                use(service, issued)
                finish_all()
                status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)

    assert status == 0
    assert kept(service, issued).total_queries == 1
    service.counters.flush()
    assert kept(service, issued).total_queries == 4


def test_nothing_to_write_is_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not even a connection: no database is bound here.
    monkeypatch.setattr(store, "flush", failing(AssertionError()))
    quiet = Counters(NEVER)
    quiet.flush()
    finish_all()
    assert not quiet._uses
