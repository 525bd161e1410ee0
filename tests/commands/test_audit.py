"""``keysvc audit verify``: its exit code, and the record that it names."""

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from keysvc.core.clock import utcnow
from keysvc.core.service import Service
from keysvc.store.connection import writing
from keysvc.store.tables import AuditHeadRow
from keysvc.store.tables import AuditRow
from tests.commands.conftest import Run
from tests.core.test_ledger import entry

YEAR_AGO = utcnow() - timedelta(days=365, hours=1)
UNTIL = YEAR_AGO.isoformat(timespec="microseconds")


@pytest.fixture
def records(run: Run) -> int:
    """Make five records of the audit."""
    for _ in range(5):
        assert run("keypairs", "create", "u1").exit_code == 0
    return 5


def test_good(run: Run, records: int) -> None:
    done = run("audit", "verify")

    assert done.exit_code == 0
    assert done.stdout == "5 records are good.\n"


def test_good_as_json(run: Run, records: int) -> None:
    done = run("audit", "verify", "--json")

    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "good": 5,
        "flaw": None,
        "purged": 0,
        "purgedUntil": None,
    }


def test_nothing_is_good(run: Run) -> None:
    assert run("audit", "verify").exit_code == 0


def _change(app: Flask) -> None:
    AuditRow.update(actor_id="mallory").where(AuditRow.seq == 3).execute()


def _remove(app: Flask) -> None:
    AuditRow.delete().where(AuditRow.seq == 3).execute()


def _swap(app: Flask) -> None:
    for old, new in ((3, 99), (4, 3), (99, 4)):
        AuditRow.update(seq=new).where(AuditRow.seq == old).execute()


def _cut(app: Flask) -> None:
    AuditRow.delete().where(AuditRow.seq >= 3).execute()


@pytest.mark.parametrize("tamper", [_change, _remove, _swap, _cut])
def test_the_first_bad_record_is_named(
    app: Flask, run: Run, records: int, tamper: Any
) -> None:
    with writing():
        tamper(app)

    said, told = run("audit", "verify"), run("audit", "verify", "--json")

    assert said.exit_code == told.exit_code == 1
    assert said.stdout == "2 records are good.\n"
    assert said.stderr.startswith("Error: The audit is broken: record 3 ")
    assert json.loads(told.stdout)["good"] == 2
    assert json.loads(told.stdout)["flaw"].startswith("record 3 ")


def test_a_head_that_was_logged_betrays_a_cut_tail(
    service: Service, run: Run, records: int
) -> None:
    with writing():
        row = AuditHeadRow.get()
        witness = f"{row.seq}:{row.mac}"
        last = AuditRow.get(AuditRow.seq == 3)
        AuditRow.delete().where(AuditRow.seq > 3).execute()
        AuditHeadRow.update(seq=last.seq, mac=last.mac).execute()

    blind, told = run("audit", "verify"), run("audit", "verify", "--head", witness)

    assert blind.exit_code == 0
    assert told.exit_code == 1
    assert "record 4 is missing" in told.stderr


def test_a_head_of_this_chain_is_good(run: Run, records: int) -> None:
    with writing():
        rows = [(row.seq, row.mac) for row in AuditRow.select()]

    for seq, mac in rows:
        assert run("audit", "verify", "--head", f"{seq}:{mac}").exit_code == 0


def test_a_head_of_another_chain_is_not(run: Run, records: int) -> None:
    done = run("audit", "verify", "--head", f"2:{'0' * 64}")

    assert done.exit_code == 1
    assert "record 2 was changed or inserted" in done.stderr


@pytest.mark.parametrize(
    "head",
    [
        "",
        "5",
        "5:",
        f":{'a' * 64}",
        f"x:{'a' * 64}",
        f"-1:{'a' * 64}",
        f"²:{'a' * 64}",
        f"{'9' * 5000}:{'a' * 64}",
        f"5:{'a' * 63}",
        f"5:{'g' * 64}",
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_what_is_no_head_is_refused(run: Run, head: str) -> None:
    done = run("audit", "verify", "--head", head)

    assert done.exit_code == 2
    assert "looks like 42:" in done.stderr


# -- purged -------------------------------------------------------------------------


@pytest.fixture
def old(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Make two records of a year ago, and three of today."""
    today = service.ledger._now
    monkeypatch.setattr(service.ledger, "_now", lambda: YEAR_AGO)
    for number in range(5):
        if number == 2:
            monkeypatch.setattr(service.ledger, "_now", today)
        with service.ledger.unit() as record:
            record(entry(number))
    return service


def test_purge(run: Run, old: Service) -> None:
    dry = run("audit", "purge", "--older-than", "365d", "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert dry.stdout == f"Would purge 2 records, until {UNTIL}.\n"
    assert run("audit", "verify").stdout == "5 records are good.\n"

    done = run("audit", "purge", "--older-than", "365d", "--yes")

    assert done.stdout == f"Purged 2 records, until {UNTIL}.\n"
    said = run("audit", "verify")
    assert said.exit_code == 0
    assert said.stdout.splitlines() == [
        "4 records are good.",
        f"2 before them were purged, until {UNTIL}.",
    ]
    assert json.loads(run("audit", "verify", "--json").stdout) == {
        "good": 4,
        "flaw": None,
        "purged": 2,
        "purgedUntil": UNTIL,
    }
    again = run("audit", "purge", "--older-than", "365d", "--yes")
    assert again.stdout == "Purged 0 records.\n"


def test_purge_as_json(run: Run, old: Service) -> None:
    before = (YEAR_AGO + timedelta(days=1)).isoformat()
    done = run("audit", "purge", "--before", before, "--yes", "--json")

    assert json.loads(done.stdout) == {"purged": 2, "until": UNTIL}


def test_purge_asks(run: Run, old: Service) -> None:
    day = (YEAR_AGO + timedelta(days=1)).isoformat()
    refused = run("audit", "purge", "--before", day, input="n\n")
    assert refused.exit_code == 1
    assert "Purge 2 records? This cannot be undone." in refused.stdout
    assert run("audit", "verify").stdout == "5 records are good.\n"

    assert run("audit", "purge", "--before", day, input="y\n").exit_code == 0
    assert run("audit", "verify").stdout.startswith("4 records are good.\n2 before")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "Give --before or --older-than"),
        (("--before", "2026-01-01T00:00Z", "--older-than", "1d"), "one of them"),
        (("--before", "yesterday"), "--before: Must be a time"),
        (("--before", "2026-01-01"), "--before: Must be a time"),
        (("--before", "9999-01-01T00:00:00Z"), "Only what is past"),
        (("--older-than", "365"), "--older-than: Must be up to 7 digits"),
        (("--older-than", "-1d"), "--older-than: Must be up to 7 digits"),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_what_is_no_purge_is_refused(
    run: Run, arguments: tuple[str, ...], word: str
) -> None:
    done = run("audit", "purge", *arguments, "--yes")

    assert done.exit_code == 1
    assert word in done.stderr


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_longest_that_can_be_said(run: Run, old: Service) -> None:
    done = run("audit", "purge", "--older-than", "9999999d", "--dry-run")

    assert done.stdout == "Would purge 0 records.\n"


def test_what_was_tampered_with_is_not_purged(run: Run, old: Service) -> None:
    with writing():
        AuditRow.update(actor_id="mallory").where(AuditRow.seq == 2).execute()

    done = run("audit", "purge", "--older-than", "365d", "--yes")

    assert done.exit_code == 1
    assert "record 2 was changed or inserted" in done.stderr
    assert "1 records are good." in run("audit", "verify").stdout
