"""The audit's chain: gapless, and showing any change made to it."""

import logging
import threading
from collections.abc import Callable
from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from typing import Any

import pytest
from flask import Flask

from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.ledger.chain import Finding
from keysvc.core.ledger.chain import GENESIS
from keysvc.core.service import Service
from keysvc.errors import Conflict
from keysvc.errors import Unavailable
from keysvc.model import Actor
from keysvc.model import Draft
from keysvc.model import Entry
from keysvc.model import Head
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store import audit
from keysvc.store.connection import disconnect
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.tables import AuditHeadRow
from keysvc.store.tables import AuditRow
from keysvc.store.tables import database
from tests.store.processes import at_once

ALICE = Owner(OwnerKind.USER, "alice")
LENGTH = 5

Tamper = Callable[[], None]


def entry(number: int = 0) -> Entry:
    """Return something that may be recorded."""
    return Entry(
        actor=Actor("cli", "root"),
        origin=Origin("192.0.2.1", f"request-{number}"),
        action="credential.create",
        credential_id=f"KP{number}",
        owner=ALICE,
        before={"name": "é"},
        after={"name": "ü", "rate_limit": number, "scopes": ["a:b"]},
    )


def write(service: Service, count: int = 1) -> None:
    """Record *count* entries, each in a transaction of its own."""
    for number in range(count):
        with service.ledger.unit() as record:
            record(entry(number))


def numbers() -> list[int]:
    """Return the sequence numbers that there are."""
    with reading():
        return [row.seq for row in AuditRow.select().order_by(AuditRow.seq)]


def head() -> Head:
    """Return the head as the database holds it."""
    with reading():
        return Head(*audit.head())


@pytest.fixture
def chain(service: Service) -> Service:
    """Return a service whose chain has five records."""
    write(service, LENGTH)
    return service


# -- written ------------------------------------------------------------------------


def test_an_empty_chain_is_good(service: Service) -> None:
    assert service.ledger.verify() == Finding(0, None)
    assert head() == Head(0, GENESIS)


def test_numbers_begin_at_one_and_leave_none_out(chain: Service) -> None:
    assert numbers() == [1, 2, 3, 4, 5]
    assert head().seq == 5
    assert chain.ledger.verify() == Finding(5, None)


def test_several_records_of_one_transaction(service: Service) -> None:
    with service.ledger.unit() as record:
        for number in range(3):
            record(entry(number))
    write(service)

    assert numbers() == [1, 2, 3, 4]
    assert service.ledger.verify() == Finding(4, None)


def test_a_transaction_that_fails_leaves_no_record_and_no_gap(
    service: Service,
) -> None:
    write(service)
    with pytest.raises(Conflict), service.ledger.unit() as record:
        record(entry(1))
        raise Conflict
    write(service)

    assert numbers() == [1, 2]
    assert service.ledger.verify() == Finding(2, None)


def test_a_commit_that_fails_leaves_no_record_and_no_gap(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(record: object) -> None:
        kept(record)
        raise Conflict

    write(service)
    kept: Callable[[Any], None] = audit.append
    monkeypatch.setattr(audit, "append", fail)
    with pytest.raises(Conflict):
        write(service)
    monkeypatch.undo()
    write(service)

    assert numbers() == [1, 2]
    assert service.ledger.verify() == Finding(2, None)


def test_nothing_recorded_writes_nothing(service: Service) -> None:
    with service.ledger.unit():
        pass

    assert numbers() == []
    assert head() == Head(0, GENESIS)


ENTRIES = {
    "nothing but who and what": Entry(
        actor=Actor("cli", "root"), origin=Origin(), action="x"
    ),
    "odd text": Entry(
        actor=Actor("keypair", "KP'\"\\%s?"),
        origin=Origin("::1", "a.b_c-d"),
        action="x",
        owner=Owner(OwnerKind.ORGANIZATION, "鍵 🔑 e\u0301"),
        before={"ключ": ["\t\n", None, True, {}]},
        after={},
    ),
    "odd numbers": Entry(
        actor=Actor("cli", "root"),
        origin=Origin(),
        action="x",
        after={"n": [0, -1, 2**63 - 1, -(2**63), 0.1, 1e308, 5e-324, 1.0]},
    ),
    "order and tuples": Entry(
        actor=Actor("cli", "root"),
        origin=Origin(),
        action="x",
        before={"b": (1, 2), "a": {"d": 1, "c": ()}},
    ),
}


@pytest.mark.parametrize("odd", ENTRIES.values(), ids=ENTRIES.keys())
def test_whatever_was_recorded_verifies(service: Service, odd: Entry) -> None:
    with service.ledger.unit() as record:
        record(odd)

    assert service.ledger.verify() == Finding(1, None)


@pytest.mark.parametrize(
    "moment",
    [datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, 0, 0, 0, 10, tzinfo=UTC)],
)
def test_whenever_it_was_recorded_it_verifies(
    app: Flask, config: dict[str, Any], moment: datetime
) -> None:
    service = Service(Settings.from_mapping(config), lambda: moment)
    write(service)

    assert service.ledger.verify() == Finding(1, None)


