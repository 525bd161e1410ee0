"""The audit's oldest part is purged, and what is left still proves itself."""

import logging
from collections.abc import Callable
from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from typing import Any

import pytest

from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.ledger import retention as module
from keysvc.core.ledger.chain import Finding
from keysvc.core.ledger.feed import Feed
from keysvc.core.ledger.retention import Purged
from keysvc.core.service import Service
from keysvc.core.verification.cache import Cache
from keysvc.errors import Conflict
from keysvc.errors import Invalid
from keysvc.model import Actor
from keysvc.model import Draft
from keysvc.model import Head
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store import audit
from keysvc.store.connection import disconnect
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.tables import AuditCheckpointRow
from keysvc.store.tables import AuditHeadRow
from keysvc.store.tables import AuditRow
from tests.conftest import Client
from tests.core.test_cache import keypair
from tests.core.test_ledger import entry
from tests.store.processes import at_once

CLI = operator()

#: Where the engine makes no difference to what is shown.
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

DAY = timedelta(days=1)
#: The first of ten records was made then, each of the others a day later.
BEGIN = datetime(2030, 1, 1, 12, tzinfo=UTC)
LENGTH = 10


class Calendar:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def kept(config: dict[str, Any], app: object, calendar: Calendar) -> Service:
    """Return a service that keeps records for three days; it has ten, a day apart."""
    return ten(config | {"KEYSVC_AUDIT_RETENTION": 3}, calendar)


def ten(config: dict[str, Any], calendar: Calendar) -> Service:
    service = Service(Settings.from_mapping(config), calendar)
    for number in range(LENGTH):
        calendar.now = BEGIN + number * DAY
        with service.ledger.unit() as record:
            record(entry(number))
    return service


def numbers() -> list[int]:
    with reading():
        return [row.seq for row in AuditRow.select().order_by(AuditRow.seq)]


def head() -> Head:
    with reading():
        return Head(*audit.head())


def last() -> Any:
    with reading():
        return AuditRow.select().order_by(AuditRow.seq.desc()).get()


# -- purged -------------------------------------------------------------------------


def test_what_is_older_is_purged_and_the_rest_is_good(kept: Service) -> None:
    done = kept.retention.purge(CLI, BEGIN + 4 * DAY)

    until = BEGIN + 3 * DAY
    assert done == Purged(4, until)
    assert numbers() == [5, 6, 7, 8, 9, 10, 11]
    assert kept.ledger.verify() == Finding(7, None, 4, until)


def test_a_purge_is_a_record(kept: Service) -> None:
    kept.retention.purge(CLI, BEGIN + 4 * DAY)

    record = last()
    assert (record.action, record.actor_kind, record.actor_id) == (
        "audit.purge",
        *CLI.actor,
    )
    until = "2030-01-04T12:00:00.000000+00:00"
    assert record.after == {"count": 4, "seq": 4, "until": until}


def test_a_purge_goes_on_from_the_one_before(kept: Service) -> None:
    kept.retention.purge(CLI, BEGIN + 2 * DAY)
    kept.retention.purge(CLI, BEGIN + 5 * DAY)

    assert numbers() == [6, 7, 8, 9, 10, 11, 12]
    assert last().after["count"] == 3
    assert kept.ledger.verify() == Finding(7, None, 5, BEGIN + 4 * DAY)


def test_all_that_there_is_may_be_purged(kept: Service, calendar: Calendar) -> None:
    calendar.now += DAY
    kept.retention.purge(CLI, calendar.now)

    assert numbers() == [11]
    assert kept.ledger.verify() == Finding(1, None, 10, BEGIN + 9 * DAY)
    # And the record of that one, too.
    calendar.now += DAY
    kept.retention.purge(CLI, calendar.now)
    assert numbers() == [12]
    assert kept.ledger.verify().flaw is None


@on_sqlite
def test_a_dry_run_tells_and_does_nothing(kept: Service) -> None:
    before = head()

    assert kept.retention.count(BEGIN + 4 * DAY) == Purged(4, BEGIN + 3 * DAY)
    assert kept.retention.count(BEGIN) == Purged(0, None)
    assert head() == before
    assert len(numbers()) == LENGTH


def test_nothing_old_is_no_purge(kept: Service) -> None:
    before = head()

    assert kept.retention.purge(CLI, BEGIN) == Purged(0, None)
    assert head() == before, "nothing happened: there is nothing to record"