def test_the_chain_is_checked_over_many_batches(
    chain: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_BATCH", 2)

    assert chain.ledger.verify() == Finding(5, None)


def test_every_use_case_leaves_one_record(service: Service) -> None:
    caller = operator()
    issued = service.credentials.issue(caller, Kind.KEYPAIR, ALICE, Draft(name="one"))
    public_id = issued.credential.public_id
    service.credentials.change(caller, Kind.KEYPAIR, ALICE, public_id, {"name": "two"})
    service.credentials.change(caller, Kind.KEYPAIR, ALICE, public_id, {"name": "two"})
    service.credentials.delete(caller, Kind.KEYPAIR, ALICE, public_id)

    rows = _all_records()
    assert [row.action for row in rows] == [
        "credential.create",
        "credential.update",
        "credential.delete",
    ], "a change that changes nothing is no record"
    assert {row.credential_id for row in rows} == {public_id}
    assert (rows[1].before, rows[1].after) == ({"name": "one"}, {"name": "two"})
    assert rows[0].before is None and rows[2].after is None
    assert issued.secret not in repr([row.__data__ for row in rows])
    assert service.ledger.verify() == Finding(3, None)


# -- tampered with ------------------------------------------------------------------


def alter(seq: int, **columns: Any) -> Tamper:
    """Return what changes columns of record *seq*."""
    return lambda: run(AuditRow.update(**columns).where(AuditRow.seq == seq))


def remove(*numbers: int) -> Tamper:
    """Return what deletes the records *numbers*."""
    return lambda: run(AuditRow.delete().where(AuditRow.seq << numbers))


def insert(seq: int, like: int = 3) -> Tamper:
    """Return what adds a record *seq*, a copy of record *like*."""

    def tamper() -> None:
        with writing():
            row = AuditRow.get_by_id(like).__data__
            AuditRow.insert(**{**row, "seq": seq}).execute()

    return tamper


def renumber(old: int, new: int) -> Tamper:
    """Return what gives record *old* the number *new*."""
    return lambda: run(AuditRow.update(seq=new).where(AuditRow.seq == old))


def swap(one: int, other: int) -> Tamper:
    """Return what exchanges all that two records say, but for their numbers."""

    def tamper() -> None:
        with writing():
            rows = {seq: AuditRow.get_by_id(seq).__data__ for seq in (one, other)}
            for seq, row in ((one, rows[other]), (other, rows[one])):
                columns = {name: v for name, v in row.items() if name != "seq"}
                AuditRow.update(**columns).where(AuditRow.seq == seq).execute()

    return tamper


def behead(**columns: Any) -> Tamper:
    """Return what changes the head."""
    return lambda: run(AuditHeadRow.update(**columns))


def rewind(seq: int) -> Tamper:
    """Return what makes record *seq* the head, and leaves what follows."""

    def tamper() -> None:
        with writing():
            mac = AuditRow.get_by_id(seq).mac
            AuditHeadRow.update(seq=seq, mac=mac).execute()

    return tamper


def sql(statement: str) -> Tamper:
    """Return what runs *statement*."""

    def tamper() -> None:
        with writing():
            database.execute_sql(statement)

    return tamper


def run(query: Any) -> None:
    with writing():
        assert query.execute()


def both(*tampers: Tamper) -> Tamper:
    """Return what does all of *tampers*."""

    def tamper() -> None:
        for each in tampers:
            each()

    return tamper


YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def write_after(text: str) -> Tamper:
    """Return what writes *text*, maybe no JSON, where a document belongs."""
    return sql(f"UPDATE keysvc_audit SET \"after\" = '{text}' WHERE seq = 3")


SAME = sql('UPDATE keysvc_audit SET "before" = "after" WHERE seq = 3')

TAMPERED: dict[str, tuple[Tamper, int, str]] = {
    "at": (alter(3, at=YESTERDAY), 3, "changed"),
    "actor_kind": (alter(3, actor_kind="keypair"), 3, "changed"),
    "actor_id": (alter(3, actor_id="nobody"), 3, "changed"),
    "address": (alter(3, address="192.0.2.2"), 3, "changed"),
    "no address": (alter(3, address=None), 3, "changed"),
    "request_id": (alter(3, request_id="another"), 3, "changed"),
    "no request_id": (alter(3, request_id=None), 3, "changed"),
    "action": (alter(3, action="credential.delete"), 3, "changed"),
    "credential_id": (alter(3, credential_id="KP1"), 3, "changed"),
    "no credential_id": (alter(3, credential_id=None), 3, "changed"),
    "owner_kind": (alter(3, owner_kind="organization"), 3, "changed"),
    "unknown owner_kind": (alter(3, owner_kind="nobody"), 3, "changed"),
    "no owner_kind": (alter(3, owner_kind=None), 3, "changed"),
    "owner_id": (alter(3, owner_id="bob"), 3, "changed"),
    "no owner_id": (alter(3, owner_id=None), 3, "changed"),
    "no owner": (alter(3, owner_kind=None, owner_id=None), 3, "changed"),
    "before": (alter(3, before={"name": "e"}), 3, "changed"),
    "no before": (alter(3, before=None), 3, "changed"),
    "after": (alter(3, after={}), 3, "changed"),
    "no after": (alter(3, after=None), 3, "changed"),
    "before like after": (SAME, 3, "changed"),
    "no JSON": (write_after("{"), 3, "changed"),
    "too large a number": (write_after(f"{2**80}"), 3, "changed"),
    "too deep": (write_after("[" * 9999), 3, "changed"),
    "key_id": (alter(3, key_id="0123456789abcdef"), 3, "key"),
    "mac": (alter(3, mac="0" * 64), 3, "changed"),
    "mac without ASCII": (alter(3, mac="é" * 64), 3, "changed"),
    "the first": (alter(1, action="x"), 1, "changed"),
    "the last": (alter(5, action="x"), 5, "changed"),
    "two of them": (both(alter(4, action="x"), alter(2, action="x")), 2, "changed"),
    "one gone": (remove(3), 3, "missing"),
    "the first gone": (remove(1), 1, "missing"),
    "the first two gone": (remove(1, 2), 1, "missing"),
    "the last gone": (remove(5), 5, "missing"),
    "the tail gone": (remove(3, 4, 5), 3, "missing"),
    "all gone": (remove(1, 2, 3, 4, 5), 1, "missing"),
    "one more in the middle": (
        both(renumber(5, 6), renumber(4, 5), insert(4)), 4, "changed"
    ),
    "one more at the end": (insert(6), 6, "inserted"),
    "one more, far away": (insert(60), 6, "missing"),
    "one more at 0": (insert(0), 0, "inserted"),
    "one more below 0": (insert(-1), -1, "inserted"),
    "one more far below 0": (insert(-(2**63)), -(2**63), "inserted"),
    "two swapped": (swap(2, 4), 2, "changed"),
    "neighbours swapped": (swap(3, 4), 3, "changed"),
    "closed up": (both(remove(3), renumber(4, 3), renumber(5, 4)), 3, "changed"),
    "the head's mac": (behead(mac="0" * 64), 5, "changed"),
    "the head's number, less": (behead(seq=4), 4, "changed"),
    "the head's number, more": (behead(seq=9), 6, "missing"),
    "the head at nothing": (behead(seq=0, mac=GENESIS), 1, "inserted"),
    "the head at nothing, odd": (behead(seq=0, mac="x"), 6, "missing"),
    "the head below nothing": (behead(seq=-3), 6, "missing"),
    "the head rewound": (rewind(3), 4, "inserted"),
    "no head": (sql("DELETE FROM keysvc_audit_head"), 6, "missing"),
    "nothing left but a head": (
        both(remove(1, 2, 3, 4, 5), behead(seq=2, mac="x")), 1, "missing"
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("tamper", "record", "word"), TAMPERED.values(), ids=TAMPERED.keys()
)
def test_what_was_tampered_with_is_named(
    chain: Service, tamper: Tamper, record: int, word: str
) -> None:
    tamper()

    finding = chain.ledger.verify()

    assert finding.flaw is not None
    assert finding.flaw.startswith(f"record {record} ")
    assert word in finding.flaw
    assert finding.good == max(0, record - 1)


def test_a_record_without_an_owner_is_given_one(service: Service) -> None:
    with service.ledger.unit() as record:
        record(ENTRIES["nothing but who and what"])
    alter(1, owner_id="alice")()

    assert service.ledger.verify().flaw == "record 1 was changed or inserted"


def test_nothing_is_appended_to_a_chain_without_a_head(chain: Service) -> None:
    run(AuditHeadRow.delete())

    with pytest.raises(Unavailable, match="head"):
        write(chain)

    assert numbers() == [1, 2, 3, 4, 5]


# -- witnessed ----------------------------------------------------------------------


def test_a_head_that_was_logged_is_still_in_the_chain(chain: Service) -> None:
    witness = head()
    write(chain, 3)

    assert chain.ledger.verify(witness) == Finding(8, None)


def test_the_head_of_an_empty_chain_is_a_witness_of_nothing(chain: Service) -> None:
    assert chain.ledger.verify(Head(0, GENESIS)) == Finding(5, None)


def test_a_cut_tail_shows_by_the_head_that_was_logged(chain: Service) -> None:
    witness = head()
    remove(4, 5)()
    rewind(3)()
    assert chain.ledger.verify() == Finding(3, None), "the database alone cannot tell"

    assert chain.ledger.verify(witness) == Finding(3, "record 4 is missing")


def test_a_tail_that_was_cut_and_written_anew_shows_too(chain: Service) -> None:
    witness = head()
    remove(4, 5)()
    rewind(3)()
    write(chain, 4)
    assert chain.ledger.verify() == Finding(7, None)

    finding = chain.ledger.verify(witness)

    assert finding == Finding(4, "record 5 was changed or inserted")


def test_a_head_that_nobody_has_logged(chain: Service) -> None:
    assert chain.ledger.verify(Head(3, "f" * 64)).flaw is not None
    assert chain.ledger.verify(Head(0, "f" * 64)).flaw is not None


def test_the_log_tells_each_head_once(
    chain: Service, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("keysvc").propagate = True
    with caplog.at_level(logging.INFO, "keysvc.audit"):
        chain.ledger.log_head()
        chain.ledger.log_head()
        first = head()
        write(chain)
        chain.ledger.log_head()

    told = [(r.__dict__["seq"], r.__dict__["mac"]) for r in caplog.records]
    assert told == [first, head()]


# -- under other keys ---------------------------------------------------------------


@pytest.fixture
def on_file(config: dict[str, Any]) -> Iterator[Service]:
    """Return a service whose ring is in a file, as ``keysvc init`` makes it."""
    del config["KEYSVC_SECRET_KEYS"]
    service = Service(Settings.from_mapping(config))
    service.installation.prepare()
    yield service
    finish_all()
    disconnect()


def test_the_chain_outlives_its_keys(on_file: Service, config: dict[str, Any]) -> None:
    service = on_file
    write(service, 2)
    (first,) = (state.key_id for state in service.rekeying.states())
    service.rekeying.rotate(operator())
    write(service, 2)
    assert service.ledger.verify() == Finding(5, None)

    service.rekeying.drop(operator(), first)
    write(service, 2)

    good = Finding(8, None)
    assert service.ledger.verify() == good
    assert Service(Settings.from_mapping(config)).ledger.verify() == good
    keys = {row.key_id for row in _all_records()}
    assert len(keys) == 2 and first in keys

    alter(2, action="x")()
    assert service.ledger.verify() == Finding(1, "record 2 was changed or inserted")


def test_the_chain_outlives_many_keys(on_file: Service) -> None:
    service = on_file
    for _ in range(3):
        write(service)
        service.rekeying.rotate(operator())
        service.rekeying.reseal(operator())
        *_, oldest = service.rekeying.states()
        service.rekeying.drop(operator(), oldest.key_id)

    assert len(service.rekeying.states()) == 1
    assert service.ledger.verify().flaw is None
    assert len({row.key_id for row in _all_records()}) >= 3


def _all_records() -> list[Any]:
    with reading():
        return list(AuditRow.select().order_by(AuditRow.seq))


# -- by many at once ----------------------------------------------------------------


def test_threads_keep_the_chain(service: Service) -> None:
    threads = [threading.Thread(target=write, args=(service, 10)) for _ in range(4)]
    for thread in threads:
        thread.start()
    findings = [service.ledger.verify()]
    while any(thread.is_alive() for thread in threads):
        findings.append(service.ledger.verify())
    for thread in threads:
        thread.join()

    assert [f.flaw for f in findings if f.flaw] == [], "while others were writing"
    assert service.ledger.verify() == Finding(40, None)
    assert numbers() == list(range(1, 41))


def test_processes_keep_the_chain(service: Service, config: dict[str, Any]) -> None:
    results = at_once(_write_in_a_process, [(config, number) for number in range(4)])

    assert results == [None] * 4
    assert service.ledger.verify() == Finding(40, None)
    assert numbers() == list(range(1, 41))


def _write_in_a_process(config: dict[str, Any], number: int) -> None:
    service = Service(Settings.from_mapping(config))
    for turn in range(10):
        with service.ledger.unit() as record:
            record(entry(100 * number + turn))