@on_sqlite
def test_what_is_to_come_cannot_be_purged(kept: Service, calendar: Calendar) -> None:
    later = calendar.now + timedelta(seconds=1)
    with pytest.raises(Invalid):
        kept.retention.purge(CLI, later)
    with pytest.raises(Invalid):
        kept.retention.count(later)
    assert len(numbers()) == LENGTH


def test_it_is_done_in_batches(kept: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH", 3)

    assert kept.retention.purge(CLI, BEGIN + 8 * DAY) == Purged(8, BEGIN + 7 * DAY)

    with reading():
        rows = AuditRow.select().where(AuditRow.action == "audit.purge")
        assert [row.after["count"] for row in rows] == [3, 3, 2]
    assert kept.ledger.verify() == Finding(5, None, 8, BEGIN + 7 * DAY)


@on_sqlite
def test_one_that_a_clock_has_dated_ahead_holds_back_the_rest(kept: Service) -> None:
    with writing():
        AuditRow.delete().where(AuditRow.seq > 0).execute()
        AuditHeadRow.update(seq=0, mac="0" * 64).execute()
    for day in (0, 9, 1, 2):
        kept.ledger._now = lambda day=day: BEGIN + day * DAY
        with kept.ledger.unit() as record:
            record(entry())

    assert kept.retention.purge(CLI, BEGIN + 5 * DAY).records == 1
    assert numbers() == [2, 3, 4, 5]


# -- by itself ----------------------------------------------------------------------


def test_it_happens_by_itself_in_whole_days(kept: Service, calendar: Calendar) -> None:
    calendar.now = datetime(2030, 1, 8, 23, 59, tzinfo=UTC)
    kept.housekeeping.purge()

    # Of the fifth nothing is left to purge; three days ago it was the fifth.
    assert numbers() == [5, 6, 7, 8, 9, 10, 11]
    record = last()
    assert (record.actor_kind, record.actor_id) == ("system", "retention")
    assert kept.ledger.verify().flaw is None

    kept.housekeeping.purge()
    assert len(numbers()) == 7, "until midnight there is nothing more to do"
    calendar.now += timedelta(minutes=2)
    kept.housekeeping.purge()
    assert numbers() == [6, 7, 8, 9, 10, 11, 12]


@on_sqlite
def test_without_the_setting_records_are_for_ever(
    config: dict[str, Any], app: object, calendar: Calendar
) -> None:
    service = ten(config, calendar)
    calendar.now += 10_000 * DAY
    service.housekeeping.purge()
    assert len(numbers()) == LENGTH


@on_sqlite
def test_a_turn_takes_only_so_much(
    kept: Service, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 1)
    monkeypatch.setattr(module, "_BATCHES", 2)
    calendar.now += 3 * DAY
    kept.housekeeping.purge()
    assert numbers()[0] == 3
    kept.housekeeping.purge()
    assert numbers()[0] == 5


@on_sqlite
def test_where_nothing_is_old_it_costs_one_look(
    kept: Service, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar.now = BEGIN + DAY
    monkeypatch.setattr(kept.retention, "_batch", None)
    kept.retention.sweep()


@on_sqlite
def test_a_service_begins_it_with_its_first_request(
    config: dict[str, Any], app: object
) -> None:
    service = Service(Settings.from_mapping(config))
    begun: list[bool] = []
    service.housekeeping.start = lambda: begun.append(True)  # type: ignore
    service.ensure_ready()
    assert begun


def test_several_processes_purge_each_record_once(
    kept: Service, config: dict[str, Any]
) -> None:
    results = at_once(_purge_in_a_process, [(config,)] * 4)

    assert sum(results) == 6
    assert numbers()[0] == 7
    assert kept.ledger.verify().flaw is None
    with reading():
        rows = AuditRow.select().where(AuditRow.action == "audit.purge")
        assert sum(row.after["count"] for row in rows) == 6


def _purge_in_a_process(config: dict[str, Any]) -> int:
    module._BATCH = 2
    service = Service(Settings.from_mapping(config), lambda: BEGIN + 20 * DAY)
    return service.retention.purge(CLI, BEGIN + 6 * DAY).records


def test_others_append_while_it_purges(kept: Service, config: dict[str, Any]) -> None:
    calls: list[tuple[Any, ...]] = [(config, number) for number in range(3)]
    results = at_once(_work_in_a_process, calls)

    assert results == [None] * 3
    assert kept.ledger.verify().flaw is None
    assert head().seq >= 10 + 2 * 15


def _work_in_a_process(config: dict[str, Any], number: int) -> None:
    module._BATCH = 1
    service = Service(Settings.from_mapping(config), lambda: BEGIN + 20 * DAY)
    if number == 0:
        service.retention.purge(CLI, BEGIN + 9 * DAY)
        return
    for turn in range(15):
        with service.ledger.unit() as record:
            record(entry(turn))
        assert service.ledger.verify().flaw is None, "a purge moves what it reads"


# -- tampered with ------------------------------------------------------------------


@pytest.fixture
def purged(kept: Service) -> Service:
    """Return a service of whose ten records four were purged."""
    kept.retention.purge(CLI, BEGIN + 4 * DAY)
    return kept


def run(query: Any) -> None:
    with writing():
        assert query.execute()


def _nothing() -> None:
    run(AuditCheckpointRow.delete())


def _change(**columns: Any) -> Callable[[], None]:
    return lambda: run(AuditCheckpointRow.update(**columns))


def _move() -> None:
    """Purge one more, with all that the database knows."""
    with writing():
        row = AuditRow.get_by_id(5)
        AuditRow.delete().where(AuditRow.seq == 5).execute()
        AuditCheckpointRow.update(seq=5, mac=row.mac, at=row.at).execute()


def _purge_without_a_trace() -> None:
    run(AuditRow.delete().where(AuditRow.seq == 5))


def _take_its_record() -> None:
    """Cut the tail with the record of the purge off."""
    with writing():
        AuditRow.delete().where(AuditRow.seq == 11).execute()
        mac = AuditRow.get_by_id(10).mac
        AuditHeadRow.update(seq=10, mac=mac).execute()


def _empty() -> None:
    """Leave nothing but the checkpoint, as if all had been purged."""
    with writing():
        AuditRow.delete().where(AuditRow.seq > 0).execute()
        row: Any = AuditCheckpointRow.get()
        AuditHeadRow.update(seq=row.seq, mac=row.mac).execute()


def _put_back() -> None:
    with writing():
        row = AuditRow.get_by_id(5).__data__
        AuditRow.insert(**{**row, "seq": 4}).execute()


CHECKPOINT = "the checkpoint of what was purged was changed"
TAMPERED: dict[str, tuple[Callable[[], None], str]] = {
    "removed": (_nothing, "record 1 is missing"),
    "another number": (_change(seq=3), CHECKPOINT),
    "another mac": (_change(mac="0" * 64), CHECKPOINT),
    "another time": (_change(at=BEGIN), CHECKPOINT),
    "another key": (_change(key_id="0123456789abcdef"), CHECKPOINT),
    "another seal": (_change(seal="0" * 64), CHECKPOINT),
    "no ASCII": (_change(seal="é" * 64), CHECKPOINT),
    "moved": (_move, CHECKPOINT),
    "one more purged": (_purge_without_a_trace, "record 5 is missing"),
    "its record cut off": (_take_its_record, "no record tells of a purge up to"),
    "emptied": (_empty, "no record tells of a purge up to record 4"),
    "one put back": (_put_back, "record 4 was changed or inserted"),
}


@on_sqlite
@pytest.mark.parametrize(("tamper", "flaw"), TAMPERED.values(), ids=TAMPERED.keys())
def test_whatever_was_done_to_it_shows(
    purged: Service, tamper: Callable[[], None], flaw: str
) -> None:
    tamper()

    found = purged.ledger.verify().flaw
    assert found is not None and found.startswith(flaw)


def test_an_older_checkpoint_of_ours_shows_too(kept: Service) -> None:
    kept.retention.purge(CLI, BEGIN + 4 * DAY)
    with reading():
        older = AuditCheckpointRow.get().__data__
    kept.retention.purge(CLI, BEGIN + 6 * DAY)
    run(AuditCheckpointRow.update(**{k: v for k, v in older.items() if k != "id"}))

    assert kept.ledger.verify().flaw == "record 5 is missing"


def test_a_checkpoint_where_nothing_was_purged(kept: Service, app: object) -> None:
    with writing():
        row = AuditRow.get_by_id(4)
        AuditRow.delete().where(AuditRow.seq <= 4).execute()
        AuditCheckpointRow.insert(
            id=1, seq=4, mac=row.mac, at=row.at, key_id=row.key_id, seal=row.mac
        ).execute()

    assert kept.ledger.verify().flaw == f"{CHECKPOINT} or inserted"


def test_what_was_tampered_with_is_not_purged(
    kept: Service, calendar: Calendar, caplog: pytest.LogCaptureFixture
) -> None:
    run(AuditRow.update(actor_id="mallory").where(AuditRow.seq == 3))

    with pytest.raises(Conflict, match="record 3 was changed"):
        kept.retention.purge(CLI, BEGIN + 5 * DAY)
    calendar.now += 10 * DAY
    logging.getLogger("keysvc").propagate = True
    kept.housekeeping.purge()
    kept.housekeeping.purge()

    assert len(numbers()) == LENGTH, "it is evidence"
    told = [r.message for r in caplog.records if "broken audit" in r.message]
    assert len(told) == 1


def test_a_witness_of_what_was_purged_is_of_no_use(purged: Service) -> None:
    with pytest.raises(Invalid, match="Record 3 was purged"):
        purged.ledger.verify(Head(3, "a" * 64))
    assert purged.ledger.verify(head()).flaw is None
    assert purged.ledger.verify(Head(4, "a" * 64)).flaw is not None


@pytest.fixture
def on_file(config: dict[str, Any], calendar: Calendar) -> Iterator[Service]:
    """Return such a service whose ring is in a file."""
    del config["KEYSVC_SECRET_KEYS"]
    Service(Settings.from_mapping(config)).installation.prepare()
    yield ten(config, calendar)
    finish_all()
    disconnect()


def test_the_checkpoint_outlives_its_key(
    on_file: Service, config: dict[str, Any]
) -> None:
    service = on_file
    service.retention.purge(CLI, BEGIN + 4 * DAY)
    (first,) = (state.key_id for state in service.rekeying.states())
    service.rekeying.rotate(CLI)
    service.rekeying.drop(CLI, first)

    assert service.ledger.verify().flaw is None
    assert Service(Settings.from_mapping(config)).ledger.verify().purged == 4
    _change(at=BEGIN)()
    assert str(service.ledger.verify().flaw).startswith(CHECKPOINT)


# -- beside it ----------------------------------------------------------------------


@pytest.fixture
def cache() -> Cache:
    return Cache(100)


def test_a_process_that_is_behind_drops_all_it_has(
    kept: Service, cache: Cache, calendar: Calendar
) -> None:
    feed = Feed(cache)
    feed._read()
    for name in ("KPA", "KPB"):
        cache.keep(keypair(name), cache.position)
    # It sleeps; meanwhile something changes, and its record is purged.
    with kept.ledger.unit() as record:
        record(entry())
    calendar.now += DAY
    kept.retention.purge(CLI, calendar.now)

    feed._read()

    feed._watch.close()
    assert not cache._principals
    assert cache.position == head()


def test_a_process_that_is_not_behind_drops_nothing(
    kept: Service, cache: Cache
) -> None:
    feed = Feed(cache)
    feed._read()
    for name in ("KPA", "KPB"):
        cache.keep(keypair(name), cache.position)

    kept.retention.purge(CLI, BEGIN + 4 * DAY)
    feed._read()

    feed._watch.close()
    assert set(cache._principals) == {"KPA", "KPB"}
    assert cache.position == head()


def test_pages_go_on_with_what_is_left(service: Service, admin: Client) -> None:
    owner = Owner(OwnerKind.USER, "alice")
    for _ in range(6):
        service.credentials.issue(CLI, Kind.KEYPAIR, owner, Draft())
    first: Any = admin.get("/v1/audit?limit=2").json
    assert [item["seq"] for item in first["items"]] == [1, 2]

    with writing():
        row = AuditRow.get_by_id(5)
    service.retention.purge(CLI, row.at + timedelta(microseconds=1))

    token = first["nextPageToken"]
    rest: Any = admin.get("/v1/audit", query_string={"pageToken": token}).json
    assert [item["seq"] for item in rest["items"]] == [6, 7, 8]
    assert rest["items"][-1]["action"] == "audit.purge"
    assert rest["items"][-1]["actor"] == Actor(*CLI.actor)._asdict()
